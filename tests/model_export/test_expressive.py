"""The head for `expressive`: trained alone on a fixed network, calibrated, and compared."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from off_tanet_export import train_command
from off_tanet_export.checkpoint import load, save
from off_tanet_export.commands import main
from off_tanet_export.datasets.flow_pairs import load_pairs
from off_tanet_export.errors import CheckpointError, MapsError, TrainingError
from off_tanet_export.experiments import decision
from off_tanet_export.graph import PUBLISHED
from off_tanet_export.metrics import (
    area_under_curve,
    confusion_by_person,
    paired_interval,
    selective_accuracy,
    uf1,
)
from off_tanet_export.synthesis.flow_dataset import FlowDataset
from off_tanet_export.training.calibration import fit_logistic
from off_tanet_export.training.expressive import HeadTraining, add_head, train_head
from off_tanet_export.training.train import Training, find_device, train_on

from tests.model_export import examples


def moving(count: int, seed: int) -> FlowDataset:
    """Flows of which every other one has a strong upward motion at the brows, with its label."""
    rng = np.random.default_rng(seed)
    flows = rng.normal(0, 0.05, (count, 2, 28, 28)).astype(np.float32)
    flows[::2, 1, 2:7, 4:24] -= 1.0
    expressive = np.zeros(count, np.float32)
    expressive[::2] = 1
    targets = np.zeros((count, 3), np.float32)
    targets[::2, 2] = 1
    return FlowDataset(flows, targets, expressive)


SHORT = HeadTraining(pairs=400, held_out=100, epochs=20, batch=50, learning_rate=3e-3)


def test_a_head_learns_and_the_network_stays() -> None:
    """Its answers tell motion from noise in other flows; nothing else changes."""
    before = examples.checkpoint()
    after = train_head(before, moving(400, 0), moving(100, 1), SHORT)
    assert after.network is before.network
    assert after.card.training["expressive"]["pairs"] == 400
    unseen = moving(60, 2)
    with torch.inference_mode():
        answers = after.classifier()(torch.from_numpy(unseen.flows))[2].numpy()
    assert area_under_curve(answers[::2], answers[1::2]) > 0.95
    with torch.inference_mode():
        still = after.classifier()(torch.zeros(1, 2, 112, 112))[2]
    assert float(still) < 0.2


def test_a_head_needs_scaled_maps() -> None:
    """Published weights take raw pixels of a size that footage does not have."""
    with pytest.raises(CheckpointError, match="scaled maps"):
        add_head(replace(examples.checkpoint(), preprocessing=PUBLISHED))


def test_footage_trains_both_heads_and_masks_what_is_unknown() -> None:
    """A batch without any expression must not make the loss of classes infinite."""
    data = moving(64, 0)
    training = Training(source="footage", pairs=64, samples=256, batch=32)
    trained = train_on([data], training)
    assert trained.expressive is not None
    nothing = FlowDataset(data.flows, np.zeros_like(data.targets), np.full(64, np.nan, np.float32))
    empty = train_on([nothing], training)
    assert all(tensor.isfinite().all() for tensor in empty.network.state_dict().values())


def test_a_device_that_is_not_there_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the minutes of rendering."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(TrainingError, match="no CUDA device"):
        find_device("cuda")
    assert find_device("auto") == find_device("cpu") == torch.device("cpu")
    assert main(["train", "--output", str(tmp_path / "w"), "--device", "cuda"]) == 2
    assert capsys.readouterr().err == "off-tanet: PyTorch finds no CUDA device\n"


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (0.4, -1.0), (2.0, 0.7)])
def test_a_known_distortion_of_logits_is_undone(scale: float, shift: float) -> None:
    """Scale and shift are found from labels."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, 20_000)
    labels = (rng.random(20_000) < 1 / (1 + np.exp(-logits))).astype(np.float64)
    shown = 1 / (1 + np.exp(-(logits - shift) / scale))
    found = fit_logistic(shown, labels)
    assert found == pytest.approx((scale, shift), abs=0.1)


