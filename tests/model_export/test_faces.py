"""The conversion of MTCNN, and the committed result."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
import torch
from off_tanet_export.errors import ExportError
from off_tanet_export.face_detector.export import check, convert, convert_wheel, main
from off_tanet_export.face_detector.mtcnn import STAGES, WHEEL, Stage, Weights

from tests.support.paths import ROOT

FOLDER = ROOT / "service/off_tanet/assets" / "mtcnn"
NAMES = [stage.name for stage in STAGES]

CHANNELS = {"pnet": (3, 10, 16, 32), "rnet": (3, 28, 48, 64), "onet": (3, 32, 64, 64, 128)}
KERNELS = {"pnet": (3, 3, 3), "rnet": (3, 3, 2), "onet": (3, 3, 3, 2)}
DENSE = {"rnet": 128, "onet": 256}


def random_weights(stage: Stage, seed: int = 0) -> Weights:
    """Tensors with the names and shapes of the wheel, which are those of the paper's figure."""
    generator = torch.Generator().manual_seed(seed)

    def tensor(*shape: int) -> torch.Tensor:
        scale = 1 / math.sqrt(math.prod(shape[1:]))
        return torch.randn(shape, generator=generator) * scale

    weights: Weights = {}

    def layer(name: str, *shape: int) -> None:
        weights[f"{name}.weight"], weights[f"{name}.bias"] = tensor(*shape), tensor(shape[0])

    channels, kernels = CHANNELS[stage.name], KERNELS[stage.name]
    steps = zip(channels[1:], channels, kernels, strict=False)
    for number, (after, before, kernel) in enumerate(steps, start=1):
        layer(f"conv{number}", after, before, kernel, kernel)
        weights[f"prelu{number}.weight"] = tensor(after)
    width = channels[-1]
    if stage.dense:
        layer(f"dense{stage.dense}", DENSE[stage.name], 9 * width)
        width = DENSE[stage.name]
        weights[f"prelu{stage.dense}.weight"] = tensor(width)
    for head, size in zip(stage.heads, (2, 4, 10), strict=False):
        layer(head, size, width, *([] if stage.dense else [1, 1]))
    return weights


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, fetched without its dependencies and never installed."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--quiet", "--no-deps", "--disable-pip-version-check", "--dest", str(folder)]
    fetched = subprocess.run(
        [sys.executable, "-m", "pip", "download", *options, "facenet-pytorch==2.6.0"],
        check=False,
        capture_output=True,
        timeout=120,
    )
    if fetched.returncode != 0:
        pytest.skip("pip cannot fetch the wheel of facenet-pytorch here")
    return folder / WHEEL


@pytest.mark.parametrize("stage", STAGES, ids=NAMES)
def test_a_converted_network_answers_as_in_pytorch(stage: Stage) -> None:
    """For any weights: slopes above 1 and below 0, any order of colours and cells."""
    weights = random_weights(stage)
    assert check(stage, weights, convert(stage, weights)) <= 1e-5


@pytest.mark.parametrize("stage", STAGES, ids=NAMES)
def test_a_network_with_other_weights_is_noticed(stage: Stage) -> None:
    """The check must be able to fail."""
    other = random_weights(stage, seed=1)
    with pytest.raises(ExportError, match=stage.title):
        check(stage, random_weights(stage), convert(stage, other))


def test_the_committed_files_come_from_the_wheel(wheel: Path, tmp_path: Path) -> None:
    """Byte for byte, after the check against PyTorch: nobody has to trust a binary."""
    convert_wheel(wheel, tmp_path)
    for name in ("LICENSE", *(f"{name}.onnx" for name in NAMES)):
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes(), name


@pytest.mark.parametrize("stage", STAGES, ids=NAMES)
def test_the_committed_files_name_their_licence(stage: Stage) -> None:
    """The MIT licence requires its notice next to the weights."""
    model = onnx.load(FOLDER / f"{stage.name}.onnx")
    onnx.checker.check_model(model, full_check=True)
    said = {prop.key: prop.value for prop in model.metadata_props}
    assert said["licence"] == "MIT"
    assert said["copyright"] in (FOLDER / "LICENSE").read_text()
    assert "Permission is hereby granted" in (FOLDER / "LICENSE").read_text()
    assert WHEEL in said["source"]


def test_another_file_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A damaged download, or another version: nothing is written."""
    wrong = tmp_path / WHEEL
    wrong.write_bytes(b"not a wheel")
    assert main(["--wheel", str(wrong), "--output", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_missing_wheel_is_reported_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong path is the most common mistake."""
    missing = str(tmp_path / "gone.whl")
    assert main(["--wheel", missing, "--output", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
