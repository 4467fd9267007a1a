"""The motion of now, which a page draws while it happens."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from off_tanet.recognition.motion.features import PLACES
from off_tanet.recognition.spotting.latest_motion import latest_motion_px

CELLS = 2 * PLACES + 20
NUISANCES = 9


def rising(count: int, rate: float, px: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A face that rests, and in the last tenth of a second has moved to the right by `px`."""
    times_s = np.arange(count) / rate
    features = np.zeros((count, CELLS))
    features[times_s > times_s[-1] - 0.1, : 2 * PLACES : 2] = px
    return features, np.zeros((count, NUISANCES)), times_s


@pytest.mark.parametrize("rate", [15, 30, 60, 200])
def test_it_is_the_distance_from_rest_at_any_rate(rate: float) -> None:
    found = latest_motion_px(*rising(int(3 * rate), rate, 1.5))
    assert found == pytest.approx(1.5, abs=0.25)


def test_the_head_alone_is_no_motion() -> None:
    """A nod of two pixels moves all cells; its effect is estimated from the seconds before."""
    times_s = np.arange(120) / 30
    nuisances = np.zeros((120, NUISANCES))
    nuisances[:, 5] = 2 * np.sin(2 * np.pi * 0.8 * times_s)
    features = np.repeat(nuisances[:, 5:6], CELLS, axis=1)
    found = latest_motion_px(features, nuisances, times_s)
    moved = latest_motion_px(features, np.zeros_like(nuisances), times_s)
    assert found is not None
    assert moved is not None
    assert found < 0.1 < 1 < moved


@given(st.integers(2, 60), st.floats(1, 240))
def test_it_is_not_known_at_once(count: int, rate: float) -> None:
    found = latest_motion_px(*rising(count, rate, 1.0))
    assert (found is None) == ((count - 1) / rate < 0.6)
    assert found is None or np.isfinite(found)
