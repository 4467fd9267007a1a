"""Apex spotting on synthetic clips whose curve is known, and cuts between crops."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from off_tanet.recognition.spotting.clip import Spotting, spot
from off_tanet.recognition.spotting.cuts import is_cut
from off_tanet.types import CROP_SIZE, Crop, Flow

from tests.support import face_motion, factories

FRAMES = 24
NOD = np.array([[0.0, 0.3, 0.8], [-0.3, 0.4, 1.2]])
"""About 1.5 px of head motion: a shift with some rotation and shrinking."""


def clip(
    expression: Flow,
    apex: int,
    *,
    head: NDArray[np.float64] | None = None,
    noise: float = 1.0,
    blink_at: int | None = None,
    seed: int = 0,
) -> list[Crop]:
    """A face with an expression around `apex` while its head sways once."""
    time = np.arange(FRAMES)
    course = np.exp(-0.5 * ((time - apex) / 3) ** 2) - np.exp(-0.5 * (apex / 3) ** 2)
    sway = np.sin(2 * np.pi * time / FRAMES)
    crops = []
    for index in range(FRAMES):
        flow = expression * np.float32(course[index])
        if head is not None:
            flow = flow + face_motion.affine_flow(head * sway[index])
        if blink_at is not None and abs(index - blink_at) <= 1:
            flow = flow + face_motion.blink(2)
        crops.append(face_motion.face_crop(flow, noise, seed * FRAMES + index))
    return crops


def spotted(crops: list[Crop], onset: int | None = None) -> Spotting:
    """The result at 50 frames a second."""
    return spot(crops, [index / 50 for index in range(len(crops))], onset)


def other_picture(seed: int) -> Crop:
    return factories.grey(factories.picture(CROP_SIZE, CROP_SIZE, seed))


@pytest.mark.parametrize("px", [0.5, 1.0])
@pytest.mark.parametrize("make", [face_motion.smile, face_motion.raised_brows])
@pytest.mark.parametrize("head", [None, NOD], ids=["still head", "moving head"])
@pytest.mark.parametrize("apex", [9, 15])
def test_the_apex_is_found(
    px: float, make: face_motion.Expression, head: NDArray[np.float64] | None, apex: int
) -> None:
    """The main result of spotting, to within a frame of its true place."""
    spotting = spotted(clip(make(px), apex, head=head))
    assert not spotting.weak
    assert abs(spotting.best.apex - apex) <= 1


def test_a_weak_expression_on_a_still_head_is_found() -> None:
    """A micro-expression may be as small as 0.3 px at this size."""
    spotting = spotted(clip(face_motion.smile(0.3), 14))
    assert not spotting.weak
    assert abs(spotting.best.apex - 14) <= 1


def test_a_blink_is_not_the_apex() -> None:
    """A blink is larger and faster than any micro-expression."""
    spotting = spotted(clip(face_motion.smile(0.6), 15, blink_at=6))
    assert abs(spotting.best.apex - 15) <= 1


@pytest.mark.parametrize("noise", [0.0, 1.0, 2.0, 12.0])
def test_noise_alone_is_weak_and_gives_the_middle(noise: float) -> None:
    """A clip without an expression must not look like one with an expression."""
    spotting = spotted(clip(face_motion.smile(0), 10, noise=noise))
    assert spotting.weak
    assert spotting.best.apex == FRAMES // 2


@pytest.mark.parametrize(("fps", "count"), [(25, 10), (50, 100), (200, 60)])
@pytest.mark.parametrize("noise", [1.0, 4.0])
def test_noise_alone_is_weak_at_any_rate_and_length(noise: float, fps: int, count: int) -> None:
    """Of many directions one is strongest by chance, and of many frames one is highest."""
    crops = [face_motion.face_crop(noise=noise, seed=seed) for seed in range(count)]
    assert spot(crops, [index / fps for index in range(count)]).weak


def test_a_swaying_head_alone_is_weak() -> None:
    """Head motion is not an expression, although all skin moves with it."""
    assert spotted(clip(face_motion.smile(0), 10, head=NOD)).weak


def test_the_curve_begins_at_the_onset() -> None:
    """What was before the onset is not part of this expression, however strong."""
    crops = clip(face_motion.smile(1), 4)[:8] + clip(face_motion.raised_brows(1), 14)[8:]
    spotting = spotted(crops, onset=8)
    assert spotting.best.onset == 8
    assert spotting.strength_px.shape == (FRAMES,)
    assert spotting.strength_px.dtype == np.float32
    assert not spotting.strength_px[:9].any()
    assert spotting.strength_px[9:].all()
    assert abs(spotting.best.apex - 14) <= 1


def test_a_hidden_face_does_not_mislead_the_frames_after_it() -> None:
    """A hand over the face sends the tracked head anywhere; it must be found again."""
    crops = clip(face_motion.smile(1), 17, head=NOD)
    undisturbed = spotted(crops).strength_px
    crops[5:8] = [other_picture(seed) for seed in range(3)]
    assert spotted(crops).strength_px[8:] == pytest.approx(undisturbed[8:], abs=0.03)


@pytest.mark.parametrize("onset", [0, 5])
def test_two_frames_are_onset_and_apex(onset: int) -> None:
    """The shortest clip leaves no choice, whether anything moved or not."""
    crops = [face_motion.face_crop()] * (onset + 1) + [face_motion.face_crop(face_motion.smile(1))]
    assert spotted(crops, onset).best.apex == onset + 1
    assert not spotted(crops, onset).weak
    still = [face_motion.face_crop()] * (onset + 2)
    assert spotted(still, onset).best.apex == onset + 1
    assert spotted(still, onset).weak


@pytest.mark.parametrize("onset", [1, 2, -1])
def test_an_onset_without_a_frame_after_it_is_an_error(onset: int) -> None:
    with pytest.raises(ValueError, match="no frame follows"):
        spotted([face_motion.face_crop()] * 2, onset)


def test_progress_counts_every_frame_searched() -> None:
    """A client's progress bar must reach its end."""
    steps: list[tuple[str, int, int]] = []
    spot([face_motion.face_crop()] * 5, range(5), 1, progress=lambda *step: steps.append(step))
    assert steps == [("spotting", 1, 3), ("spotting", 2, 3), ("spotting", 3, 3)]


