"""Exit codes: one line on standard error, and a code for the kind of error."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import av
import pytest
from off_tanet.cli import main
from off_tanet.cli.exit_codes import ExitCode
from off_tanet.configuration import ASSETS
from off_tanet.recognition.recognizer import Recognizer

from tests.support import factories
from tests.support.paths import ROOT

SAMPLES = ASSETS / "samples"
ONSET, APEX = (str(SAMPLES / f"positive_{frame}.jpg") for frame in ("onset", "apex"))
CLIP = str(SAMPLES / "clip.mp4")


def ending(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """The exit code and the only line on standard error; standard output must be empty."""
    code = main(arguments)
    out, err = capfd.readouterr()
    assert out == ""
    assert re.fullmatch(r"off-tanet: .+\n", err)
    return code, err


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["predict", "none.png", APEX], "none.png: No such file or directory. (unreadable_file)"),
        (["predict", ONSET, CLIP], "(unsupported_media_type)"),
        (["clip", ONSET], "(unsupported_media_type)"),
        (["clip", "."], "(unreadable_file)"),
        (["clip", CLIP, "--onset-index", "9", "--apex-index", "3"], "(onset_not_before_apex)"),
        (["video", __file__], "(unsupported_media_type)"),
        (["batch", "none.csv", "-o", "scores.csv"], "none.csv"),
    ],
)
def test_bad_input_is_1(
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: list[str],
    text: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, line = ending(capfd, *arguments)
    assert (code, text in line) == (1, True)
    assert not list(tmp_path.iterdir())


def test_decoder_messages_about_a_broken_image_are_suppressed(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """libpng writes to standard error itself."""
    data = bytearray(factories.png(factories.portrait()))
    data[len(data) // 2] ^= 0xFF
    (tmp_path / "broken.png").write_bytes(data)
    code, line = ending(capfd, "predict", str(tmp_path / "broken.png"), APEX)
    assert (code, "(undecodable_media)" in line) == (1, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ["none"],
        ["predict", ONSET],
        ["predict", ONSET, APEX, "--face", "maybe"],
        ["predict", ONSET, APEX, "--report", "none/report.png"],
        ["clip", CLIP, "--onset-index", "-1"],
        ["serve", "--port", "65536"],
        ["batch", str(SAMPLES), "-o", "scores.txt"],
        ["batch", str(SAMPLES), "-o", "none/scores.csv"],
    ],
)
def test_a_wrong_command_is_2(capfd: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert ending(capfd, *arguments)[0] == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["predict", "", APEX],
        ["predict", ONSET, ""],
        ["predict", ONSET, APEX, "--report", ""],
        ["clip", ""],
        ["clip", CLIP, "--report="],
        ["video", ""],
        ["batch", "", "-o", "scores.csv"],
        ["batch", ".", "-o", ""],
    ],
)
def test_an_empty_path_is_2(
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: list[str],
) -> None:
    """From an unset shell variable: `batch "$STUDY"` used to score the current folder."""
    (tmp_path / "clip.mp4").write_bytes(Path(CLIP).read_bytes())
    monkeypatch.chdir(tmp_path)
    code, line = ending(capfd, *arguments)
    assert (code, "the path is empty" in line) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


@pytest.mark.parametrize("command", [["model"], ["batch", str(SAMPLES), "-o", "scores.csv"]])
@pytest.mark.parametrize(
    ("name", "value"), [("MODEL", "none.onnx"), ("WORKERS", "many"), ("WORKRES", "2")]
)
def test_a_wrong_setting_is_2(
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    command: list[str],
    name: str,
    value: str,
) -> None:
    """Before any row is scored: each would fail alike."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(f"OFF_TANET_{name}", value)
    code, line = ending(capfd, *command)
    assert code == 2
    assert name in line or value in line
    assert not list(tmp_path.iterdir())


def test_an_unknown_flow_build_is_2() -> None:
    """In a process of its own, as the build is chosen once for each process."""
    environment = {**os.environ, "OFF_TANET_FLOW_BUILD": "none"}
    command = [sys.executable, "-m", "off_tanet", "model"]
    ran = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert re.fullmatch(r"off-tanet: OFF_TANET_FLOW_BUILD is 'none'; .+\n", ran.stderr)


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("frames", ["predict", ONSET, APEX]),
        ("clip", ["clip", CLIP]),
        ("video", ["video", CLIP]),
    ],
)
@pytest.mark.parametrize("error", [ValueError, TypeError, UnicodeDecodeError])
def test_an_internal_error_is_3(
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    arguments: list[str],
    error: type[Exception],
) -> None:
    """If a library fails on an upload; a traceback would quote it."""

    def fail(*_: object, **__: object) -> None:
        if error is UnicodeDecodeError:
            raise UnicodeDecodeError("utf-8", b"a title", 0, 1, "a title")
        raise error("a title")

    monkeypatch.setattr(Recognizer, method, fail)
    code, line = ending(capfd, *arguments)
    assert code == 3
    assert line.startswith(f"off-tanet: internal error: {error.__name__} in ")
    assert "a title" not in line


@pytest.mark.parametrize(
    "arguments", [["predict", ONSET, APEX], ["clip", CLIP], ["batch", str(SAMPLES), "-o", "s.csv"]]
)
def test_a_broken_decoder_is_3(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    """As with a release of PyAV that dropped an argument: every clip would be refused."""
    monkeypatch.setattr(av, "open", lambda *_, **__: None)
    code, line = ending(capfd, *arguments)
    assert code == 3
    assert "samples cannot be decoded" in line


def test_a_full_disk_is_3(tmp_path: Path) -> None:
    """Neither the command nor its input is at fault."""
    lines = ["clip", *(f"none{index}.mp4" for index in range(20))]
    (tmp_path / "clips.csv").write_text("\n".join(lines), encoding="utf-8")
    command = "ulimit -f 1; exec $0 -m off_tanet batch clips.csv -o scores.jsonl"
    # `make coverage` would write a larger file at the process's end.
    environment = {name: text for name, text in os.environ.items() if "COVERAGE" not in name}
    ran = subprocess.run(
        ["bash", "-c", command, sys.executable],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
    )
    assert (ran.returncode, ran.stdout) == (3, "")
    assert ran.stderr == "off-tanet: File too large\n"


def test_without_the_extra_parquet_is_refused_with_a_message(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "off_tanet.batch.parquet", raising=False)
    code, line = ending(capfd, "batch", str(SAMPLES), "-o", str(tmp_path / "scores.parquet"))
    assert code == 2
    assert line.endswith("needs the extra parquet: pip install 'off-tanet[parquet]'\n")


def test_help_and_documents_show_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    page = (ROOT / "docs/command-line.md").read_text(encoding="utf-8")
    for code in ExitCode:
        assert re.search(rf"\b{code.value} ", text)
        assert f"\n| {code.value} |" in page


def test_a_worker_imports_nothing_of_the_command_line() -> None:
    """A spawned process imports its parent's main module again, which is `off_tanet.cli`."""
    program = (
        "import sys; import off_tanet.cli, off_tanet.workers.jobs, off_tanet.workers.worker;"
        "print({'typer', 'rich', 'uvicorn', 'off_tanet.cli.app'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert ran.stdout == b"set()\n"
