"""Fit the coefficients of `off_tanet.recognition.expressiveness` to labelled clips.

    python -m tests.benchmarks.bench_real FOLDER --rows rows.json
    python -m tests.benchmarks.fit_expressiveness rows.json

Logistic regression with a weak prior; clips with and without an expression have the same weight. It
prints the coefficients, and how well clips are told apart that were left out of the fit.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from off_tanet.limits import Thresholds
from off_tanet.recognition.expressiveness import features
from off_tanet.recognition.quality import least_motion_px

Floats = NDArray[np.float64]

_PRIOR = np.diag([0.0, 0.5, 0.5])
_STEPS = 50


def fit(terms: Floats, expressive: Floats) -> Floats:
    """The coefficients [3] of terms [N, 3], by Newton's method."""
    share = expressive.mean()
    weights = np.where(expressive > 0, 0.5 / share, 0.5 / (1 - share))
    coefficients = np.zeros(terms.shape[1])
    for _ in range(_STEPS):
        estimated = 1 / (1 + np.exp(-terms @ coefficients))
        slope = terms.T @ (weights * (expressive - estimated)) - _PRIOR @ coefficients
        curved = (terms * (weights * estimated * (1 - estimated))[:, None]).T @ terms + _PRIOR
        coefficients += np.linalg.solve(curved, slope)
    return coefficients


def main() -> None:
    thresholds = Thresholds()
    rows = [row for row in json.loads(Path(sys.argv[1]).read_text()) if row["probabilities"]]
    terms = np.array(
        [
            (
                1.0,
                *features(
                    row["motion_px"],
                    least_motion_px(row["head_motion_px"], thresholds),
                    row["probabilities"].values(),
                ),
            )
            for row in rows
        ]
    )
    expressive = np.array([row["true"] is not None for row in rows], np.float64)
    print("constant, motion, class_probability:", fit(terms, expressive).round(3))
    kept = ~np.eye(len(rows), dtype=bool)
    logits = np.array(
        [terms[index] @ fit(terms[others], expressive[others]) for index, others in enumerate(kept)]
    )
    yes, no = logits[expressive > 0], logits[expressive == 0]
    print(f"area under the curve, each clip left out: {np.mean(yes[:, None] > no):.3f}")


if __name__ == "__main__":
    main()
