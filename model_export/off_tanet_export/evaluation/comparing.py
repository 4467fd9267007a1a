"""Whether one run is better than another: paired bootstrap over people, and McNemar's test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from off_tanet_export.errors import MapsError
from off_tanet_export.evaluation.evaluate import MEASURES
from off_tanet_export.evaluation.predictions import Predictions
from off_tanet_export.metrics import Score, mcnemar, paired_interval


def compare(before: Predictions, after: Predictions) -> dict[str, Any]:
    """Compare two evaluations of the same clips.

    Args:
        before: Predictions, in any number of runs.
        after: Others.

    Returns:
        `n` and `subjects`; for UF1 and UAR the scores `before` and `after`, averaged over runs,
        their `difference` and its `interval`, the central 95% of bootstrap resamples of people;
        and `mcnemar`, the clips on which only one of both is right, and the probability of at
        least such a difference if both are equally good. There, a clip's prediction is that of its
        mean probabilities over runs.

    Raises:
        MapsError: They are not of the same clips, or the clips have other classes.
    """
    if set(before.classes) != set(after.classes):
        raise MapsError(
            f"the classes differ: {', '.join(before.classes)} and {', '.join(after.classes)}"
        )
    after = _with_classes(after, before.classes)
    runs = [[_sorted(run) for run in each.runs()] for each in (before, after)]
    first = runs[0][0]
    for run in (*runs[0], *runs[1]):
        _check_same(first, run)
    right = [
        np.mean([run.probabilities for run in each], axis=0).argmax(1) == first.truth
        for each in runs
    ]
    lost, won, chance = mcnemar(right[0], right[1])
    return {
        "n": len(first.truth),
        "subjects": len(np.unique(first.people)),
        **{name: _difference(score, *runs) for name, score in MEASURES.items()},
        "mcnemar": {"before_alone": lost, "after_alone": won, "p": chance},
    }


def _difference(
    score: Score, before: Sequence[Predictions], after: Sequence[Predictions]
) -> dict[str, Any]:
    people = [[run.confusions(run.people) for run in each] for each in (before, after)]
    means = [float(np.mean([score(counts.sum(0)) for counts in each])) for each in people]
    interval = paired_interval(people[0], people[1], score)
    return {
        "before": means[0],
        "after": means[1],
        "difference": means[1] - means[0],
        "interval": list(interval),
    }


def _with_classes(predictions: Predictions, classes: tuple[str, ...]) -> Predictions:
    """Return the predictions with their classes in another order."""
    order = [predictions.classes.index(name) for name in classes]
    truth = np.argsort(order)[predictions.truth]
    probabilities = predictions.probabilities[:, order]
    return replace(predictions, classes=classes, truth=truth, probabilities=probabilities)


def _sorted(run: Predictions) -> Predictions:
    order = np.lexsort((run.clips, run.people, run.databases))
    return run.select(order)


def _check_same(first: Predictions, other: Predictions) -> None:
    """Raise `MapsError` unless both runs have the same clips, each once, with the same classes."""
    keys = [
        list(zip(run.databases.tolist(), run.people.tolist(), run.clips.tolist(), strict=True))
        for run in (first, other)
    ]
    if any(len(set(each)) < len(each) for each in keys):
        raise MapsError("a clip was predicted more than once in a run, as across databases")
    different = set(keys[0]) ^ set(keys[1])
    if different:
        database, person, clip = min(different)
        raise MapsError(
            f"{len(different)} clips are in one of the runs only, such as {clip} of {person} "
            f"({database})"
        )
    changed = np.flatnonzero(first.truth != other.truth)
    if len(changed):
        clip = f"{first.clips[changed[0]]} of {first.people[changed[0]]}"
        raise MapsError(f"{len(changed)} clips have another class in one of the runs: {clip}")


def comparison_table(report: dict[str, Any]) -> str:
    """Format a comparison as text."""
    lines = [f"{report['n']} clips of {report['subjects']} people"]
    lines.append(f"{'':6}{'before':>8}{'after':>8}{'change':>8}{'95%':>18}")
    for name in MEASURES:
        row = report[name]
        low, high = row["interval"]
        lines.append(
            f"{name.upper():6}{row['before']:>8.3f}{row['after']:>8.3f}{row['difference']:>+8.3f}"
            f"{f'{low:+.3f} to {high:+.3f}':>18}"
        )
    test = report["mcnemar"]
    lines.append(
        f"right before only: {test['before_alone']} clips; right after only: "
        f"{test['after_alone']}; McNemar's p {test['p']:.3f}"
    )
    return "\n".join(lines)
