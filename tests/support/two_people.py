"""Two people side by side, in pictures and clips, each with an expression of their own."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from off_tanet.types import Pixels

from tests.support import factories, synthetic_video
from tests.support.synthetic_video import Event, Scene

SIZE = 720, 400  # of a frame, width and height
SIDES = 240, 340  # of the pictures of the left and the right person
_PLACES = (20, 40), (370, 30)  # left and top of each
_SEEDS = 5, 6  # who they are

SMILE = Event(0.1, 0.27, 0.52, label=1, px=2.0, seed=4)
BROWS = Event(0.1, 0.3, 0.55, label=2, px=2.0, seed=8)


def together(left: Pixels, right: Pixels, sides: Sequence[int] = SIDES) -> Pixels:
    """Both on one frame."""
    canvas = factories.picture(SIZE[1], SIZE[0], seed=3) // 2
    for person, side, (x, y) in zip((left, right), sides, _PLACES, strict=True):
        drawn = cv2.resize(person, (side, side), interpolation=cv2.INTER_CUBIC)
        canvas[y : y + side, x : x + side] = drawn
    return canvas


def faces() -> tuple[Pixels, Pixels]:
    """Both without an expression."""
    left, right = (synthetic_video.face(seed).astype(np.uint8) for seed in _SEEDS)
    return np.dstack([left] * 3), np.dstack([right] * 3)


def clip(
    left: Event = SMILE, right: Event = BROWS, seconds: float = 0.7, fps: int = 50
) -> list[Pixels]:
    """The frames of both; by default the left one smiles and the right one raises the brows."""
    scenes = [
        Scene(seconds, fps, (event,), seed=seed)
        for event, seed in zip((left, right), _SEEDS, strict=True)
    ]
    both = zip(*map(synthetic_video.film, scenes), strict=True)
    return [together(*people) for people in both]
