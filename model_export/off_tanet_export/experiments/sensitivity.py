"""Accuracy of the whole pipeline, from frames to labels, against the strength of the motion.

Action units of a known size move faces that were not used in training. The frames get noise and
JPEG compression, and pass through the service's detector, crop and flow, and the graph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from off_tanet.configuration import ASSETS
from off_tanet.errors import MediaError, UnsupportedMediaError
from off_tanet.limits import MediaLimits
from off_tanet.recognition.face.alignment import align
from off_tanet.recognition.face.detector import FaceDetector
from off_tanet.recognition.media.images import decode_image
from off_tanet.recognition.media.video import open_clip
from off_tanet.recognition.pair import pair_flow
from off_tanet.types import CLASSES, Pixels, Similarity
from tqdm import tqdm

from off_tanet_export.checkpoint import Checkpoint
from off_tanet_export.errors import CheckpointError, MapsError
from off_tanet_export.synthesis.action_units import MIXES
from off_tanet_export.synthesis.camera import Floats, compress, shoot, warp
from off_tanet_export.synthesis.samples import motion

AMPLITUDES_PX = (0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0)
"""The largest motion of a point, in pixels at 112 x 112."""

FACE_MARGIN = 1.7  # side of the picture, relative to the face
PICTURE_SIZE = 320
JPEG_QUALITY = 90


Curve = Mapping[float, float]
"""Amplitude, in pixels at 112 x 112 -> the share of correctly classified motions."""


def sensitivity_curve(
    checkpoint: Checkpoint, faces: Sequence[Floats], repeats: int, seed: int = 0
) -> Curve:
    """Measure the share of correct labels against the amplitude of the motion.

    Args:
        checkpoint: The weights to measure.
        faces: Pictures [S, S, 3], one face each.
        repeats: Expressions of each class for each face. Their action units are drawn with the
            frequencies of training, and each expression is rendered in every amplitude.
        seed: Seed of expressions and noise.

    Raises:
        CheckpointError: The weights have other classes than synthetic motion.
        MapsError: No face is detected on a picture.
    """
    if checkpoint.card.classes != CLASSES:
        raise CheckpointError(f"synthetic expressions are {', '.join(CLASSES)}: others are unknown")
    rng = np.random.default_rng(seed)
    classifier = checkpoint.classifier()
    detector = FaceDetector(ASSETS)
    labels = np.tile(np.arange(len(MIXES)), repeats).tolist()
    correct = []
    with tqdm(total=len(faces) * len(labels), desc="sensitivity", unit="expression") as progress:
        for face in faces:
            to_crop = locate_crop(detector, shoot(face))
            for label in labels:
                units = dict.fromkeys(draw_units(label, rng), 1.0)
                field = motion(units, to_crop, len(face))
                flows = torch.from_numpy(measure_flows(face, field, detector, rng))
                with torch.inference_mode():
                    correct.append(classifier(flows)[0].argmax(1).numpy() == label)
                progress.update()
    return dict(zip(AMPLITUDES_PX, np.mean(correct, axis=0).tolist(), strict=True))


def draw_units(label: int, rng: np.random.Generator) -> tuple[str, ...]:
    """Draw the action units of one expression of the class `label`."""
    weights = np.array([weight for _, weight in MIXES[label]])
    return MIXES[label][int(rng.choice(len(weights), p=weights / weights.sum()))][0]


def measure_flows(
    face: Floats, field: Floats, detector: FaceDetector, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Measure the flow from a face to the face moved by each amplitude, as the service does.

    Args:
        face: The picture [S, S, 3].
        field: Its motion [2, S, S] in pixels; the largest is one pixel of the crop.
        detector: Finds the face.
        rng: Draws the noise of each shot.

    Returns:
        Flow [A, 2, 112, 112] for the A amplitudes of `AMPLITUDES_PX`.
    """
    onset = _photograph(face, rng)
    apexes = [_photograph(warp(face, px * field), rng) for px in AMPLITUDES_PX]
    return np.stack([pair_flow(onset, apex, detector).flow for apex in apexes])


def _photograph(picture: Floats, rng: np.random.Generator) -> Pixels:
    return compress(shoot(picture, rng), JPEG_QUALITY)


def locate_crop(detector: FaceDetector, picture: Pixels) -> Similarity:
    """Return the transform [2, 3] from a picture to its canonical crop.

    Raises:
        MapsError: No face is detected.
    """
    faces = detector.detect(picture)
    if not faces:
        raise MapsError("no face was found")
    return align(faces[0])


def read_face(path: Path) -> Floats:
    """Read a picture, or a clip's first frame, and crop the face with a margin: [320, 320, 3].

    Raises:
        MapsError: The file is missing, cannot be decoded or shows no face.
    """
    try:
        pixels = _first_frame(path.read_bytes())
    except FileNotFoundError as error:
        raise MapsError(f"{path} does not exist") from error
    except MediaError as error:
        raise MapsError(f"{path}: {error.detail}") from error
    faces = FaceDetector(ASSETS).detect(pixels)
    if not faces:
        raise MapsError(f"{path} shows no face")
    x, y, width, height = faces[0].face(pixels.shape[1], pixels.shape[0]).box
    side = int(min(FACE_MARGIN * max(width, height), *pixels.shape[:2]))
    left = int(np.clip(x + width / 2 - side / 2, 0, pixels.shape[1] - side))
    top = int(np.clip(y + height / 2 - side / 2, 0, pixels.shape[0] - side))
    square = pixels[top : top + side, left : left + side]
    face = cv2.resize(square, (PICTURE_SIZE, PICTURE_SIZE), interpolation=cv2.INTER_AREA)
    return np.asarray(face, np.float32)


def _first_frame(data: bytes) -> Pixels:
    try:
        return decode_image(data, MediaLimits())
    except UnsupportedMediaError:
        return next(iter(open_clip(data, MediaLimits()))).pixels
