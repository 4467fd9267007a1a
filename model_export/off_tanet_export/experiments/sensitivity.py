"""From frames to labels: how strong must a motion be for the whole way to name it rightly?

Faces that no training has seen are moved by action units of a known size, photographed with noise,
compressed, and then seen as the service sees a request: detector, crop, flow, graph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from off_tanet.errors import MediaError, UnsupportedMediaError
from off_tanet.limits import MediaLimits
from off_tanet.recognition.face.detector import FaceDetector, align, crop
from off_tanet.recognition.flow.light import matched
from off_tanet.recognition.media.images import decode_image
from off_tanet.recognition.media.video import open_clip
from off_tanet.types import Pixels, Similarity
from tqdm import tqdm

from off_tanet_export.errors import MapsError
from off_tanet_export.graph import FlowClassifier
from off_tanet_export.network.checkpoint import Checkpoint
from off_tanet_export.synthesis.action_units import MIXES
from off_tanet_export.synthesis.samples import ASSETS, Floats, motion, moved, shot

AMPLITUDES_PX = (0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0)
"""How far the point that moves most goes, in pixels at 112 x 112."""

ROOM = 1.7  # the picture's side, in faces
PICTURE_SIZE = 320
JPEG_QUALITY = 90


Curve = Mapping[float, float]
"""Amplitude, in pixels at 112 x 112 -> the share of motions that are named rightly."""


def curve(checkpoint: Checkpoint, faces: Sequence[Floats], repeats: int, seed: int = 0) -> Curve:
    """How the share of right labels grows with the motion, over all faces and classes.

    Each face [S, S, 3] makes `repeats` expressions of each class, of units drawn as often as in
    training, and each of them in every amplitude. Raises `MapsError` where no face is found.
    """
    rng = np.random.default_rng(seed)
    classifier = FlowClassifier(checkpoint.network, checkpoint.recipe).eval()
    detector = FaceDetector(ASSETS)
    labels = np.tile(np.arange(len(MIXES)), repeats).tolist()
    right = []
    with tqdm(total=len(faces) * len(labels), desc="amplitudes", unit="expression") as progress:
        for face in faces:
            where = placed(detector, shot(face))
            for label in labels:
                forth = motion(dict.fromkeys(drawn(label, rng), 1.0), where, len(face))
                flows = torch.from_numpy(seen(face, forth, detector, rng))
                with torch.inference_mode():
                    right.append(classifier(flows)[0].argmax(1).numpy() == label)
                progress.update()
    return dict(zip(AMPLITUDES_PX, np.mean(right, axis=0).tolist(), strict=True))


def drawn(label: int, rng: np.random.Generator) -> tuple[str, ...]:
    """The action units of one expression of the class."""
    weights = np.array([weight for _, weight in MIXES[label]])
    return MIXES[label][int(rng.choice(len(weights), p=weights / weights.sum()))][0]


def seen(
    face: Floats, forth: Floats, detector: FaceDetector, rng: np.random.Generator
) -> NDArray[np.float32]:
    """The flow that the service measures from the face to each amplitude of `forth`, [A, 2, ...].

    `forth` moves its furthest point by a pixel of the crop.
    """
    onset = photographed(face, rng)
    where = placed(detector, onset)
    before = crop(onset, where)
    apexes = [photographed(moved(face, px * forth), rng) for px in AMPLITUDES_PX]
    return np.stack([matched(before, crop(apex, where)).flow() for apex in apexes])


def photographed(picture: Floats, rng: np.random.Generator) -> Pixels:
    """The picture with a camera's noise, as a JPEG gives it back."""
    _, data = cv2.imencode(".jpg", shot(picture, rng), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return decode_image(data.tobytes(), MediaLimits())


def placed(detector: FaceDetector, picture: Pixels) -> Similarity:
    """Where the crop lies on a picture. Raises `MapsError` where no face is found."""
    found = detector.detect(picture)
    if not found:
        raise MapsError("no face was found")
    return align(found[0])


def read_face(path: Path) -> Floats:
    """The face of a picture, or of a clip's first frame, with some room: [320, 320, 3].

    Raises `MapsError`.
    """
    try:
        pixels = first_frame(path.read_bytes())
    except FileNotFoundError as error:
        raise MapsError(f"{path} is not there") from error
    except MediaError as error:
        raise MapsError(f"{path}: {error.detail}") from error
    found = FaceDetector(ASSETS).detect(pixels)
    if not found:
        raise MapsError(f"{path} shows no face")
    x, y, width, height = found[0].box
    side = int(min(ROOM * max(width, height), *pixels.shape[:2]))
    left = int(np.clip(x + width / 2 - side / 2, 0, pixels.shape[1] - side))
    top = int(np.clip(y + height / 2 - side / 2, 0, pixels.shape[0] - side))
    square = pixels[top : top + side, left : left + side]
    face = cv2.resize(square, (PICTURE_SIZE, PICTURE_SIZE), interpolation=cv2.INTER_AREA)
    return np.asarray(face, np.float32)


def first_frame(data: bytes) -> Pixels:
    """Raises `MediaError`."""
    try:
        return decode_image(data, MediaLimits())
    except UnsupportedMediaError:
        return next(iter(open_clip(data, MediaLimits()))).pixels
