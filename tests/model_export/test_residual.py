"""`train --part residual-linear`: fixed weights with a linear correction, in one ONNX graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from off_tanet.recognition.classifier import Classifier
from off_tanet_export.checkpoint import load
from off_tanet_export.commands import main
from off_tanet_export.datasets.clip_flows import save_flows
from off_tanet_export.inference import predict
from off_tanet_export.network.residual import LinearResidual
from off_tanet_export.shipped import load_shipped
from off_tanet_export.training.linear import correct, mirror_mean
from off_tanet_export.training.residual import train_residual

from tests.model_export.test_own_training import clips, command

SHIPPED_CLASSES = ("negative", "positive", "surprise")


def test_the_correction_is_that_of_the_protocol() -> None:
    """What `evaluate` scores without a person is what `train` makes of all people."""
    made = clips(4, SHIPPED_CLASSES)
    start = load_shipped()
    corrected = train_residual(start, made, seed=0)
    assert corrected.residual is not None
    corrected.residual.temperature.fill_(1)
    with torch.inference_mode():
        before, after = (
            one.classifier()(torch.from_numpy(made.flows))[0].double().numpy()
            for one in (start, corrected)
        )
    values, residual = mirror_mean(made.maps()), np.eye(3)[made.labels] - before
    expected = correct(values, residual, made.labels, values, before)
    np.testing.assert_allclose(after, expected, atol=1e-4)
    assert (after.argmax(1) == made.labels).all()
    np.testing.assert_allclose(predict(corrected, made.maps()), after, atol=1e-4)


def test_without_values_it_corrects_nothing() -> None:
    """Zero weights and a temperature of 1 leave probabilities as they are."""
    shares = torch.tensor([[0.7, 0.2, 0.1], [0.2, 0.3, 0.5]])
    torch.testing.assert_close(LinearResidual(3)(torch.rand(2, 3, 28, 28), shares), shares)


@pytest.mark.slow
def test_the_exported_file_has_the_correction(tmp_path: Path) -> None:
    """The service needs no other code for it; the card counts its parameters, too."""
    made = clips(4, SHIPPED_CLASSES)
    save_flows(made, tmp_path / "made.npz")
    weights, output = tmp_path / "ours.safetensors", tmp_path / "ours.onnx"
    assert main(command(tmp_path / "made.npz", weights, "--part", "residual-linear")) == 0
    assert main(["export", "--checkpoint", str(weights), "--output", str(output)]) == 0
    classifier = Classifier(output)
    assert classifier.card.parameters == 59_403 + 3 * 2352 + 3
    assert classifier.card.training["recipe"] == {"name": "residual-linear"}
    answers = np.stack([one.probabilities for one in classifier.classify_batch(made.flows)])
    with torch.inference_mode():
        expected = load(weights).classifier()(torch.from_numpy(made.flows))[0].numpy()
    np.testing.assert_allclose(answers, expected, atol=1e-5)
    assert (answers.argmax(1) == made.labels).all()
