"""Intervals in features whose curve is known: what counts, what does not, where it ends."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from off_tanet.recognition.motion.features import PLACES
from off_tanet.recognition.spotting.intervals import find_intervals, without_nuisances

RATE = 30.0
FRAMES = 600
FEATURES = 2 * PLACES + 12
Floats = NDArray[np.float64]


def pattern(seed: int = 0) -> Floats:
    """Some cells that move together, of length 1."""
    moved = np.zeros(FEATURES)
    cells = np.random.default_rng(seed).choice(FEATURES, 12, replace=False)
    moved[cells] = np.random.default_rng(seed + 1).normal(size=12)
    return moved / np.linalg.norm(moved)


def course(onset: float, lasts: float, hold: float = 0.0) -> Floats:
    """Raised cosines from the onset up, a hold, and down again, in frames; [FRAMES]."""
    time = np.arange(FRAMES, dtype=float)
    half = (lasts - hold) / 2
    up = np.clip((time - onset) / half, 0, 1)
    down = np.clip((onset + lasts - time) / half, 0, 1)
    return 0.5 - 0.5 * np.cos(np.pi * np.minimum(up, down))


def scene(*motions: Floats, noise: float = 0.02, seed: int = 0) -> Floats:
    """Features [FRAMES, FEATURES] of such motions and noise."""
    grain = np.random.default_rng(seed).normal(0, noise, (FRAMES, FEATURES))
    return grain + sum(motions, np.zeros((FRAMES, FEATURES)))


def still() -> Floats:
    """Nuisances of a head and lids at rest, with their measurement noise."""
    return np.random.default_rng(9).normal(0, 0.01, (FRAMES, 9))


@pytest.mark.parametrize(("onset", "lasts", "hold"), [(100, 6, 0), (250, 13, 0), (300, 60, 30)])
def test_an_interval_is_found_at_its_place(onset: int, lasts: int, hold: int) -> None:
    """From a fifth of a second to two seconds, with or without a hold; half of it is enough."""
    (bump,) = find_intervals(
        scene(2 * np.outer(course(onset, lasts, hold), pattern())), still(), RATE
    )
    common = min(bump.offset, onset + lasts) - max(bump.onset, onset)
    union = max(bump.offset, onset + lasts) - min(bump.onset, onset)
    assert common / union > 0.7
    assert onset < bump.apex < onset + lasts


def test_two_consecutive_expressions_are_two() -> None:
    """Of different action units, with a fifth of a second between them."""
    first, second = course(100, 10), course(116, 10)
    motions = 2 * np.outer(first, pattern(1)), 2 * np.outer(second, pattern(2))
    apexes = sorted(bump.apex for bump in find_intervals(scene(*motions), still(), RATE))
    assert apexes == pytest.approx([105, 121], abs=1.5)


@pytest.mark.parametrize("length", [2, 10, 60])
def test_a_step_is_nothing(length: int) -> None:
    """A face that comes to rest elsewhere has not expressed anything."""
    step = np.clip((np.arange(FRAMES) - 300) / length, 0, 1)
    assert not find_intervals(scene(3 * np.outer(step, pattern())), still(), RATE)


def test_a_slow_drift_is_nothing() -> None:
    """Light and posture change all the time."""
    drift = np.sin(2 * np.pi * np.arange(FRAMES) / FRAMES)
    assert not find_intervals(scene(5 * np.outer(drift, pattern())), still(), RATE)


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.1])
def test_noise_alone_is_nothing(noise: float) -> None:
    """For any amount of noise: the threshold rises with it."""
    assert not find_intervals(scene(noise=noise), still(), RATE)


def test_what_follows_the_head_is_nothing() -> None:
    """Nods that leave a quarter of themselves in the features, on a face unlike the generic one."""
    nod = 6 * sum((course(at, 14) for at in (60, 170, 230, 400, 510)), np.zeros(FRAMES))
    nuisances = still()
    nuisances[:, 6] += nod
    features = scene(0.25 * np.outer(nod, pattern()))
    assert find_intervals(features, still(), RATE), "the head motion must matter here"
    assert not find_intervals(features, nuisances, RATE)


def test_what_follows_the_lids_is_removed_and_expressions_stay() -> None:
    """Blinks pull at the brows in the same way each time; an expression between them is found."""
    blinks = sum((course(at, 9) for at in (40, 130, 200, 390, 520)), np.zeros(FRAMES))
    nuisances = still()
    nuisances[:, -1] += blinks
    pulled = 2 * np.outer(blinks, pattern(3))
    smile = 2 * np.outer(course(300, 10), pattern(5))
    (bump,) = find_intervals(scene(pulled, smile), nuisances, RATE)
    assert bump.apex == pytest.approx(305, abs=1.5)
    assert np.abs(without_nuisances(pulled, nuisances, RATE)).max() < 0.2 * np.abs(pulled).max()


@pytest.mark.parametrize("rate", [24.0, 30.0, 60.0])
def test_an_expression_is_not_explained_by_its_own_leak_into_the_head(rate: float) -> None:
    """A still face whose brows rise: 2% passes for a shift of the head, and the lids rise along.

    On a face large enough to measure both without noise they explained all of it.
    """
    raises = sum((course(at * rate, 0.44 * rate) for at in (2, 5, 8)), np.zeros(FRAMES))
    nuisances = 0.1 * still()
    nuisances[:, 6] += 0.06 * raises
    nuisances[:, -1] -= 0.7 * raises
    features = scene(3 * np.outer(raises, pattern()), noise=0.002)
    found = find_intervals(features, nuisances, rate)
    apexes = sorted(bump.apex / rate for bump in found)
    assert apexes == pytest.approx([2.22, 5.22, 8.22], abs=0.05)


def test_the_rest_between_two_intervals_is_not_one() -> None:
    """It is as high and as wide as a held expression, with the opposite sign."""
    raises = course(100, 12) + course(170, 12)
    found = find_intervals(scene(3 * np.outer(raises, pattern()), noise=0.002), still(), RATE)
    assert sorted(bump.apex for bump in found) == pytest.approx([106, 176], abs=1.5)


def test_prominence_and_strength_grow_with_the_motion() -> None:
    """Clients get both: the one in pixels, the other as a confidence."""
    weak, strong = (
        find_intervals(scene(size * np.outer(course(200, 12), pattern())), still(), RATE)[0]
        for size in (1.5, 3.0)
    )
    assert 1 <= weak.prominence < strong.prominence
    assert strong.strength_px == pytest.approx(2 * weak.strength_px, rel=0.15)


@pytest.mark.parametrize("frames", [3, 8, 20])
def test_short_stretches_are_not_an_error(frames: int) -> None:
    """A face may be visible for a moment between two cuts."""
    assert find_intervals(scene()[:frames], still()[:frames], RATE) == []
