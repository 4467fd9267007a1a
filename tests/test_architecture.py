"""Which package may import which: the data flows one way, so that each part can be used alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.code_metrics import PACKAGES, Module, imports, modules

SERVICE = PACKAGES[0]
MODULES = modules(SERVICE)

ORDER = (
    ("errors", "limits", "identifiers", "cpu", "logs", "native", "setting_names", "reasons"),
    ("types", "files", "configuration", "face_choice", "service_settings"),
    ("settings",),
    ("config_file",),
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


def part(module: Module) -> str:
    return module.path.relative_to(SERVICE).parts[0].removesuffix(".py")


def test_every_part_has_its_place() -> None:
    """A new package or module at the top level must be given a place in the order."""
    assert {part(module) for module in MODULES} == {name for line in ORDER for name in line}


def test_no_part_imports_a_later_one() -> None:
    """With a cycle between packages, neither can be used without the other."""
    place = {name: at for at, line in enumerate(ORDER) for name in line}
    wrong = [
        f"{module.name} imports {name}"
        for module in MODULES
        for name in imports(module.tree)
        if name.startswith("off_tanet.")
        and (other := name.split(".")[1]) in place
        and other != part(module)
        and place[other] >= place[part(module)]
    ]
    assert not wrong


def test_the_service_does_not_import_training() -> None:
    """The service is installed without PyTorch."""
    names = [name for module in MODULES for name in imports(module.tree)]
    assert not [name for name in names if name.split(".")[0] in ("torch", "off_tanet_export")]


@pytest.mark.parametrize("module", ["off_tanet.client", "off_tanet.settings"])
def test_modules_without_a_model_load_no_native_library(module: str) -> None:
    """The client is used in small applications, where each import costs time and memory."""
    code = f"import {module}, sys; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
