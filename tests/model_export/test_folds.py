"""Folds: nobody is in training and in the test, by whatever name; nothing is done twice."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from off_tanet_export.datasets.flow_maps import FlowMaps
from off_tanet_export.errors import MapsError, TrainingError
from off_tanet_export.evaluation.evaluate import summarize
from off_tanet_export.evaluation.folds import (
    Fold,
    across_databases,
    by_people,
    leave_one_subject_out,
    shared_recordings,
)
from off_tanet_export.evaluation.learners import FineTuning, Predict, ResidualLinear
from off_tanet_export.evaluation.predictions import Predictions
from off_tanet_export.evaluation.protocols import linear
from off_tanet_export.evaluation.results import Results, configuration
from off_tanet_export.evaluation.running import run_folds
from off_tanet_export.training.fine_tuning import FineTuneConfig

from tests.model_export import examples
from tests.model_export.test_protocols import data

SPELLINGS = ("{}", "0{}", "s{}", "sub0{}", "Subject {}")


def doubled(people: int = 12, clips: int = 6) -> FlowMaps:
    """Clips in which a person is seen, but no class: each is spelled in several ways."""
    rng = np.random.default_rng(0)
    faces = rng.random((people, 3, 28, 28), np.float32)
    owners = np.repeat(np.arange(people), clips)
    maps = faces[owners] + 0.05 * rng.random((len(owners), 3, 28, 28), np.float32)
    labels = np.repeat(rng.integers(0, 3, people), clips)  # a person's class is one, as of habit
    names = [SPELLINGS[at % len(SPELLINGS)].format(owner) for at, owner in enumerate(owners)]
    made, clip = np.full(len(owners), "made"), np.arange(len(owners)).astype(str)
    return FlowMaps(maps, labels, made, np.array(names), clip)


def uf1_of_linear(maps: FlowMaps) -> float:
    folds = leave_one_subject_out(maps)
    answers = np.eye(3)[linear(maps, folds)]
    clips, seeds = np.arange(len(maps.labels)), np.zeros(len(maps.labels), np.int64)
    return float(summarize(Predictions.of(maps, clips, answers, maps.people, seeds))["uf1"])


def test_labels_without_a_reason_score_at_chance_with_doubled_names() -> None:
    """The labels of each person are drawn: only who knows the person from training is right.

    With each spelling as a person of its own, the same clips score far above chance, which shows
    that the test would see such a leak.
    """
    scores, leaked = [], []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        maps = doubled()
        drawn = rng.permutation(12)[np.repeat(np.arange(12), 6)] % 3
        maps = replace(maps, labels=drawn)
        scores.append(uf1_of_linear(maps))
        names = np.array([f"{'abcdef'[int(clip) % 5]}{person}" for clip, person in
                          zip(maps.clips, maps.people, strict=True)])  # fmt: skip
        leaked.append(uf1_of_linear(replace(maps, subjects=names)))
    assert np.mean(scores) < 0.4
    assert min(leaked) > 0.9


def is_partition(folds: list[Fold], maps: FlowMaps) -> bool:
    return bool((np.sum([fold.tested for fold in folds], axis=0) == 1).all()) and all(
        not set(maps.people[fold.tested]) & set(maps.people[fold.trained]) for fold in folds
    )


def test_each_clip_is_tested_once_without_its_person() -> None:
    maps = doubled()
    assert len(leave_one_subject_out(maps)) == 12
    assert is_partition(leave_one_subject_out(maps), maps)
    for count in (2, 5, 12):
        assert len(by_people(maps, count)) == count
        assert is_partition(by_people(maps, count), maps)


def test_groups_of_people_have_similar_classes() -> None:
    """Each person has one class: a fold by names alone could have a class that no other has."""
    maps = doubled()
    maps = replace(maps, labels=np.repeat(np.arange(12) // 4, 6))
    for fold in by_people(maps, 4):
        assert np.bincount(maps.labels[fold.tested]).tolist() == [6, 6, 6]


def test_more_groups_than_people_are_refused() -> None:
    for count in (1, 13):
        with pytest.raises(TrainingError, match="2 to 12 folds"):
            by_people(doubled(), count)


def test_databases_are_tested_by_each_other_one_without_people_of_both() -> None:
    """SAMM Long Videos show the people of SAMM, under the same numbers."""
    maps = doubled(4)
    names = np.repeat(["SAMM", "samm-lv", "CASME II", "casme2"], 6)
    subjects = np.repeat(["1", "01", "1", "02"], 6)
    maps = replace(maps, datasets=names, subjects=subjects)
    with pytest.raises(TrainingError, match="samm -> samm-lv: there is nobody else"):
        across_databases(maps)
    maps = replace(maps, subjects=np.repeat(["1", "3", "1", "2"], 6))
    folds = across_databases(maps)
    assert [fold.name for fold in folds][:2] == ["casme2 -> samm", "casme2 -> samm-lv"]
    assert [int(fold.trained.sum()) for fold in folds][:2] == [12, 12]
    assert len(folds) == 6
    with pytest.raises(TrainingError, match="needs two"):
        across_databases(doubled(3))


def test_one_recording_of_two_people_is_noticed() -> None:
    """The second name has nothing in common with the first; clips without motion do not count."""
    maps = doubled(2)
    maps.maps[7] = maps.maps[0]
    maps.maps[3] = maps.maps[9] = 0.5
    assert shared_recordings(maps) == ["0 of made/000 and 7 of made/001 are the same recording"]


CONFIG = FineTuneConfig(epochs=1, part="head")


def test_processes_do_not_change_the_predictions() -> None:
    """Which process takes which fold is chance."""
    maps = data(people=3)
    learner, folds = FineTuning([examples.checkpoint()] * 2, CONFIG), leave_one_subject_out(maps)
    alone = run_folds(learner, maps, folds)
    together = run_folds(learner, maps, folds, processes=2)
    np.testing.assert_array_equal(alone.probabilities, together.probabilities)
    assert alone.folds.tolist() == together.folds.tolist()


class Interrupted(FineTuning):
    """Stops at the third fold."""

    def prepare(self, data: FlowMaps, seed: int) -> Predict:
        predict, names = super().prepare(data, seed), leave_one_subject_out(data)

        def stop(fold: Fold) -> NDArray[np.floating]:
            if fold.name == names[2].name:
                raise KeyboardInterrupt
            return predict(fold)

        return stop


def test_an_interrupted_evaluation_goes_on(tmp_path: Path) -> None:
    """The folds that are done are read; the result is that of one go."""
    maps = data(people=4)
    folds, start = leave_one_subject_out(maps), [examples.checkpoint()]
    learner = FineTuning(start, CONFIG)
    about = configuration(maps, folds, learner.about())
    with pytest.raises(KeyboardInterrupt):
        run_folds(Interrupted(start, CONFIG), maps, folds, Results.open(tmp_path, about))
    done = sorted(tmp_path.glob("run*.npz"))
    assert [path.name for path in done] == ["run0_fold000.npz", "run0_fold001.npz"]
    written = [os.stat(path).st_mtime_ns for path in done]
    found = run_folds(learner, maps, folds, Results.open(tmp_path, about))
    assert [os.stat(path).st_mtime_ns for path in done] == written
    assert len(list(tmp_path.glob("run*.npz"))) == 4
    np.testing.assert_array_equal(
        found.probabilities, run_folds(learner, maps, folds).probabilities
    )


class Killed(FineTuning):
    """Its process is ended from outside, as for lack of memory."""

    def prepare(self, data: FlowMaps, seed: int) -> Predict:
        os._exit(9)


@pytest.mark.slow
def test_a_process_that_is_killed_is_an_error_of_one_line() -> None:
    """Not a fault of this program, and the folds that are done are not lost."""
    maps = data(people=2)
    with pytest.raises(TrainingError, match="ended from outside: --results keeps the folds"):
        run_folds(
            Killed([examples.checkpoint()], CONFIG), maps, leave_one_subject_out(maps), processes=2
        )


def test_results_of_another_configuration_are_refused(tmp_path: Path) -> None:
    """Half of the folds from one training, half from another would be a score of nothing."""
    maps = data(people=3)
    folds, start = leave_one_subject_out(maps), [examples.checkpoint()]
    about = configuration(maps, folds, FineTuning(start, CONFIG).about())
    Results.open(tmp_path / "a", about)
    Results.open(tmp_path / "a", about)
    relabelled = replace(maps, labels=(maps.labels + 1) % 3)
    other = FineTuning([examples.checkpoint(1)], CONFIG)
    for changed, name in (
        (configuration(relabelled, folds, FineTuning(start, CONFIG).about()), "data"),
        (configuration(maps, folds[:2], FineTuning(start, CONFIG).about()), "folds"),
        (configuration(maps, folds, ResidualLinear(start).about()), "training"),
        (configuration(maps, folds, other.about()), "training"),
    ):
        with pytest.raises(TrainingError, match=f"another configuration: {name} changed"):
            Results.open(tmp_path / "a", changed)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "thesis.txt").write_text("mine")
    with pytest.raises(TrainingError, match="has other files"):
        Results.open(tmp_path / "b", about)


def test_a_damaged_fold_is_named(tmp_path: Path) -> None:
    maps = data(people=3)
    folds, learner = leave_one_subject_out(maps), FineTuning([examples.checkpoint()], CONFIG)
    results = Results.open(tmp_path, configuration(maps, folds, learner.about()))
    run_folds(learner, maps, folds, results)
    path = tmp_path / "run0_fold001.npz"
    whole = path.read_bytes()
    path.write_bytes(whole[:100])
    with pytest.raises(MapsError, match=r"run0_fold001\.npz is not an \.npz file or is damaged"):
        run_folds(learner, maps, folds, results)
    (tmp_path / "run0_fold000.npz").rename(path)
    with pytest.raises(MapsError, match="is not of fold made/001: remove it"):
        run_folds(learner, maps, folds, results)
