"""The service's sample of a long video: three expressions and two blinks in six seconds.

The portrait of `samples`, which writes the file, moves along the fields of its expressions, one
after the other, and its lids come down as skin that is drawn over the eyes.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import av
import cv2
import numpy as np
from off_tanet.types import CROP_SIZE, Pixels, Similarity

from off_tanet_export.synthesis.camera import Floats, sample, shoot, warp

FPS, SECONDS, SIZE = 50, 6.2, 288
_SEED = 7
BLINKS_S = (2.0, 5.8)
_SHUT_S, _OPENED_S = 0.10, 0.21  # from the moment of a blink at which the lids are down
_EYES = ((0.27, 0.28), (0.73, 0.28))  # in fractions of the crop
_LID_WIDTH, _LID_HEIGHT, _BROW = 0.12, 0.030, 0.10  # half an eye; from its centre to under the brow
_CODEC = {"crf": "34", "b": "0", "deadline": "good", "cpu-used": "1", "row-mt": "0", "g": "600"}


@dataclass(frozen=True, slots=True)
class Event:
    """One expression of `px` pixels at 112 x 112, with its label and times."""

    label: str
    onset_s: float
    apex_s: float
    offset_s: float
    px: float

    def amount(self, time_s: float) -> float:
        """Return the share of the motion at a time: 0 at onset and offset, 1 at the apex."""
        up = (time_s - self.onset_s) / (self.apex_s - self.onset_s)
        down = (self.offset_s - time_s) / (self.offset_s - self.apex_s)
        return float(np.sin(np.pi / 2 * np.clip(min(up, down), 0, 1)) ** 2)


EVENTS = (
    Event("surprise", 0.8, 1.0, 1.25, 1.8),
    Event("negative", 2.9, 3.1, 3.35, 1.8),
    Event("positive", 4.2, 4.6, 5.3, 2.0),
)


def frames(still: Floats, to_crop: Similarity, motions: Mapping[str, Floats]) -> Iterator[Pixels]:
    """Render the frames [288, 288, 3] one by one.

    Args:
        still: The portrait, [288, 288, 3].
        to_crop: The transform [2, 3] from the portrait to its crop.
        motions: The motion [2, 288, 288] of each label, whose largest is a pixel of the crop.
    """
    rng = np.random.default_rng(_SEED)
    for index in range(round(FPS * SECONDS)):
        time_s = index / FPS
        field = _drift(time_s)
        for event in EVENTS:
            field = field + np.float32(event.px * event.amount(time_s)) * motions[event.label]
        picture = warp(_blink(still, to_crop, _closing(time_s)), field)
        yield shoot(picture, gain=1 + 0.002 * float(rng.normal()))


def encode(pictures: Iterable[Pixels]) -> bytes:
    """Encode frames as VP9 in an MP4, which browsers play."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libvpx-vp9", rate=FPS, options=_CODEC)
        stream.width, stream.height, stream.pix_fmt = SIZE, SIZE, "yuv420p"
        for pixels in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="bgr24")))
        container.mux(stream.encode())
    return file.getvalue()


def _drift(time_s: float) -> Floats:
    """The motion of the head, by about a pixel."""
    way = np.array([0.9 * np.sin(0.7 * time_s), 0.5 * np.sin(1.1 * time_s + 1)], np.float32)
    return np.tile(way[:, None, None], (1, SIZE, SIZE))


def _closing(time_s: float) -> float:
    """How far the lids are down, 0 to 1."""
    since_s = min((time_s - blink for blink in BLINKS_S), key=abs)
    part = 1 + since_s / _SHUT_S if since_s < 0 else 1 - since_s / _OPENED_S
    return float(0.5 - 0.5 * np.cos(np.pi * np.clip(part, 0, 1)))


def _blink(still: Floats, to_crop: Similarity, closed: float) -> Floats:
    """Stretch the skin above the eyes over them."""
    if closed == 0:
        return still
    rows, columns = np.mgrid[:SIZE, :SIZE]
    places = np.stack([columns, rows, np.ones_like(rows)]).astype(np.float64)
    across, down = np.tensordot(to_crop, places, 1) / CROP_SIZE
    for eye_x, eye_y in _EYES:
        arch = 1 - ((across - eye_x) / _LID_WIDTH) ** 2
        open_y = eye_y - _LID_HEIGHT * arch
        shut_y = open_y + 2 * closed * _LID_HEIGHT * arch
        top = eye_y - _BROW
        stretched = top + (down - top) * (open_y - top) / (shut_y - top)
        down = np.where((arch > 0) & (down > top) & (down < shut_y), stretched, down)
    back = np.linalg.inv(np.vstack([to_crop, [0, 0, 1]]))
    x, y, _ = np.tensordot(
        back, np.stack([across * CROP_SIZE, down * CROP_SIZE, np.ones_like(down)]), 1
    )
    return sample(still, x.astype(np.float32), y.astype(np.float32), cv2.INTER_CUBIC)
