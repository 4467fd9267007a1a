"""The experiment that chooses a training on synthetic motion alone, in a size for a test."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import torch
from off_tanet_export.checkpoint import load
from off_tanet_export.experiments.transfer import (
    CANDIDATES,
    KINDS,
    RECIPE,
    Run,
    choose,
    combine,
    read,
    render,
    run,
    write,
)
from off_tanet_export.network.model import OffTanet
from off_tanet_export.synthesis.flow_dataset import FlowDataset


def test_candidates_are_chosen_that_help_by_more_than_their_error() -> None:
    recipe = np.array([0.6, 0.7, 0.8, 0.7])
    scores = dict.fromkeys(CANDIDATES, recipe)
    scores |= {
        "smooth": recipe + np.array([0.02, 0.01, 0.02, 0.01]),
        "decay": recipe + np.array([0.05, -0.04, 0.03, -0.03]),
        "blur": recipe - 0.01,
    }
    assert choose(scores) == ["smooth"]


@pytest.mark.parametrize("name", list(CANDIDATES)[1:])
def test_a_candidate_alone_is_itself(name: str) -> None:
    assert combine([name]) == CANDIDATES[name] != RECIPE


def test_combined_candidates_keep_all_differences() -> None:
    everything = combine(list(CANDIDATES)[1:])
    sizes = everything.flow_errors
    assert min(sizes.affine, sizes.smooth, sizes.fade, sizes.blur) > 0
    assert everything.cropping == CANDIDATES["cropping"].cropping
    assert everything.weight_decay == CANDIDATES["decay"].weight_decay


def test_flows_come_back_at_both_sides_and_without_what_is_no_expression(tmp_path: Path) -> None:
    fine = np.random.default_rng(0).normal(size=(3, 2, 56, 56)).astype(np.float32)
    targets = np.array([[1, 0, 0], [0, 0, 0], [0, 0.5, 0.5]], np.float32)
    write(tmp_path / "annotated", FlowDataset(fine, targets, np.ones(3, np.float32)))
    assert np.array_equal(read(tmp_path, "annotated", 56).flows, fine[[0, 2]])
    coarse = read(tmp_path, "annotated").flows
    assert np.allclose(coarse[1, 0, 0, 0], fine[2, 0, :2, :2].mean(), atol=1e-6)


@pytest.mark.slow
def test_a_rendered_kind_trains_a_network_that_is_kept(tmp_path: Path) -> None:
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        render(tmp_path, 30, pool)
    small = replace(RECIPE, samples=16, batch=8)
    job = Run(("fields",), small, KINDS, "tried")
    scores = run(tmp_path, "cpu", job)
    assert len(scores) == len(KINDS)
    assert all(0 <= score <= 1 for score in scores)
    assert load(tmp_path / "tried-0.safetensors").card.training["samples"] == 16


def test_a_wider_network_answers_like_off_tanet() -> None:
    logits, attention = OffTanet(width=3).eval()(torch.zeros(2, 3, 112, 112))
    assert logits.shape == (2, 3)
    assert attention.shape == (2, 14, 14)
    assert OffTanet().size == 59_403 < OffTanet(width=3).size
