"""Which package may import which: the data flows one way, so that each part can be used alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import ROOT

SERVICE = ROOT / "service/off_tanet"
EXPORT = ROOT / "model_export/off_tanet_export"

ORDER = (
    ("errors", "limits", "identifiers", "cpu", "logs", "setting_names"),
    ("types", "files", "configuration"),
    ("settings",),
    ("environment",),
    ("recognition",),
    ("visualization",),
    ("schemas",),
    ("workers",),
    ("api", "client", "batch"),
    ("startup",),
    ("doctor",),
    ("cli", "ray_serve"),
    ("__main__", "__init__"),
)
"""The parts of `off_tanet`; none imports one of a later line, nor another one of its own."""

HEAVY = ("onnxruntime", "cv2", "av")


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports, anywhere in it, but for those that only types name."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def part(path: Path) -> str:
    return path.relative_to(SERVICE).parts[0].removesuffix(".py")


def test_every_part_has_its_place() -> None:
    """A new package or module at the top has to say where the data passes through it."""
    found = {part(path) for path in SERVICE.rglob("*.py")}
    assert found == {name for line in ORDER for name in line}


def test_no_part_imports_a_later_one() -> None:
    """A circle between packages makes each of them unusable without the other."""
    place = {name: at for at, line in enumerate(ORDER) for name in line}
    wrong = [
        f"{path.relative_to(SERVICE)} imports {name}"
        for path in SERVICE.rglob("*.py")
        for name in imports(path)
        if name.startswith("off_tanet.")
        and (other := name.split(".")[1]) in place
        and other != part(path)
        and place[other] >= place[part(path)]
    ]
    assert not wrong


def test_the_service_knows_nothing_of_training() -> None:
    """It is installed without PyTorch."""
    names = [name for path in SERVICE.rglob("*.py") for name in imports(path)]
    assert not [name for name in names if name.split(".")[0] in ("torch", "off_tanet_export")]


@pytest.mark.parametrize("module", ["off_tanet.client", "off_tanet.settings"])
def test_what_loads_no_model_imports_none(module: str) -> None:
    """A client is built into small applications, which pay for every import."""
    code = f"import {module}, sys; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
