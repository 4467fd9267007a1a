"""The wheel: what is installed into other people's environments."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import httpx
import pytest

from tests.support.paths import ROOT
from tests.support.requests import CLIP
from tests.support.serving import Server

CLIENT = ROOT / "packaging/client"

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


def project(folder: Path) -> dict[str, object]:
    text = (folder / "pyproject.toml").read_text(encoding="utf-8")
    found: dict[str, object] = tomllib.loads(text)["project"]
    return found


def test_the_client_has_the_version_and_requirements_of_the_package() -> None:
    """Both are built from the same source."""
    client, whole = project(CLIENT), project(ROOT)
    extras = whole["optional-dependencies"]
    assert isinstance(extras, dict)
    assert isinstance(whole["dependencies"], list)
    assert isinstance(client["dependencies"], list)
    assert client["version"] == whole["version"]
    assert client["requires-python"] == whole["requires-python"]
    assert set(client["dependencies"]) <= {*whole["dependencies"], *extras["client"]}


def test_the_client_works_without_the_recogniser(tmp_path: Path, server: Server) -> None:
    """With nothing of the package but what its wheel has."""
    command = [sys.executable, "-c", BUILD, str(tmp_path), str(tmp_path / "build")]
    done = subprocess.run(command, cwd=CLIENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("off_tanet_client-*-py3-none-any.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    code = f"""
import sys
sys.path[:0] = [{str(tmp_path / "installed")!r}, {str(Path(httpx.__file__).parents[1])!r}]
from off_tanet.client import AsyncClient, Client
with Client({server.url!r}) as client:
    print(client.clip(open({str(CLIP)!r}, "rb").read()).label)
print(sorted({{"av", "cv2", "fastapi", "onnxruntime", "off_tanet.recognition"}} & set(sys.modules)))
try:
    from off_tanet import Recognizer
except ModuleNotFoundError as error:
    print(error.name)
"""
    # -S: without the folders of an editable installation.
    ran = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True)
    assert ran.stdout.splitlines() == ["surprise", "[]", "off_tanet.recognition"], ran.stderr
