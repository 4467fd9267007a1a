"""What hides a face from the first picture on, in any light; that open faces are left alone."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from off_tanet.configuration import ASSETS, SAMPLES
from off_tanet.limits import MediaLimits
from off_tanet.recognition.face.detector import FaceDetector, align, crop, transformed
from off_tanet.recognition.face.visibility import Marks, VisibilityMonitor
from off_tanet.recognition.media.images import decode_image
from off_tanet.types import Pixels

from tests.support import factories, synthetic_heads, synthetic_video

LIGHTS = [(1.0, 0.0), (0.35, 0.0), (0.5, 110.0), (0.8, 50.0)]
"""Gain and offset: as it is, dark, in a veil of light, and pale."""


def told(picture: synthetic_heads.Floats, gain: float = 1.0, offset: float = 0.0) -> set[str]:
    """The words for a single picture of the portrait, whose landmarks are known."""
    pixels = synthetic_heads.shot(picture * np.float32(gain) + np.float32(offset))
    return VisibilityMonitor().update(
        crop(pixels, synthetic_heads.placement()), _marks(), refreshed=True
    )


@cache
def _marks() -> Marks:
    (found,) = FaceDetector(ASSETS).detect(synthetic_heads.shot(synthetic_heads.still()))
    return transformed(found, synthetic_heads.placement())


@pytest.mark.parametrize(("gain", "offset"), LIGHTS)
@pytest.mark.parametrize(("shade", "pleats"), [(225, 5), (225, 0), (170, 4), (30, 0)])
def test_a_mask_is_told_without_a_look_at_the_face_before(
    gain: float, offset: float, shade: float, pleats: float
) -> None:
    """Who wears one all the time shows nothing else to compare with."""
    assert told(synthetic_heads.masked(shade, pleats), gain, offset) == {"occluded"}


@pytest.mark.parametrize(("gain", "offset"), LIGHTS)
def test_closed_eyes_are_told_without_a_look_at_open_ones(gain: float, offset: float) -> None:
    assert told(synthetic_heads.closed_eyes(), gain, offset) == {"blink"}


@pytest.mark.parametrize(("gain", "offset"), LIGHTS)
def test_light_hides_nothing(gain: float, offset: float) -> None:
    """A veil takes contrast from mouth and eyes, and they are as open as before."""
    assert told(synthetic_heads.still(), gain, offset) == set()


def test_made_faces_and_the_samples_are_undisturbed() -> None:
    """Other shapes, skins and lights, small and large; figures on people are in the module."""
    detector = FaceDetector(ASSETS)
    pictures = [factories.portrait(), *(_framed(seed) for seed in range(12))]
    pictures += [decode_image(path.read_bytes(), MediaLimits()) for path in SAMPLES.glob("*.jpg")]
    for pixels in pictures:
        found = detector.detect(pixels)[0]
        where = align(found)
        marks = transformed(found, where)
        seen = VisibilityMonitor().update(crop(pixels, where), marks, refreshed=True)
        assert not seen & {"occluded", "blink"}


def _framed(seed: int) -> Pixels:
    (picture, *_) = synthetic_video.film(synthetic_video.Scene(0.1, 30, seed=seed))
    return picture


@pytest.mark.parametrize("first", ["face", "mask"])
def test_a_mask_is_told_while_it_is_worn(first: str) -> None:
    """Put on or taken off midway: a mask worn for long is not what the face looks like."""
    face = [synthetic_heads.still()] * (4 if first == "face" else 0)
    order = face + [synthetic_heads.masked()] * 60 + [synthetic_heads.still()] * 4
    seen = VisibilityMonitor()
    words = [
        seen.update(
            crop(synthetic_heads.shot(picture, 1.0, seed), synthetic_heads.placement()),
            _marks(),
            refreshed=True,
        )
        for seed, picture in enumerate(order)
    ]
    expected = [False] * len(face) + [True] * 60 + [False] * 4
    assert ["occluded" in each for each in words] == expected
