"""Protocols without leakage: no training sees the data that is scored."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from off_tanet_export.datasets.flow_maps import FlowMaps
from off_tanet_export.errors import TrainingError
from off_tanet_export.evaluation import folds
from off_tanet_export.evaluation.learners import FineTuning, Learner, ResidualLinear
from off_tanet_export.evaluation.protocols import Runs, fixed, linear
from off_tanet_export.evaluation.running import run_folds
from off_tanet_export.graph import PreprocessingConfig
from off_tanet_export.inference import predict
from off_tanet_export.metrics import Labels
from off_tanet_export.training.fine_tuning import (
    FineTuneConfig,
    FoldData,
    Part,
    choose_epochs,
    fit,
    initialize,
    predict_fold,
    prepare,
    train_epochs,
)

from tests.model_export import examples


def data(people: int = 3, clips: int = 6) -> FlowMaps:
    """Maps whose class is visible: one third of each is bright; several people of one dataset."""
    rng = np.random.default_rng(0)
    labels = np.arange(people * clips) % 3
    maps = 0.3 * rng.random((len(labels), 3, 28, 28), np.float32)
    for one, label in zip(maps, labels, strict=True):
        one[:, 9 * label : 9 * label + 9] += 0.7
    subjects = np.repeat([f"s{person}" for person in range(people)], clips)
    made, unnamed = (np.full(len(labels), text) for text in ("made", ""))
    return FlowMaps(maps, labels, made, subjects, unnamed)


def loso(maps: FlowMaps, learner: Learner) -> Runs:
    """The probabilities [R, N, 3] of clips of people who were left out."""
    found = run_folds(learner, maps, folds.leave_one_subject_out(maps))
    runs = np.empty((learner.runs, len(maps.labels), 3), np.float32)
    for seed in range(learner.runs):
        for person in np.unique(maps.people):
            chosen = (found.seeds == seed) & (found.folds == person)
            runs[seed, maps.people == person] = found.probabilities[chosen]
    return runs


def linear_loso(maps: FlowMaps) -> Labels:
    return linear(maps, folds.leave_one_subject_out(maps))


def whole(maps: FlowMaps) -> FoldData:
    return prepare(examples.checkpoint(), maps, "all")


def with_other_labels(maps: FlowMaps, person: str) -> FlowMaps:
    """The same clips with other labels for one person."""
    turned = np.where(maps.people == person, (maps.labels + 1) % 3, maps.labels)
    return dataclasses.replace(maps, labels=turned)


@pytest.mark.parametrize(
    "config",
    [
        FineTuneConfig(epochs=1),
        FineTuneConfig(epochs=2, part="head"),
        FineTuneConfig(epochs=8, part="head", learning_rate=1e-2, choose=True),
    ],
    ids=["all", "head", "chosen epoch"],
)
def test_answers_on_a_subject_do_not_depend_on_its_labels(config: FineTuneConfig) -> None:
    """The most common mistake of the field: the test fold chooses an epoch or weights."""
    maps, start = data(), examples.checkpoint()
    tested = maps.people == "made/001"
    true, false = (
        loso(one, FineTuning([start], config))[0]
        for one in (maps, with_other_labels(maps, "made/001"))
    )
    np.testing.assert_array_equal(true[tested], false[tested])


def test_answers_on_a_subject_depend_on_the_others_labels() -> None:
    """The counterpart of the test above, which a protocol without training would pass, too."""
    maps, config = data(), FineTuneConfig(epochs=2, part="head")
    tested = maps.people == "made/000"
    true, false = (
        loso(one, FineTuning([examples.checkpoint()], config))[0]
        for one in (maps, with_other_labels(maps, "made/001"))
    )
    assert np.abs(true[tested] - false[tested]).max() > 1e-6


def test_the_linear_model_does_not_depend_on_its_test_fold() -> None:
    """Leakage in a baseline would make ours look worse, an error in it better."""
    maps = data()
    tested = maps.people == "made/001"
    assert (linear_loso(maps) == maps.labels).all()
    changed = linear_loso(with_other_labels(maps, "made/001"))
    np.testing.assert_array_equal(changed[tested], maps.labels[tested])


def test_a_residual_linear_model_does_not_depend_on_its_test_fold() -> None:
    """It corrects the network by the other people's clips only, and is right if they suffice."""
    maps, start = data(), examples.checkpoint()
    tested = maps.people == "made/001"
    true, false = (
        loso(one, ResidualLinear([start]))[0] for one in (maps, with_other_labels(maps, "made/001"))
    )
    np.testing.assert_array_equal(true[tested], false[tested])
    assert (true.argmax(1) == maps.labels).all()
    assert (predict(start, maps.maps).argmax(1) != maps.labels).any()
    np.testing.assert_allclose(true.sum(1), 1, atol=1e-6)
    assert (true >= 0).all()


