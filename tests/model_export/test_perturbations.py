"""Perturbed crops: positions move, values stay."""

from __future__ import annotations

import numpy as np
import pytest
from off_tanet_export.datasets.perturbations import EXTREMES, Perturbation, perturb


def spot(x: int, y: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Maps [1, 3, 28, 28] of one bright place on a dark slope."""
    maps = np.tile(np.linspace(0, 0.2, 28, dtype=np.float32), (1, 3, 28, 1))
    maps[..., y, x] = 1
    return maps


def peak(maps: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> tuple[int, int]:
    row, column = np.unravel_index(maps[0, 0].argmax(), maps.shape[2:])
    return int(column), int(row)


def test_a_face_in_its_place_stays_as_it_is() -> None:
    """Otherwise resampling alone would lower the score on perturbed maps."""
    maps = spot(10, 12)
    np.testing.assert_allclose(perturb(maps, Perturbation()), maps, atol=1e-6)


@pytest.mark.parametrize(
    ("perturbation", "place"),
    [
        (Perturbation(right=3 / 28), (23, 14)),
        (Perturbation(down=-3 / 28), (20, 11)),
        (Perturbation(scale=1.5), (23, 14)),
        (Perturbation(turn=90), (13, 20)),
    ],
)
def test_perturbations_move_in_their_direction(
    perturbation: Perturbation, place: tuple[int, int]
) -> None:
    """A wrong sign would be invisible in a mean over both sides. Turns go clockwise."""
    assert peak(perturb(spot(20, 14), perturbation)) == place


def test_every_extreme_moves_the_map_and_keeps_its_range() -> None:
    """The network is trained on maps of 0..1."""
    maps = np.random.default_rng(0).random((2, 3, 28, 28), np.float32)
    for group in EXTREMES.values():
        for perturbation in group:
            moved = perturb(maps, perturbation)
            assert np.abs(moved - maps).max() > 0.1
            assert moved.min((2, 3)) == pytest.approx(np.zeros((2, 3)))
            assert moved.max((2, 3)) == pytest.approx(np.ones((2, 3)))
