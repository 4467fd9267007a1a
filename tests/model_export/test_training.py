"""Training on a tiny budget: it learns, it can be repeated, and the command keeps its word."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from model_export.__main__ import main
from model_export.checkpoint import load
from model_export.datasets import load_maps
from model_export.evaluation import evaluate
from model_export.graph import FlowClassifier
from model_export.synthesis import Synthesis
from model_export.training import Training, train
from tests.model_export.test_export import WEIGHTS
from tests.shared import shared


def test_a_little_training_beats_chance() -> None:
    """Labels shuffled against their flows, or a loss that climbs, would leave it at a third."""
    checkpoint = train(Training(seed=5, samples=640, batch=16))
    labels = np.arange(150) % 3
    flows = torch.from_numpy(Synthesis(seed=77).batch(labels))
    classifier = FlowClassifier(checkpoint.network, checkpoint.recipe)
    with torch.inference_mode():
        probabilities, _ = classifier.classify(classifier.maps(flows))
    assert (probabilities.argmax(1).numpy() == labels).mean() > 0.5


def test_the_command_shows_progress_and_writes_its_configuration(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Minutes without a sign look like a hang; weights of unknown making cannot be repeated."""
    output = tmp_path / "short.safetensors"
    assert main(["train", "--output", str(output), "--samples", "64", "--seed", "5"]) == 0
    assert "training: 100%" in capfd.readouterr().err
    training = load(output).card.training
    assert (training["seed"], training["samples"]) == (5, 64)
    assert training["nuisances"]["head"] == Training().nuisances.head


def test_a_run_that_cannot_end_well_does_not_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Minutes of training must not be lost to a folder that was mistyped."""
    absent = tmp_path / "absent" / "weights.safetensors"
    assert main(["train", "--output", str(absent)]) == 2
    assert capsys.readouterr().err == f"model_export: the folder {absent.parent} is not there\n"
    assert main(["train", "--output", str(tmp_path / "w"), "--samples", "1"]) == 2
    assert capsys.readouterr().err == "model_export: too few samples for one batch of 64: 1\n"


def test_equal_seeds_train_equal_weights() -> None:
    """And another seed others: the seed reaches both the weights and the faces."""
    first, again, other = (
        train(Training(seed=seed, samples=64, batch=32)).network.state_dict() for seed in (1, 1, 2)
    )
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["head.7.weight"], other["head.7.weight"])


def test_the_shipped_weights_reach_the_bar() -> None:
    """On real maps of 34 subjects, none of which was trained on."""
    scores = evaluate(load(WEIGHTS), load_maps(shared("megc2019_flow_dev.npz")))
    assert scores["uf1"] >= 0.65
    assert scores["uar"] >= 0.66
    assert scores["ece"] <= 0.06


def test_the_shipped_weights_name_synthetic_motion() -> None:
    """The same guard where no maps of real faces are: a broken file would name a third."""
    checkpoint = load(WEIGHTS)
    labels = np.arange(150) % 3
    classifier = FlowClassifier(checkpoint.network, checkpoint.recipe)
    with torch.inference_mode():
        probabilities, _ = classifier.classify(
            classifier.maps(torch.from_numpy(Synthesis(seed=77).batch(labels)))
        )
    assert (probabilities.argmax(1).numpy() == labels).mean() > 0.84


def test_the_shipped_card_tells_the_measured_scores() -> None:
    """The figures in the model's card are those that the weights have."""
    checkpoint = load(WEIGHTS)
    scores = evaluate(checkpoint, load_maps(shared("megc2019_flow_dev.npz")))
    assert checkpoint.card.scores["megc2019_flow_dev"] == scores
