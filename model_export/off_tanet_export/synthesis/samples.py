"""The service's samples: an onset and an apex for each class, and a clip.

    python -m off_tanet_export.synthesis.samples --output service/off_tanet/assets/samples

One public-domain portrait (the NASA astronaut Eileen Collins, from scikit-image) is moved along the
displacement field of action units, which is what a micro-expression does to a face at rest, and
gets the noise of a camera. The portrait smiles already; what is recognised is the motion.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray
from off_tanet.recognition.face.detector import FaceDetector, align
from off_tanet.types import CROP_SIZE, Pixels, Similarity

from off_tanet_export.synthesis.action_units import displacement

Floats = NDArray[np.float32]
"""A picture [H, W, 3] in grey levels, or a displacement [2, H, W] in its pixels."""

ASSETS = Path(__file__).parents[3] / "service/off_tanet/assets"

EXPRESSIONS: Mapping[str, Mapping[str, float]] = {
    "negative": {"AU4": 1.0, "AU7": 0.5},
    "positive": {"AU6": 0.6, "AU12": 1.0},
    "surprise": {"AU1": 1.0, "AU2": 1.0},
}
"""The action units of each class's sample, and their strengths against one another."""

STRENGTH_PX = 1.0  # of the point that moves most, at 112 x 112
FACE = (slice(20, 220), slice(125, 325))  # of the portrait: rows, columns
SIZE, CLIP_SIZE = 480, 288
NOISE = 1.2  # grey levels, standard deviation
SEED = 7

CLIP_CLASS = "surprise"
CLIP_FPS = 120.0
CLIP_FRAMES, CLIP_APEX = 30, 13


def portrait(size: int) -> Floats:
    """The portrait's face with some room around it, [size, size, 3], blue-green-red."""
    astronaut: Callable[[], Pixels] = skimage.data.astronaut
    face = astronaut()[FACE][..., ::-1].astype(np.float32)
    return _floats(cv2.resize(face, (size, size), interpolation=cv2.INTER_CUBIC))


def placement(picture: Floats) -> Similarity:
    """Where the canonical crop lies on the picture, as the service finds it."""
    return align(FaceDetector(ASSETS).detect(shot(picture))[0])


def motion(units: Mapping[str, float], where: Similarity, size: int) -> Floats:
    """How each point of the picture moves, [2, size, size] in its pixels.

    `displacement` gives the field on the crop; here it is looked up for each of the picture's
    pixels and turned and scaled back. It ends with the crop, where little is left of it.
    """
    field = displacement(units, CROP_SIZE)
    field *= STRENGTH_PX / float(np.hypot(*field).max())
    rows, columns = np.mgrid[:size, :size]
    x, y = (
        np.einsum("ij,jyx->iyx", where[:, :2], np.stack([columns, rows])) + where[:, 2, None, None]
    )
    on_crop = np.stack([_sampled(part, _floats(x), _floats(y)) for part in field])
    return _floats(np.einsum("ij,jyx->iyx", np.linalg.inv(where[:, :2]), on_crop))


def moved(picture: Floats, forth: Floats) -> Floats:
    """The picture in which what was at p is at p + forth(p).

    Each pixel p of the result shows the point q with q + forth(q) = p, which fixed-point steps
    find, because `forth` changes by much less than a pixel from one pixel to the next.
    """
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]].astype(np.float32)
    x, y = columns, rows
    for _ in range(10):
        u, v = (_sampled(part, x, y) for part in forth)
        x, y = columns - u, rows - v
    return _sampled(picture, x, y, cv2.INTER_CUBIC)


def shot(picture: Floats, rng: np.random.Generator | None = None, gain: float = 1.0) -> Pixels:
    """The picture as a camera gives it: with noise, where `rng` is given, and in whole levels."""
    noise = 0.0 if rng is None else rng.normal(0, NOISE, picture.shape)
    levels: Pixels = np.clip(np.rint(gain * picture + noise), 0, 255).astype(np.uint8)
    return levels


def pairs() -> dict[str, tuple[Pixels, Pixels]]:
    """Onset and apex of each class, [480, 480, 3] each."""
    rng = np.random.default_rng(SEED)
    onset = portrait(SIZE)
    where = placement(onset)
    return {
        label: (shot(onset, rng), shot(moved(onset, motion(units, where, SIZE)), rng))
        for label, units in EXPRESSIONS.items()
    }


def clip() -> list[Pixels]:
    """A quarter of a second, [288, 288, 3] each: one expression comes and goes.

    The head drifts by about a pixel and the light flickers by some tenths of a percent.
    """
    rng = np.random.default_rng(SEED)
    still = portrait(CLIP_SIZE)
    expression = motion(EXPRESSIONS[CLIP_CLASS], placement(still), CLIP_SIZE)
    frames = []
    for index in range(CLIP_FRAMES):
        drift = np.array([0.9, -0.5]) * np.sin(np.pi * index / CLIP_FRAMES)
        forth = strength(index) * expression + drift.astype(np.float32)[:, None, None]
        frames.append(shot(moved(still, forth), rng, gain=1 + 0.003 * float(rng.normal())))
    return frames


def strength(index: int) -> float:
    """How much of the expression a frame of the clip shows: 0 at first and last, 1 at the apex."""
    rest = CLIP_APEX if index <= CLIP_APEX else CLIP_FRAMES - 1 - CLIP_APEX
    return float(np.cos(np.pi / 2 * (index - CLIP_APEX) / rest) ** 2)


def write(folder: Path) -> None:
    """`<class>_onset.jpg`, `<class>_apex.jpg` and `clip.mp4` in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for label, pair in pairs().items():
        for name, pixels in zip(("onset", "apex"), pair, strict=True):
            path = folder / f"{label}_{name}.jpg"
            cv2.imwrite(str(path), pixels, [cv2.IMWRITE_JPEG_QUALITY, 88])
    # VP9, because OpenCV's wheel can write it and browsers can show it.
    codec = cv2.VideoWriter.fourcc(*"vp09")
    path = folder / "clip.mp4"
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, codec, CLIP_FPS, (CLIP_SIZE, CLIP_SIZE))
    for frame in clip():
        writer.write(frame)
    writer.release()


def _sampled(values: Floats, x: Floats, y: Floats, how: int = cv2.INTER_LINEAR) -> Floats:
    """A displacement ends at its edge, a picture goes on: the one fades there, the other not."""
    border = cv2.BORDER_REPLICATE if values.ndim == 3 else cv2.BORDER_CONSTANT
    return _floats(cv2.remap(values, x, y, how, borderMode=border))


def _floats(array: NDArray[np.generic]) -> Floats:
    return np.asarray(array, np.float32)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m off_tanet_export.synthesis.samples", description=__doc__
    )
    parser.add_argument("--output", type=Path, required=True, help="a folder")
    write(parser.parse_args(arguments).output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
