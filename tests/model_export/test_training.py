"""Training on a tiny budget: it learns, is reproducible, and the command records its settings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from off_tanet_export.checkpoint import Checkpoint, load
from off_tanet_export.commands import main
from off_tanet_export.datasets.flow_maps import load_maps
from off_tanet_export.datasets.perturbations import EXTREMES
from off_tanet_export.evaluation.evaluate import evaluate
from off_tanet_export.evaluation.report import fixed_report
from off_tanet_export.synthesis.flow_dataset import FlowDataset, draw_fields
from off_tanet_export.synthesis.generator import Nuisances
from off_tanet_export.training.augmentation import Cropping, recrop
from off_tanet_export.training.train import Source, Training, draw_datasets, train

from tests.model_export.examples import TINY_TRAINING, WEIGHTS
from tests.support.shared import shared


@pytest.mark.slow
def test_a_little_training_beats_chance() -> None:
    """With shuffled labels or a rising loss, the accuracy would stay at a third."""
    checkpoint = train(Training(seed=5, source="fields", pairs=480, samples=960, batch=16))
    assert share_named(checkpoint, draw_fields(77, 150, Nuisances())) > 0.5


@pytest.mark.slow
def test_the_command_shows_progress_and_writes_its_configuration(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Minutes without output look like a hang; weights need their settings to be reproducible."""
    output = tmp_path / "short.safetensors"
    assert main(["train", "--output", str(output), "--seed", "5", *TINY_TRAINING]) == 0
    assert "100%" in capfd.readouterr().err
    training = load(output).card.training
    assert (training["seed"], training["samples"]) == (5, 64)
    assert training["nuisances"]["head"] == Training().nuisances.head
    log = output.with_name("short.log.csv").read_text().splitlines()
    assert log[0] == "step,loss,learning_rate"
    assert re.fullmatch(r"1,\d\.\d+,[\d.e-]+", log[-1])


def test_an_impossible_run_does_not_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Minutes of training must not be lost to a mistyped folder."""
    absent = tmp_path / "absent" / "weights.safetensors"
    assert main(["train", "--output", str(absent)]) == 2
    assert capsys.readouterr().err == f"off-tanet: the folder {absent.parent} does not exist\n"
    assert main(["train", "--output", str(tmp_path / "w"), "--pairs", "5"]) == 2
    assert capsys.readouterr().err == "off-tanet: too few pairs: 5 instead of 6 or more\n"
    assert main(["train", "--output", str(tmp_path / "w"), "--samples", "1"]) == 2
    assert capsys.readouterr().err == "off-tanet: too few samples for one batch of 64: 1\n"


@pytest.mark.parametrize("steps", [1, 2, 10, 11])
def test_a_run_may_have_any_length(steps: int) -> None:
    """PyTorch's schedule divides by the steps of its first tenth: ten steps failed."""
    short = train(Training(source="fields", pairs=6, samples=4 * steps, batch=4))
    assert all(tensor.isfinite().all() for tensor in short.network.state_dict().values())


def test_equal_seeds_train_equal_weights() -> None:
    """Bit for bit; another seed trains others."""
    first, again, other = (
        train(Training(seed=seed, pairs=12, samples=64, batch=32)).network.state_dict()
        for seed in (1, 1, 2)
    )
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["head.7.weight"], other["head.7.weight"])


def test_the_shipped_weights_reach_the_required_score() -> None:
    """On real maps of 34 subjects, none of which was in the training."""
    scores = evaluate(load(WEIGHTS), load_maps(shared("megc2019_flow_dev.npz")))
    assert scores["uf1"] >= 0.75
    assert scores["uar"] >= 0.77
    assert scores["ece"] <= 0.08


@pytest.mark.xfail(strict=True, reason="0.065 is reached; chance alone gives 0.035 to 0.099")
def test_the_shipped_weights_are_calibrated() -> None:
    """The required calibration error on real maps, which is not reached yet."""
    assert evaluate(load(WEIGHTS), load_maps(shared("megc2019_flow_dev.npz")))["ece"] <= 0.06


@pytest.mark.slow
def test_the_shipped_weights_do_not_depend_on_one_cropping() -> None:
    """Other laboratories crop differently: a face shifted by 6% may cost less than 0.03."""
    report, _ = fixed_report([load(WEIGHTS)], load_maps(shared("megc2019_flow_dev.npz")))
    falls = {
        name: report["scores"]["uf1"] - score for name, score in report["perturbations"].items()
    }
    assert len(falls) == len(EXTREMES)
    assert max(falls.values()) < 0.03, falls


@pytest.mark.slow
@pytest.mark.parametrize("source", ["fields", "photographs"])
def test_the_shipped_weights_classify_synthetic_motion(source: Source) -> None:
    """The same check without maps of real faces: a broken file would be right by a third."""
    (dataset,) = draw_datasets(Training(seed=77, source=source, pairs=150))
    assert share_named(load(WEIGHTS), dataset) > 0.75


def share_named(checkpoint: Checkpoint, dataset: FlowDataset) -> float:
    """The share of a dataset's flows that are classified correctly, in crops as in training."""
    generator = torch.Generator().manual_seed(0)
    flows = recrop(torch.from_numpy(dataset.flows), 28, Cropping(), generator)
    classifier = checkpoint.classifier()
    with torch.inference_mode():
        probabilities, _ = classifier.classify(classifier.maps(flows))
    return float((probabilities.argmax(1).numpy() == dataset.labels).mean())


def rounded(scores: object) -> object:
    """The same scores, whose floats equal those of a processor that rounds otherwise."""
    if isinstance(scores, dict):
        return {name: rounded(score) for name, score in scores.items()}
    if isinstance(scores, list | tuple):
        return [rounded(score) for score in scores]
    return pytest.approx(scores, rel=1e-6) if isinstance(scores, float) else scores


def test_the_shipped_card_has_the_measured_scores() -> None:
    """The figures of the model card are those of the weights, on any processor."""
    checkpoint = load(WEIGHTS)
    scores = evaluate(checkpoint, load_maps(shared("megc2019_flow_dev.npz")))
    assert checkpoint.card.scores["megc2019_flow_dev"] == rounded(scores)
