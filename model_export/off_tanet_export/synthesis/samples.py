"""The service's samples: an onset and an apex for each class, a clip and a long video.

    python -m off_tanet_export.synthesis.samples --output service/off_tanet/assets/samples

A public-domain portrait (the NASA astronaut Eileen Collins, from scikit-image) is warped along the
displacement field of action units, which is the effect of a micro-expression on a face at rest, and
a camera's noise is added. The portrait already smiles; the motion is what is recognised.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import skimage.data
from off_tanet.configuration import ASSETS
from off_tanet.recognition.face.alignment import align
from off_tanet.recognition.face.detector import FaceDetector
from off_tanet.types import CROP_SIZE, Pixels, Similarity

from off_tanet_export.synthesis import sample_video
from off_tanet_export.synthesis.action_units import displacement
from off_tanet_export.synthesis.camera import Floats, sample, shoot, warp

EXPRESSIONS: Mapping[str, Mapping[str, float]] = {
    "negative": {"AU4": 1.0, "AU7": 0.5},
    "positive": {"AU6": 0.6, "AU12": 1.0},
    "surprise": {"AU1": 1.0, "AU2": 1.0},
}
"""The action units of each class's sample, and their relative strengths."""

STRENGTH_PX = 1.0  # the largest motion of a point, at 112 x 112
FACE = (slice(20, 220), slice(125, 325))  # rows and columns of the portrait
SIZE, CLIP_SIZE = 480, 288
SEED = 7

CLIP_CLASS = "surprise"
CLIP_FPS = 120.0
CLIP_FRAMES, CLIP_APEX = 30, 13


def portrait(size: int) -> Floats:
    """Return the portrait's face with some background, [size, size, 3], blue-green-red."""
    astronaut: Callable[[], Pixels] = skimage.data.astronaut
    face = astronaut()[FACE][..., ::-1].astype(np.float32)
    return np.asarray(cv2.resize(face, (size, size), interpolation=cv2.INTER_CUBIC), np.float32)


def locate_crop(picture: Floats) -> Similarity:
    """Return the transform [2, 3] from a picture to its canonical crop, found by the service."""
    return align(FaceDetector(ASSETS).detect(shoot(picture))[0])


def motion(units: Mapping[str, float], to_crop: Similarity, size: int) -> Floats:
    """Compute the motion of a picture whose face shows action units.

    The field on the crop (`displacement`) is looked up at each pixel of the picture, and
    transformed back. It is zero outside the crop, where little of it would remain.

    Args:
        units: Names of action units and their relative strengths.
        to_crop: The transform [2, 3] from the picture to its crop.
        size: The side of the picture, in pixels.

    Returns:
        Displacement [2, size, size] in pixels of the picture; the largest is `STRENGTH_PX` pixels
        of the crop.
    """
    field = displacement(units, CROP_SIZE)
    field *= STRENGTH_PX / float(np.hypot(*field).max())
    rows, columns = np.mgrid[:size, :size]
    x, y = (
        np.einsum("ij,jyx->iyx", to_crop[:, :2], np.stack([columns, rows]))
        + to_crop[:, 2, None, None]
    ).astype(np.float32)
    on_crop = np.stack([sample(part, x, y) for part in field])
    back = np.linalg.inv(to_crop[:, :2])
    return np.asarray(np.einsum("ij,jyx->iyx", back, on_crop), np.float32)


def pairs() -> dict[str, tuple[Pixels, Pixels]]:
    """Render onset and apex of each class, [480, 480, 3] each."""
    rng = np.random.default_rng(SEED)
    onset = portrait(SIZE)
    to_crop = locate_crop(onset)
    return {
        label: (shoot(onset, rng), shoot(warp(onset, motion(units, to_crop, SIZE)), rng))
        for label, units in EXPRESSIONS.items()
    }


def clip() -> list[Pixels]:
    """Render the frames [288, 288, 3] of a quarter of a second with one expression.

    The head drifts by about a pixel, and the light flickers by some tenths of a percent.
    """
    rng = np.random.default_rng(SEED)
    still = portrait(CLIP_SIZE)
    expression = motion(EXPRESSIONS[CLIP_CLASS], locate_crop(still), CLIP_SIZE)
    frames = []
    for index in range(CLIP_FRAMES):
        drift = np.array([0.9, -0.5]) * np.sin(np.pi * index / CLIP_FRAMES)
        field = strength(index) * expression + drift.astype(np.float32)[:, None, None]
        frames.append(shoot(warp(still, field), rng, gain=1 + 0.003 * float(rng.normal())))
    return frames


def video() -> Iterator[Pixels]:
    """Render the frames [288, 288, 3] of the long video one by one."""
    still = portrait(sample_video.SIZE)
    to_crop = locate_crop(still)
    motions = {
        label: motion(units, to_crop, sample_video.SIZE) for label, units in EXPRESSIONS.items()
    }
    return sample_video.frames(still, to_crop, motions)


def strength(index: int) -> float:
    """Return the expression's strength in a frame of the clip: 0 at both ends, 1 at the apex."""
    span = CLIP_APEX if index <= CLIP_APEX else CLIP_FRAMES - 1 - CLIP_APEX
    return float(np.cos(np.pi / 2 * (index - CLIP_APEX) / span) ** 2)


def write(folder: Path) -> None:
    """Write `<class>_onset.jpg`, `<class>_apex.jpg`, `clip.mp4` and `video.mp4` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for label, pair in pairs().items():
        for name, pixels in zip(("onset", "apex"), pair, strict=True):
            path = folder / f"{label}_{name}.jpg"
            cv2.imwrite(str(path), pixels, [cv2.IMWRITE_JPEG_QUALITY, 88])
    # VP9: OpenCV's wheel can write it, and browsers can play it.
    codec = cv2.VideoWriter.fourcc(*"vp09")
    path = folder / "clip.mp4"
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, codec, CLIP_FPS, (CLIP_SIZE, CLIP_SIZE))
    for frame in clip():
        writer.write(frame)
    writer.release()
    (folder / "video.mp4").write_bytes(sample_video.encode(video()))


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the samples; return the exit code 0."""
    parser = argparse.ArgumentParser(
        prog="python -m off_tanet_export.synthesis.samples", description=__doc__
    )
    parser.add_argument("--output", type=Path, required=True, help="a folder")
    write(parser.parse_args(arguments).output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
