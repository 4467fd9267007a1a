"""The wheel: what is installed into other people's environments."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.paths import ROOT

BUILD = """
import sys
from scikit_build_core.build import build_wheel
build_wheel(sys.argv[1], {"build-dir": sys.argv[2]})
"""


@pytest.mark.slow
def test_the_wheel_installs_the_two_packages_and_nothing_else(tmp_path: Path) -> None:
    """Another top-level name could hide a module of the application that installs it."""
    arguments = [str(tmp_path), str(tmp_path / "build")]
    command = [sys.executable, "-c", BUILD, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    metadata = "-".join(wheel.name.split("-")[:2]) + ".dist-info"
    assert {name.split("/")[0] for name in names} == {"off_tanet", "off_tanet_export", metadata}
    assert "off_tanet/assets/off_tanet.onnx" in names
    assert "off_tanet_export/weights/off_tanet.safetensors" in names
    assert any(name.startswith("off_tanet/recognition/flow/") and ".so" in name for name in names)
