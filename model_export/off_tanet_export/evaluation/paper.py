"""The evaluation of Off-TANet's paper: its databases, its recipe, and its table with all variants.

J. Zhang, F. Liu, A. Zhou, PRICAI 2021: one person of CASME, CASME II and CAS(ME)^2 is left out at a
time. The scores of the paper are means of those of each fold, at the epoch that is best on the
tested clips. Here the last epoch counts, and the means are printed in all readings beside the
pooled scores.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from off_tanet.types import CLASSES

from off_tanet_export.datasets.flow_maps import FlowMaps
from off_tanet_export.datasets.people import database_name
from off_tanet_export.evaluation.evaluate import READINGS, details, score, with_labels
from off_tanet_export.evaluation.predictions import Predictions
from off_tanet_export.network.blocks import Variant
from off_tanet_export.network.model import OffTanet

DATABASES = frozenset({"casme", "casme2", "casme-sq"})
PEOPLE = 49
CLIPS: Mapping[str, int] = MappingProxyType(dict(zip(CLASSES, (194, 48, 52), strict=True)))
"""The clips of each class; 294 in all."""

PUBLISHED = {"uf1": 0.7242, "uar": 0.7315}
"""The scores of Off-TANet in the paper's abstract."""


def differences(data: FlowMaps) -> list[str]:
    """Return what differs from the data of the paper, a line for each."""
    databases = set(map(database_name, data.datasets))
    lines = []
    for title, found in (("missing", DATABASES - databases), ("too many", databases - DATABASES)):
        if found:
            lines.append(f"databases {title}: {', '.join(sorted(found))}")
    names = [data.classes[label] for label in data.labels]
    counts = {**dict.fromkeys(CLIPS, 0), **Counter(names)}
    present = {"clips": len(names), "people": len(np.unique(data.people)), **counts}
    wanted = {"clips": sum(CLIPS.values()), "people": PEOPLE, **CLIPS}
    for title, count in present.items():
        if count != wanted.get(title, 0):
            lines.append(f"{title}: {count} instead of {wanted.get(title, 0)}")
    return lines


def paper_report(data: FlowMaps, variants: Mapping[Variant, Predictions]) -> dict[str, Any]:
    """Score the predictions of each variant.

    Returns:
        `differences` from the paper's data; `published`, its scores; and for each variant
        `parameters`, `scores` and `details`.
    """
    return {
        "protocol": "paper",
        "differences": differences(data),
        "published": PUBLISHED,
        "variants": {
            variant: {
                "parameters": OffTanet(variant, len(data.classes)).size,
                "scores": score(predictions),
                "details": details(predictions),
            }
            for variant, predictions in variants.items()
        },
        "always negative": _always_negative(next(iter(variants.values()))),
    }


def _always_negative(predictions: Predictions) -> dict[str, Any]:
    """Score the most frequent class of the paper, by which the others can be judged."""
    once = predictions.runs()[0]
    baseline = with_labels(once, np.zeros(len(once.truth), np.int64))
    return {"parameters": 0, "scores": score(baseline), "details": details(baseline)}


def paper_table(report: Mapping[str, Any]) -> str:
    """Format a report as text: F1 and recall of each variant, in each reading."""
    lines: list[str] = []
    if report["differences"]:
        lines += ["These are not the clips of the paper:", *report["differences"], ""]
    titles = ["pooled", *READINGS]
    lines.append(f"{'F1 / recall':16}{'parameters':>11}" + _cells(titles))
    published = report["published"]
    lines.append(
        f"{'paper':16}{OffTanet().size:>11,}{published['uf1']:>9.3f} / {published['uar']:.3f} "
        "mean of folds, best epoch on the tested clips"
    )
    rows = {**report["variants"], "always negative": report["always negative"]}
    for variant, row in rows.items():
        means = [row["scores"], *(row["details"]["fold_means"][title] for title in READINGS)]
        cells = [f"{mean['uf1']:.3f} / {mean['uar']:.3f}" for mean in means]
        lines.append(f"{variant:16}{row['parameters']:>11,}" + _cells(cells))
    lines += ["", f"{'pooled':16}{'UF1':>8}{'95%':>14}{'UAR':>8}{'95%':>14}{'accuracy':>10}"]
    for variant, row in rows.items():
        scores = row["scores"]
        cells = []
        for name in ("uf1", "uar"):
            low, high = scores[f"{name}_interval"]
            cells.append(f"{scores[name]:>8.3f}{f'{low:.3f}-{high:.3f}':>14}")
        lines.append(f"{variant:16}{''.join(cells)}{row['details']['accuracy']:>10.3f}")
    return "\n".join(lines)


def _cells(texts: Sequence[str]) -> str:
    return "".join(f"{text:>22}" for text in texts)