def test_fine_tuning_learns_visible_classes() -> None:
    """From scratch, on maps whose class is obvious: an accuracy of a third is chance."""
    maps = data(people=4)
    fitted = fit(initialize(1), whole(maps), FineTuneConfig(epochs=8, batch=4), seed=1)
    assert (predict(fitted, maps.maps).argmax(1) == maps.labels).mean() > 0.6


def test_interpolation_goes_from_start_to_fine_tuned() -> None:
    """Halfway is the mean of both, in every floating-point tensor."""
    start, fold = examples.checkpoint(), whole(data())
    far, half = (
        fit(start, fold, FineTuneConfig(epochs=1, interpolation=share), seed=0).network.state_dict()
        for share in (0, 0.5)
    )
    for name, before in start.network.state_dict().items():
        if before.is_floating_point():
            torch.testing.assert_close(half[name], (before + far[name]) / 2)


def test_fine_tuning_does_not_change_the_start() -> None:
    """Every fold must start from the same weights, not from the last fold's."""
    start = examples.checkpoint()
    before = {name: tensor.clone() for name, tensor in start.network.state_dict().items()}
    fitted = fit(start, whole(data()), FineTuneConfig(epochs=1), seed=0).network.state_dict()
    assert all(torch.equal(before[k], v) for k, v in start.network.state_dict().items())
    assert not torch.equal(fitted["stem.0.weight"], before["stem.0.weight"])


def test_only_the_head_is_trained_on_request() -> None:
    """Normalisation statistics count as features: they must not drift with the folds."""
    start = examples.checkpoint()
    before = start.network.state_dict()
    fold = prepare(start, data(), "head")
    after = fit(start, fold, FineTuneConfig(epochs=1), seed=0).network.state_dict()
    changed = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"head"}


def test_runs_are_reproducible() -> None:
    """Equal seeds, equal answers; other seeds, other answers."""
    maps = data(people=2)
    first, other = loso(maps, FineTuning([initialize(3), initialize(4)], FineTuneConfig(epochs=1)))
    again = loso(maps, FineTuning([initialize(3)], FineTuneConfig(epochs=1)))[0]
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-4


@pytest.mark.slow
def test_a_start_that_training_spoils_is_kept() -> None:
    """The choice between epochs includes zero: fine-tuning may make things worse."""
    maps = data(people=4)
    good = fit(initialize(1), whole(maps), FineTuneConfig(epochs=8, batch=4), seed=1)
    ruinous, fold = FineTuneConfig(epochs=2, learning_rate=10.0), prepare(good, maps, "head")
    right = [
        (predict_fold(one, fold).argmax(1) == maps.labels).mean()
        for one in train_epochs(good, fold, ruinous, seed=0)
    ]
    assert right[0] > right[-1]
    assert choose_epochs(good, fold, ruinous, seed=0) == 0


@pytest.mark.parametrize("part", ["all", "head"])
def test_answers_equal_those_of_the_graph(part: Part) -> None:
    """The short cut through the head must include the mirror image and the temperature."""
    warm = dataclasses.replace(
        examples.checkpoint(), preprocessing=PreprocessingConfig(temperature=2.0)
    )
    maps = data()
    np.testing.assert_allclose(
        predict_fold(warm, prepare(warm, maps, part)), predict(warm, maps.maps), atol=1e-6
    )


def test_a_single_subject_is_refused() -> None:
    """No data would be left to train on."""
    alone = data(people=1)
    with pytest.raises(TrainingError, match="two subjects"):
        folds.leave_one_subject_out(alone)
    with pytest.raises(TrainingError, match="two people"):
        choose_epochs(examples.checkpoint(), whole(alone), FineTuneConfig(), 0)
    with pytest.raises(TrainingError, match="epochs: 0"):
        FineTuneConfig(epochs=0)
    with pytest.raises(TrainingError, match="interpolation"):
        FineTuneConfig(interpolation=1.0)


def test_fixed_runs_are_the_checkpoints_own_answers() -> None:
    """One run for each, in their order."""
    maps, checkpoints = data(people=1), [examples.checkpoint(seed) for seed in (0, 1)]
    runs = fixed(checkpoints, maps)
    assert runs.shape == (2, 6, 3)
    np.testing.assert_array_equal(runs[1], predict(checkpoints[1], maps.maps))
