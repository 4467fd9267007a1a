"""Folds: which clips are tested, and which others are trained on. No person is in both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from off_tanet_export.datasets.flow_maps import FlowMaps
from off_tanet_export.datasets.people import database_name
from off_tanet_export.errors import TrainingError

Clips = NDArray[np.bool_]
"""A mask [N] of clips."""


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """A part of an evaluation.

    Attributes:
        name: The tested person, the number of the fold, or the databases.
        trained: The clips to train on [N].
        tested: The clips to predict [N].
    """

    name: str
    trained: Clips
    tested: Clips


def leave_one_subject_out(data: FlowMaps) -> list[Fold]:
    """Test each person with what was learned from all others.

    Raises:
        TrainingError: There is only one person.
    """
    people = data.people
    names = np.unique(people)
    if len(names) < 2:
        raise TrainingError("leaving one subject out needs two subjects")
    return _checked(data, ((name, people != name, people == name) for name in names))


def by_people(data: FlowMaps, count: int) -> list[Fold]:
    """Test `count` groups of people, each with what was learned from all others.

    People with many clips are assigned first, each to the group that has the fewest clips of the
    same classes; so the groups have similar shares of the classes. Nothing is drawn by chance.

    Raises:
        TrainingError: There are fewer than two groups, or fewer people than groups.
    """
    people = data.people
    names, index = np.unique(people, return_inverse=True)
    if not 2 <= count <= len(names):
        raise TrainingError(f"there must be 2 to {len(names)} folds, one person in each: {count}")
    classes = np.zeros((len(names), len(data.classes)))
    np.add.at(classes, (index, data.labels), 1)
    share = classes / np.maximum(classes.sum(0), 1)
    groups, group = np.zeros((count, len(data.classes))), np.zeros(len(names), np.int64)
    for person in np.argsort(-classes.sum(1), kind="stable"):
        empty = groups.sum(1) == 0
        cost = (groups * share[person]).sum(1) - empty
        group[person] = cost.argmin()
        groups[group[person]] += share[person]
    numbers = group[index]
    return _checked(
        data, ((str(number + 1), numbers != number, numbers == number) for number in range(count))
    )


def across_databases(data: FlowMaps) -> list[Fold]:
    """Test each database with what was learned from each other one.

    A person who is in both (SAMM and SAMM Long Videos have the same people) is not trained on.

    Raises:
        TrainingError: There is only one database.
    """
    people, databases = data.people, np.array(list(map(database_name, data.datasets)))
    pairs = list(permutations(np.unique(databases), 2))
    if not pairs:
        raise TrainingError("training on one database and testing on another needs two")
    folds = []
    for first, second in pairs:
        tested = databases == second
        trained = (databases == first) & ~np.isin(people, people[tested])
        folds.append((f"{first} -> {second}", trained, tested))
    return _checked(data, folds)


def _checked(data: FlowMaps, folds: Iterable[tuple[str, Clips, Clips]]) -> list[Fold]:
    """Make folds, and raise `TrainingError` if there is nothing to learn from."""
    people, made = data.people, []
    for name, trained, tested in folds:
        if not trained.any():
            raise TrainingError(f"fold {name}: there is nobody else to train on")
        if np.isin(people[tested], people[trained]).any():
            raise RuntimeError(f"fold {name}: a person is in training and in the test")
        made.append(Fold(name, trained, tested))
    return made


def shared_recordings(data: FlowMaps) -> Sequence[str]:
    """Return a line for each clip that is also there under the name of another person.

    One of both could be in training and the other one in the test, which no name can tell.
    """
    lines, people = [], data.people
    owners: dict[bytes, int] = {}
    for at, (one, person) in enumerate(zip(data.maps, people, strict=True)):
        if np.ptp(one) == 0:  # nothing moves: this is no sign of a person
            continue
        first = owners.setdefault(blake2b(one.tobytes()).digest(), at)
        if people[first] != person:
            clips = [f"{data.clips[clip]} of {people[clip]}" for clip in (first, at)]
            lines.append(" and ".join(clips) + " are the same recording")
    return lines
