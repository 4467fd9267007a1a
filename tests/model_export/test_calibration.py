"""Calibration: a known temperature is found, and only the confidence changes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from off_tanet_export.checkpoint import load, save
from off_tanet_export.commands import main
from off_tanet_export.errors import CheckpointError
from off_tanet_export.graph import PUBLISHED
from off_tanet_export.inference import predict
from off_tanet_export.training.calibration import DISAGREEMENT, calibrate, fit_temperature

from tests.model_export import examples


@pytest.mark.parametrize("known", [0.5, 1.0, 2.0])
def test_a_known_temperature_is_found(known: float) -> None:
    """Overconfidence by a known factor is undone; an inverted formula would increase it."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1.5, (4000, 3))
    true = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = np.array([rng.choice(3, p=p) for p in true])
    labelled = true * (1 - 1.5 * DISAGREEMENT) + DISAGREEMENT / 2  # as people would then label
    shown = labelled**known / (labelled**known).sum(1, keepdims=True)
    assert fit_temperature(shown, labels) == pytest.approx(known, rel=0.1)


def test_certain_answers_have_a_temperature() -> None:
    """A probability of 0 has no logarithm."""
    assert np.isfinite(fit_temperature(np.eye(3), np.array([0, 1, 2])))


@pytest.mark.slow
def test_calibration_changes_only_confidence() -> None:
    """Weights and labels stay, so that only the calibration error can change."""
    before = examples.checkpoint()
    after = calibrate(before)
    assert after.preprocessing.temperature != 1
    maps = np.random.default_rng(0).random((8, 3, 28, 28), np.float32)
    np.testing.assert_array_equal(predict(before, maps).argmax(1), predict(after, maps).argmax(1))
    assert calibrate(after).preprocessing == after.preprocessing


def test_weights_for_raw_pixels_are_refused() -> None:
    """A synthetic face does not move by a known number of pixels."""
    published = dataclasses.replace(examples.checkpoint(), preprocessing=PUBLISHED)
    with pytest.raises(CheckpointError, match="scaled maps"):
        calibrate(published)


@pytest.mark.slow
def test_the_command_writes_the_temperature(tmp_path: Path) -> None:
    """For weights that were trained elsewhere, or earlier."""
    save(examples.checkpoint(), tmp_path / "c")
    assert main(["calibrate", "--checkpoint", str(tmp_path / "c")]) == 0
    after = load(tmp_path / "c")
    assert after.preprocessing == calibrate(examples.checkpoint()).preprocessing
    assert torch.equal(
        after.network.state_dict()["head.7.bias"], examples.network().state_dict()["head.7.bias"]
    )