def test_a_strong_expression_is_read_where_it_begins() -> None:
    """Flow is less accurate where motion is larger; the apex remains the peak."""
    best = spotted(clip(face_motion.smile(5), 12)).best
    assert best.onset < best.read < best.apex
    weaker = spotted(clip(face_motion.smile(1), 12)).best
    assert weaker.read == weaker.apex


def test_a_given_apex_is_read_there() -> None:
    crops = clip(face_motion.smile(5), 12)
    best = spot(crops, [index / 50 for index in range(len(crops))], apex=12).best
    assert (best.apex, best.read) == (12, 12)


def test_a_second_expression_is_an_alternative() -> None:
    """The strongest is not always the one that was meant."""
    later = clip(face_motion.smile(0.7), 15)
    spotting = spotted(clip(face_motion.smile(1), 9)[:20] + later)
    assert abs(spotting.best.apex - 9) <= 1
    (other,) = spotting.others
    assert abs(other.apex - 35) <= 1
    assert spotting.best.apex < other.onset < other.apex


def test_a_blink_is_neither_onset_nor_apex() -> None:
    """Eyes that open again look like eyes that widen."""
    crops = clip(face_motion.raised_brows(1), 15, blink_at=8)
    eyes = np.ones(len(crops))
    eyes[7:10] = 0.4
    best = spot(crops, [index / 50 for index in range(len(crops))], eyes=eyes).best
    assert not {best.onset, best.read, best.apex} & {7, 8, 9}
    assert abs(best.apex - 15) <= 1


# --- cuts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_different_images_are_a_cut(seed: int) -> None:
    assert is_cut(face_motion.face_crop(), other_picture(seed))
    assert is_cut(other_picture(seed), other_picture(seed + 5))


@pytest.mark.parametrize("shift", [(5, 0), (0, -5), (-3, 4)])
@pytest.mark.parametrize(("gain", "offset"), [(1.0, 0), (0.5, 0), (0.8, 50), (1.3, -30)])
def test_a_face_in_motion_and_changing_light_is_not_a_cut(
    shift: tuple[int, int], gain: float, offset: int
) -> None:
    """A lamp that is switched on or a moving head is still one scene."""
    matrix = np.array([[0, 0, shift[0]], [0, 0, shift[1]]], float)
    moved = face_motion.face_crop(face_motion.affine_flow(matrix) + face_motion.smile(3), noise=3)
    lit = np.clip(moved * gain + offset, 0, 255).astype(np.uint8)
    assert not is_cut(face_motion.face_crop(), lit)
    assert not is_cut(lit, face_motion.face_crop())


def test_a_fade_to_black_is_a_cut_and_black_on_black_is_not() -> None:
    """A flat image has no correlation, which must not divide by zero."""
    black = np.zeros((CROP_SIZE, CROP_SIZE), np.uint8)
    assert is_cut(face_motion.face_crop(), black)
    assert not is_cut(black, black)
