"""Selection of one of several faces, and detection of two landmarks sets that are one face."""

from __future__ import annotations

from collections.abc import Sequence

from off_tanet.face_choice import Box, FaceChoice
from off_tanet.recognition.face.mesh import FaceLandmarks

_SAME_OVERLAP = 0.3  # faces side by side overlap by less, even cheek to cheek


def choose(faces: Sequence[FaceLandmarks], choice: FaceChoice) -> FaceLandmarks | None:
    """Return the chosen face.

    Args:
        faces: The faces of a picture, the largest first.
        choice: The choice.

    Returns:
        The face; None if there is none of this index, or none that overlaps the box.
    """
    if isinstance(choice, tuple):
        box = _edges(choice)
        best = max(faces, key=lambda face: overlap(face.box, box), default=None)
        return best if best is not None and overlap(best.box, box) > 0 else None
    index = choice if isinstance(choice, int) else 0
    return faces[index] if 0 <= index < len(faces) else None


def missing(count: int, choice: FaceChoice) -> str:
    """Return the detail of the error that none of `count` faces is the chosen one."""
    shown = f"The first frame with a face shows {count} face{'s' if count > 1 else ''}"
    if isinstance(choice, tuple):
        return f"{shown}; none overlaps the box of the option face."
    return f"{shown}; there is no face {choice} (the largest is face 0)."


def same_face(first: FaceLandmarks, second: FaceLandmarks) -> bool:
    """Return whether two sets of landmarks on one picture are those of one face."""
    return overlap(first.box, second.box) > _SAME_OVERLAP


def overlap(first: Box, second: Box) -> float:
    """Return the intersection over union of two boxes: left, top, right and bottom edges."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    shared = max(width, 0.0) * max(height, 0.0)
    return shared / max(_area(first) + _area(second) - shared, 1e-6)


def _edges(box: Box) -> Box:
    x, y, width, height = box
    return x, y, x + width, y + height


def _area(edges: Box) -> float:
    return (edges[2] - edges[0]) * (edges[3] - edges[1])
