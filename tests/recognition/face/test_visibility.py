"""What covers a face from the first image on, in any light; uncovered faces have no warning."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from off_tanet.configuration import ASSETS, SAMPLES
from off_tanet.limits import MediaLimits
from off_tanet.recognition.face.alignment import align, between, on_crop
from off_tanet.recognition.face.cropping import crop
from off_tanet.recognition.face.detector import FaceDetector
from off_tanet.recognition.face.signals import measure_signals
from off_tanet.recognition.face.visibility import VisibilityMonitor
from off_tanet.recognition.media.images import decode_image
from off_tanet.types import Pixels

from tests.support import factories, synthetic_heads, synthetic_video

LIGHTS = [(1.0, 0.0), (0.35, 0.0), (0.5, 110.0), (0.8, 50.0)]
"""Gain and offset: unchanged, dark, hazy, and pale."""


def warnings(picture: synthetic_heads.Floats, gain: float = 1.0, offset: float = 0.0) -> set[str]:
    """The warnings for a single image of the portrait."""
    pixels = synthetic_heads.shot(picture * np.float32(gain) + np.float32(offset))
    return update(VisibilityMonitor(), pixels)


def update(monitor: VisibilityMonitor, pixels: Pixels) -> set[str]:
    """The warnings for an image, cropped by its own landmarks."""
    found = _detector().detect(pixels)[0]
    where = align(found)
    cropped = crop(pixels, where)
    signals = measure_signals(pixels, found, cropped)
    return monitor.update(cropped, on_crop(found, where), signals, between(where, align(found)))


@cache
def _detector() -> FaceDetector:
    return FaceDetector(ASSETS)


@pytest.mark.parametrize(("gain", "offset"), LIGHTS)
@pytest.mark.parametrize(("shade", "pleats"), [(225, 5), (225, 0), (170, 4), (30, 0)])
def test_a_mask_is_reported_without_an_earlier_image(
    gain: float, offset: float, shade: float, pleats: float
) -> None:
    """If it is worn all the time, there is nothing to compare with."""
    assert warnings(synthetic_heads.masked(shade, pleats), gain, offset) == {"occluded"}


@pytest.mark.parametrize(("gain", "offset"), LIGHTS)
def test_closed_eyes_are_reported_without_an_earlier_image(gain: float, offset: float) -> None:
    assert warnings(synthetic_heads.closed_eyes(), gain, offset) == {"blink"}


@pytest.mark.parametrize(("gain", "offset"), LIGHTS)
def test_light_hides_nothing(gain: float, offset: float) -> None:
    """Haze takes contrast from mouth and eyes, but does not close them."""
    assert warnings(synthetic_heads.still(), gain, offset) == set()


def test_synthetic_faces_and_the_samples_are_undisturbed() -> None:
    """Other shapes, skin tones and lights, small and large; figures on people are in the module."""
    pictures = [factories.portrait(), *(_framed(seed) for seed in range(12))]
    pictures += [decode_image(path.read_bytes(), MediaLimits()) for path in SAMPLES.glob("*.jpg")]
    for pixels in pictures:
        assert not update(VisibilityMonitor(), pixels) & {"occluded", "blink"}


def _framed(seed: int) -> Pixels:
    (picture, *_) = synthetic_video.film(synthetic_video.Scene(0.1, 30, seed=seed))
    return picture


@pytest.mark.parametrize("first", ["face", "mask"])
def test_a_mask_is_reported_while_it_is_worn(first: str) -> None:
    """Put on or taken off midway: a long worn mask does not become the reference."""
    face = [synthetic_heads.still()] * (4 if first == "face" else 0)
    order = face + [synthetic_heads.masked()] * 60 + [synthetic_heads.still()] * 4
    monitor = VisibilityMonitor()
    seen = [update(monitor, synthetic_heads.shot(face, 1.0, n)) for n, face in enumerate(order)]
    expected = [False] * len(face) + [True] * 60 + [False] * 4
    assert ["occluded" in each for each in seen] == expected
