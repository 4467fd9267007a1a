"""Measures of attention where the result is known."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from off_tanet_export.checkpoint import Checkpoint, save
from off_tanet_export.commands import main
from off_tanet_export.experiments.attention_analysis import (
    layer_outputs,
    region,
    region_share,
    sparseness,
)
from off_tanet_export.graph import FlowClassifier
from off_tanet_export.network.blocks import Variant
from off_tanet_export.network.model import OffTanet

from tests.model_export import examples

KINDS: dict[Variant, list[str]] = {
    "triplet": ["channel", "spatial", "self", "whole block"],
    "cbam": ["channel", "spatial", "whole block"],
    "self": ["self", "whole block"],
    "bottleneck": ["self", "self, second", "whole block"],
    "residual": ["whole block"],
}


def checkpoint(variant: Variant) -> Checkpoint:
    return dataclasses.replace(examples.checkpoint(), network=OffTanet(variant).eval())


def flow(count: int = 2) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.random.default_rng(0).normal(size=(count, 2, 112, 112)).astype(np.float32)


def test_sparseness_has_hoyers_limits() -> None:
    """One place alone is 1, all equal is 0, and a dead channel does not count."""
    one, alike = torch.zeros(1, 1, 14, 14), torch.full((1, 1, 14, 14), -3.0)
    one[..., 3, 4] = -2
    assert sparseness(one) == sparseness(1e-30 * one) == pytest.approx(1)
    assert sparseness(alike) == pytest.approx(0, abs=1e-6)
    dead = torch.zeros(1, 1, 14, 14)
    assert sparseness(torch.cat([one, alike, dead], 1)) == pytest.approx(0.5)


def test_a_share_is_relative_to_each_motions_attention() -> None:
    """A motion that excites the network more must not count more."""
    where = torch.zeros(14, 14)
    where[:7] = 1
    inside, even = 100 * where, torch.ones(14, 14)
    assert region_share(inside[None], where) == 1
    assert region_share(torch.stack([inside, even]), where) == pytest.approx(0.75)


def test_regions_lie_at_their_units() -> None:
    """Lip corners in the lower half, on both sides, and the same part of the face at every size."""
    fine, coarse = region("AU12", 14), region("AU12", 7)
    assert fine[:6].sum() == 0
    torch.testing.assert_close(fine, fine.flip(1))
    assert fine.mean() == pytest.approx(float(coarse.mean()))
    assert 0.02 < fine.mean() < 0.2


@pytest.mark.parametrize("variant", KINDS)
def test_each_attention_is_recorded_and_the_hooks_removed(variant: Variant) -> None:
    """The output of one is the input of the next; a hook left behind would slow later answers."""
    watched = checkpoint(variant)
    passed = layer_outputs(watched, flow())
    assert list(passed) == KINDS[variant]
    assert passed["whole block"][1].shape[1:] == (8, 7, 7)
    if variant == "triplet":
        assert passed["channel"][1] is passed["spatial"][0]
        assert passed["spatial"][1] is passed["self"][0]
    FlowClassifier(watched.network, watched.preprocessing).eval()(torch.from_numpy(flow()))
    assert list(passed) == KINDS[variant]


def test_the_command_prints_the_tables_and_draws_the_figure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two variants, one of them twice: a row for each attention, a column for each variant."""
    paths = [tmp_path / name for name in "abc"]
    for path, variant in zip(paths, ("cbam", "cbam", "residual"), strict=True):
        save(checkpoint(variant), path)  # type: ignore[arg-type]
    arguments = ["attention", "--units", "AU12", "--checkpoints", *map(str, paths)]
    assert main([*arguments, "--plots", str(tmp_path / "plots")]) == 0
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines()]
    kinds = [(row[0], row[1]) for row in rows[2:6]]
    assert kinds == [("| cbam", kind) for kind in KINDS["cbam"]] + [("| residual", "whole block")]
    assert rows[7] == ["| moved", "chance", "motion", "cbam", "residual |"]
    assert all(0 <= float(cell.strip(" |")) <= 1 for row in rows[2:6] for cell in row[2:])
    picture = cv2.imread(str(tmp_path / "plots" / "attention.png"))
    assert picture is not None
    assert picture.shape[1] > 4 * 84
