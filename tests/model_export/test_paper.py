"""The table of the paper against what is known of its data: counts, and a baseline's scores."""

from __future__ import annotations

import numpy as np
import pytest
from off_tanet_export.datasets.flow_maps import FlowMaps
from off_tanet_export.evaluation.paper import differences, paper_report, paper_table
from off_tanet_export.evaluation.predictions import Predictions


def paper_data() -> FlowMaps:
    """As many clips and people as in the paper, in three databases."""
    labels = np.repeat([0, 1, 2], [194, 48, 52])
    people = np.arange(294) % 49
    databases = np.array(["casme", "CASME II", "CAS(ME)^2"])[people % 3]
    names = people.astype(str)
    maps = np.zeros((294, 3, 28, 28), np.float32)
    return FlowMaps(maps, labels, databases, names, np.arange(294).astype(str))


def test_the_clips_of_the_paper_differ_by_nothing() -> None:
    assert differences(paper_data()) == []


def test_always_negative_has_the_published_pooled_scores() -> None:
    """UAR 0.33 and UF1 0.27, by counts alone, and a recall of .51 in the paper's way at most."""
    data = paper_data()
    answers = np.tile([1.0, 0.0, 0.0], (1, 294, 1))
    report = paper_report(data, {"triplet": Predictions.of_runs(data, answers)})
    scores = report["always negative"]["scores"]
    assert scores["uar"] == pytest.approx(1 / 3)
    assert scores["uf1"] == pytest.approx(2 * 194 / (194 + 294) / 3)
    assert report["variants"]["triplet"]["scores"] == scores
    shown = paper_table(report)
    assert "These are not" not in shown
    lines = shown.splitlines()
    triplet = [line.split()[2:] for line in lines if line.startswith("triplet ")]
    always = [line.split()[3:] for line in lines if line.startswith("always negative ")]
    assert triplet == always
