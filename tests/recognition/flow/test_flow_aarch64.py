"""The flow on AArch64, cross-compiled from the same source and emulated."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support.paths import ROOT
from tests.support.shared import shared

SOURCES = ROOT / "service/off_tanet/recognition/flow"
COMPILER = "aarch64-linux-gnu-g++"
PAIRS = 3  # emulation takes seconds for each
EMULATORS = ("qemu-aarch64-static", "qemu-aarch64")


def emulator() -> str:
    """The command that runs an AArch64 program; the test is skipped without it or the compiler."""
    found = [name for name in EMULATORS if shutil.which(name)]
    if not found or not shutil.which(COMPILER):
        pytest.skip(f"needs {COMPILER} and one of {', '.join(EMULATORS)}")
    return found[0]


def built(folder: Path) -> Path:
    cmake = str(Path(sys.executable).with_name("cmake"))
    settings = {
        "CMAKE_SYSTEM_NAME": "Linux",
        "CMAKE_SYSTEM_PROCESSOR": "aarch64",
        "CMAKE_CXX_COMPILER": COMPILER,
        "CMAKE_BUILD_TYPE": "Release",
        "CMAKE_EXE_LINKER_FLAGS": "-static",
        "FLOW_PROGRAM": str(Path(__file__).with_name("flow_main.cpp")),
    }
    options = [f"-D{name}={value}" for name, value in settings.items()]
    for command in (
        ["-S", str(SOURCES), "-B", str(folder), *options],
        ["--build", str(folder), "--parallel", "2"],
    ):
        subprocess.run([cmake, *command], check=True, capture_output=True)
    return folder / "program_generic"


def test_it_equals_opencv(tmp_path: Path) -> None:
    """ARM servers use another estimate of 1/sqrt."""
    run = emulator()
    reference = np.load(shared("tvl1_reference.npz"))
    names = ("onset", "apex", "opencv_flow", "true_flow")
    onsets, apexes, opencv, truth = (reference[name][:PAIRS] for name in names)
    pairs, height, width = onsets.shape
    command = [run, str(built(tmp_path)), str(pairs), str(width), str(height)]
    frames = onsets.tobytes() + apexes.tobytes()
    answer = subprocess.run(command, input=frames, capture_output=True, check=True).stdout
    flows = np.frombuffer(answer, np.float32).reshape(opencv.shape)
    errors = [np.sqrt(((flow - truth) ** 2).sum(axis=1)).mean() for flow in (flows, opencv)]
    assert np.abs(flows - opencv).mean() <= 0.02
    assert abs(errors[0] - errors[1]) <= 0.002