def test_area_and_coverage() -> None:
    """By hand: three of four pairs in order; the two most confident of three are right."""
    assert area_under_curve(np.array([0.9, 0.4]), np.array([0.5, 0.1])) == 0.75
    probabilities = np.array([[0.9, 0.1, 0], [0.8, 0.2, 0], [0.5, 0.4, 0.1]])
    curve = selective_accuracy(np.array([0, 0, 1]), probabilities, (1.0, 2 / 3, 0.0))
    np.testing.assert_allclose(curve, [2 / 3, 1, 1])


def test_equal_models_differ_by_nothing() -> None:
    """Resamples are shared, so that only what differs counts."""
    labels, people = np.arange(30) % 3, np.array([str(i // 3) for i in range(30)])
    right = confusion_by_person(labels, labels, people)
    wrong = confusion_by_person(labels, np.zeros_like(labels), people)
    assert paired_interval([wrong], [wrong], uf1) == (0, 0)
    low, high = paired_interval([wrong], [right], uf1)
    assert 0.5 < low <= high < 1


def write_pairs(path: Path, **changes: Any) -> Path:
    """Twelve flows of noise, with labels of every kind."""
    arrays: dict[str, Any] = {
        "flow": np.random.default_rng(0).normal(size=(12, 2, 112, 112)).astype(np.float32),
        "label": np.arange(12) % 4 - 1,
        "emotion": np.array(["Neutral", "Contempt", "Happy", "Surprise"] * 3),
    }
    kept: dict[str, Any] = {n: value for n, value in (arrays | changes).items() if value.size}
    np.savez(path, **kept)
    return path


def test_each_scored_configuration_is_logged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The number of looks at a data set is part of what a score on it is worth."""
    maps: dict[str, Any] = {
        "maps": np.random.default_rng(1).integers(0, 255, (12, 28, 28, 3), np.uint8),
        "label": np.arange(12) % 3,
        "dataset": np.array(["D"] * 12),
        "subject": np.array([str(i // 3) for i in range(12)]),
        "classes": np.array(["negative", "positive", "surprise"]),
    }
    np.savez(tmp_path / "maps.npz", **maps)
    pairs = write_pairs(tmp_path / "pairs.npz")
    save(examples.checkpoint(expressive=True), tmp_path / "w")
    arguments = ["--before", tmp_path / "w", "--after", tmp_path / "w", tmp_path / "w",
                 "--maps", tmp_path / "maps.npz", "--pairs", pairs,
                 "--log", tmp_path / "log.csv", "--name", "none"]  # fmt: skip
    assert decision.main([str(argument) for argument in arguments]) == 0
    assert "pairs UF1 +0.000 [+0.000, +0.000]" in capsys.readouterr().out
    rows = list(csv.DictReader((tmp_path / "log.csv").read_text().splitlines()))
    assert [row["configuration"] for row in rows] == ["none", "none"]
    assert 0 <= float(rows[0]["expressive_auc"]) <= 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"flow": np.zeros((12, 2, 28, 28))}, "instead of"),
        ({"label": np.full(12, 3)}, "labels must be"),
        ({"emotion": np.array([])}, "missing an array: emotion"),
    ],
)
def test_files_of_another_form_are_refused(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    """In one line, as for maps."""
    with pytest.raises(MapsError, match=message):
        load_pairs(write_pairs(tmp_path / "pairs.npz", **changes))
    with pytest.raises(MapsError, match="does not exist"):
        load_pairs(tmp_path / "absent.npz")


@pytest.mark.slow
def test_the_command_adds_a_head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The network of the given weights is written with it, unchanged."""
    monkeypatch.setattr(
        train_command, "HeadTraining", lambda seed: HeadTraining(seed, 20, 10, batch=10)
    )
    save(examples.checkpoint(), tmp_path / "w")
    output = tmp_path / "with_head.safetensors"
    assert main(["train", "--head-of", str(tmp_path / "w"), "--output", str(output)]) == 0
    made = load(output)
    assert made.expressive is not None
    for name, tensor in examples.network().state_dict().items():
        assert torch.equal(made.network.state_dict()[name], tensor), name
