"""Which action units act together, how certainly they tell the class, and how long they last.

Two of three expressions are drawn from annotations of micro-expressions (`unit_priors.json`, see
`prior_table`), the others from prototypes of posed, larger expressions. Labels are soft: if a
combination was coded with several classes, it trains towards all of them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from off_tanet.types import CLASSES

from off_tanet_export.synthesis.action_units import MIXES
from off_tanet_export.synthesis.prior_table import TABLE

Units = tuple[str, ...]

PROTOTYPES: tuple[tuple[str, float], ...] = (
    # anger
    ("4+7", 1), ("4+5+7", 1), ("4+7+23", 1), ("4+5+7+24", 0.5), ("4+7+10+25", 0.5), ("24", 0.3),
    # disgust
    ("9", 1), ("10", 0.7), ("4+9", 0.7), ("9+17", 0.7), ("9+10+25", 0.7), ("10+17", 0.5),
    # sadness
    ("1+4", 1), ("1+4+15", 1), ("15", 0.6), ("15+17", 0.7), ("1+4+17", 0.5),
    # fear
    ("1+2+4+5", 1), ("1+2+4", 0.7), ("1+2+4+5+20+25", 1), ("20+25", 0.5), ("4+5", 0.5),
    # contempt
    ("14", 1.5), ("10+14", 0.3),
    # happiness
    ("12", 2), ("6+12", 3), ("6+12+25", 3), ("12+25", 1.5), ("6+7+12+25+26", 1), ("6+12+26", 0.5),
    # surprise
    ("1+2", 1.5), ("1+2+5", 2), ("1+2+5+25+26", 2), ("1+2+25+26", 1.5), ("1+2+26", 1),
    ("1+2+5+25+27", 1), ("5", 0.3), ("5+25+26", 0.5), ("25+26", 0.5),
)  # fmt: skip
"""Combinations of posed expressions of seven emotions, with relative frequencies within the class.

From the prototypes of P. Ekman, W. Friesen, J. Hager, "Facial Action Coding System: Investigator's
Guide", 2002.
"""
_PROTOTYPE_CLASS = (0,) * 24 + (1,) * 6 + (2,) * 9
PROTOTYPE_SHARE = 1 / 3
CONTEMPT_ONE_SIDED = 0.5

ONSET_TO_APEX_S = (0.196, 0.39)
"""Median and log-normal deviation of DFME's times from onset to apex (.09 to .31 s for 90%)."""

PROTOTYPE_DURATION_S = (0.6, 0.4)


@dataclass(frozen=True, slots=True)
class Combination:
    """Action units that act together.

    Attributes:
        units: Their names.
        shares: Their share of the expressions of each class, [3].
        one_sided: Probability that one side of the face does not move.
        posed: Whether it is a prototype of a posed, larger expression.
    """

    units: Units
    shares: NDArray[np.float64]
    one_sided: float
    posed: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A drawn expression.

    Attributes:
        combination: The action units.
        target: Probability of each class, [3].
        duration_s: Time from onset to apex.
    """

    combination: Combination
    target: NDArray[np.float64]
    duration_s: float


class Priors:
    """Draws expressions; classes are equally frequent.

    Args:
        combinations: The combinations; the shares of each class sum to 1.
    """

    def __init__(self, combinations: Sequence[Combination]) -> None:
        self.combinations = combinations
        self._shares = np.array([each.shares for each in combinations])
        self._totals: dict[Units, NDArray[np.float64]] = {}
        for each in combinations:
            self._totals[each.units] = self._totals.get(each.units, 0) + each.shares

    def draw(self, rng: np.random.Generator, label: int) -> Drawn:
        """Draw an expression from those of a class."""
        shares = self._shares[:, label]
        chosen = self.combinations[int(rng.choice(len(shares), p=shares / shares.sum()))]
        median, deviation = PROTOTYPE_DURATION_S if chosen.posed else ONSET_TO_APEX_S
        duration = median * float(np.exp(rng.normal(0, deviation)))
        return Drawn(chosen, self.target(chosen.units), duration)

    def target(self, units: Units) -> NDArray[np.float64]:
        """Return the probability [3] of each class for a combination, if all are equally likely."""
        totals = self._totals[units]
        return np.asarray(totals / totals.sum(), np.float64)


@cache
def annotated() -> Priors:
    """Return the priors from annotations, with prototypes of posed expressions."""
    rows = json.loads(TABLE.read_text())
    shares = np.array([row["shares"] for row in rows])
    shares *= (1 - PROTOTYPE_SHARE) / shares.sum(0)
    coded = [
        Combination(tuple(row["units"]), share, row["one_sided"])
        for row, share in zip(rows, shares, strict=True)
    ]
    return Priors([*coded, *_prototypes()])


def _prototypes() -> list[Combination]:
    frequencies = np.zeros((len(PROTOTYPES), len(CLASSES)))
    for row, ((_, frequency), label) in enumerate(zip(PROTOTYPES, _PROTOTYPE_CLASS, strict=True)):
        frequencies[row, label] = frequency
    frequencies *= PROTOTYPE_SHARE / frequencies.sum(0)
    made = []
    for (numbers, _), shares in zip(PROTOTYPES, frequencies, strict=True):
        units = tuple(sorted((f"AU{number}" for number in numbers.split("+")), key=_number))
        one_sided = CONTEMPT_ONE_SIDED if "AU14" in units else 0.05
        made.append(Combination(units, shares, one_sided, posed=True))
    return made


def _number(unit: str) -> int:
    return int(unit.removeprefix("AU"))


@cache
def anatomical() -> Priors:
    """Return the mixes of `action_units`, each certain of its class."""
    made = []
    for label, mixes in enumerate(MIXES):
        total = sum(weight for _, weight in mixes)
        for units, weight in mixes:
            shares = np.eye(len(CLASSES))[label] * weight / total
            made.append(Combination(units, shares, one_sided=0.15))
    return Priors(made)
