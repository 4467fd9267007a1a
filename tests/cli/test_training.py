"""The training commands: always listed, available where PyTorch is installed."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from off_tanet.cli import main
from off_tanet.cli.training import COMMANDS

TRAINED_WITH = ("torch", "safetensors", "onnx", "python_calamine", "tqdm")


def without(missing: str, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The result of `python -m MODULE` without one of the extra's packages."""
    program = (
        f"import runpy, sys; sys.modules[{missing!r}] = None;"
        f"sys.argv[1:] = {list(arguments)!r};"
        f"runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
    )
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("module", ["off_tanet", "off_tanet_export"])
def test_without_the_extra_other_commands_work(module: str) -> None:
    """PyTorch takes gigabytes, which a service does not need."""
    ran = without("torch", module, "--help")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert all(f"\n  {name} " in ran.stdout for name in ("serve", *COMMANDS))


@pytest.mark.parametrize(
    ("missing", "module", "arguments"),
    [
        *(("torch", "off_tanet", [name]) for name in COMMANDS),
        *((missing, "off_tanet", ["export", "--help"]) for missing in TRAINED_WITH),
        ("torch", "off_tanet_export", ["train", "--output", "w.safetensors"]),
    ],
)
def test_without_the_extra_one_line_says_what_to_install(
    missing: str, module: str, arguments: list[str]
) -> None:
    ran = without(missing, module, *arguments)
    needs = f"{arguments[0]} needs the extra train: pip install 'off-tanet[train]'"
    assert (ran.returncode, ran.stdout, ran.stderr) == (2, "", f"off-tanet: {needs}\n")


def test_help_lists_training_commands_separately(capsys: pytest.CaptureFixture[str]) -> None:
    """Most users do not need them."""
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    training = shown.partition("\nTraining:\n")[2].partition("\n\n")[0]
    assert re.findall(r"^  ([\w-]+)", training, re.M) == list(COMMANDS)
    assert "train" not in shown.partition("\nTraining:\n")[0].split()


def test_help_does_not_import_pytorch() -> None:
    """Its import takes seconds."""
    program = (
        "import sys; from off_tanet.cli import main; main(['--help']);"
        "sys.exit(str({'torch', 'off_tanet_export', 'numpy'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.stderr == "set()\n"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--output"],
        ["--output", "w.safetensors", "--seed", "one"],
        ["--output", "w.safetensors", "--variant", "none"],
        ["--output", "w.safetensors", "--sed", "a\nb"],
        ["--output", "w.safetensors", "more"],
    ],
)
def test_a_wrong_option_is_one_line_and_2(
    capfd: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert main(["train", *arguments]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert re.fullmatch(r"off-tanet: .+; see off-tanet( train)? --help\n", err)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The description is in the table of commands, the options are the command's own."""
    assert main([name, "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"usage: off-tanet {name} [-h] ")
    assert COMMANDS[name] in " ".join(shown.split())
