"""Synthetic motion: anatomy, units of length, and equal draws from equal seeds."""

from __future__ import annotations

import numpy as np
import pytest
from off_tanet.types import CLASSES
from off_tanet_export.synthesis.action_units import ACTION_UNITS, MIXES, Field, displacement, render
from off_tanet_export.synthesis.generator import Nuisances, Synthesis

OFF = dict.fromkeys(Nuisances.__dataclass_fields__, 0.0)
STILL = Nuisances(**OFF)


def peak(field: Field, channel: int) -> tuple[float, float]:
    """Where (x, y) on the image's left half the channel is strongest, in fractions of the crop."""
    size = field.shape[-1]
    left = np.abs(field[channel, :, : size // 2])
    row, column = np.unravel_index(left.argmax(), left.shape)
    return (column + 0.5) / size, (row + 0.5) / size


def test_smiling_moves_the_lip_corners_up_and_out() -> None:
    """A wrong sign would make frowns of smiles, and training would not notice."""
    field = displacement({"AU12": 0.01}, 112)
    assert peak(field, 0) == pytest.approx((0.25, 0.63), abs=0.04)
    column, row = int(0.30 * 112), int(0.71 * 112)
    u, v = field[:, row, column]
    assert u < 0 > v
    assert field[0, row, 111 - column] == pytest.approx(-u)


@pytest.mark.parametrize(("unit", "direction"), [("AU1", -1), ("AU4", 1), ("AU15", 1), ("AU5", -1)])
def test_units_move_the_right_way(unit: str, direction: int) -> None:
    """Brows rise in surprise and sink in anger: v points down."""
    bump = ACTION_UNITS[unit][0]
    field = displacement({unit: 1.0}, 100)
    assert np.sign(field[1, int(bump.y * 100), int(bump.x * 100)]) == direction


def test_intensity_is_a_fraction_of_the_crop_at_any_size() -> None:
    """At another resolution, a displacement is multiplied by the width and nothing else."""
    small, large = displacement({"AU2": 0.02}, 28), displacement({"AU2": 0.02}, 224)
    assert np.abs(large).max() == pytest.approx(0.02, rel=0.01)
    averaged = large.reshape(2, 28, 8, 28, 8).mean((2, 4))
    np.testing.assert_allclose(averaged, small, atol=0.02 * 0.05)


def test_units_add_up() -> None:
    """An expression is the sum of its units."""
    both = displacement({"AU6": 0.01, "AU12": 0.02}, 28)
    apart = displacement({"AU6": 0.01}, 28) + displacement({"AU12": 0.02}, 28)
    np.testing.assert_allclose(both, apart, atol=1e-6)
    assert not displacement({}, 28).any()


def test_unknown_units_are_refused() -> None:
    """AU99 is a typing error."""
    with pytest.raises(KeyError, match="AU99"):
        displacement({"AU99": 1.0}, 28)


def test_a_margin_is_drawn_around_the_same_face() -> None:
    """The centre is the crop; otherwise a face would move when its margin grows."""
    bumps = Synthesis(0, nuisances=STILL).sides("AU12", 1.0)
    np.testing.assert_allclose(render(bumps, 28, 6)[:, 6:-6, 6:-6], render(bumps, 28), atol=1e-6)
    assert Synthesis(0, margin=6).flow(1).shape == (2, 40, 40)


def test_every_mix_has_known_units() -> None:
    """A typing error in a rare mix would stop a training after hours."""
    assert len(MIXES) == len(CLASSES)
    for mixes in MIXES:
        for units, weight in mixes:
            assert set(units) <= set(ACTION_UNITS)
            assert weight > 0


def test_equal_seeds_draw_equal_flows() -> None:
    """A training run can be repeated."""
    labels = np.array([0, 1, 2, 2])
    first, again = (Synthesis(3).batch(labels) for _ in range(2))
    assert first.shape == (4, 2, 28, 28)
    assert first.dtype == np.float32
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - Synthesis(4).batch(labels)).max() > 0.1


def test_without_nuisances_a_flow_is_its_units() -> None:
    """Each nuisance can be turned off, so each can be tuned."""
    pure = {
        tuple(np.round(displacement(dict.fromkeys(units, 1.0), 28), 4).ravel())
        for units, _ in MIXES[1]
    }
    drawn = Synthesis(0, nuisances=STILL).batch(np.ones(20, np.int64))
    assert {tuple(np.round(flow, 4).ravel()) for flow in drawn} <= pure


@pytest.mark.parametrize(
    "nuisance",
    ["head", "noise", "steps", "ragged", "patchy", "position", "side", "one_sided"],
)
def test_each_nuisance_changes_the_flow(nuisance: str) -> None:
    """A parameter without an effect would go unnoticed."""
    still = Synthesis(0, nuisances=STILL).batch(np.full(8, 2))
    moved = Synthesis(0, nuisances=Nuisances(**{**OFF, nuisance: 0.5})).batch(np.full(8, 2))
    assert np.abs(moved - still).max() > 0.05
