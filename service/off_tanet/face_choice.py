"""The options `face` and `faces`: which of the faces of a picture or video to analyse."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from off_tanet.errors import InvalidRequestError

Box = tuple[float, float, float, float]
"""x, y, width and height in pixels."""

FaceChoice = Literal["auto", "largest", "none"] | int | Box
"""The face to analyse.

`auto` and `largest` are the largest face. A number is an index in the order of size, where 0 is the
largest, on the first frame that shows a face; a box is the face that overlaps it most there. With
`none`, no face is detected: the frames are tight face crops.
"""

FaceCount = Literal["one", "all"]
"""Whether to analyse one face, or each of them up to a limit."""

_WORDS: Mapping[str, FaceChoice] = {"auto": "auto", "largest": "largest", "none": "none"}
_NUMBER = r"[0-9]{1,6}(\.[0-9]{1,6})?"
PATTERN = rf"auto|largest|none|[0-9]{{1,4}}|-?{_NUMBER}, ?-?{_NUMBER}(, ?{_NUMBER}){{2}}"
"""A regular expression of the texts that `parse_face` accepts."""

EXPECTED = "an index from 0, a box x,y,width,height in pixels, 'largest', 'auto' or 'none'"
"""The values of a FaceChoice, for error messages."""

CONTRADICTION = "faces=all analyses every face, so face must be auto or largest"


def parse_face(text: str) -> FaceChoice:
    """Parse a FaceChoice, such as `largest`, `1` or `10,20,200,200`.

    Args:
        text: The text of an option.

    Returns:
        The choice.

    Raises:
        ValueError: The text is not a choice.
    """
    if text in _WORDS:
        return _WORDS[text]
    if not re.fullmatch(PATTERN, text):
        raise ValueError(f"must be {EXPECTED}")
    if "," not in text:
        return int(text)
    x, y, width, height = map(float, text.split(","))
    return x, y, width, height


def format_face(face: FaceChoice) -> str:
    """Return the text that `parse_face` parses."""
    if isinstance(face, tuple):
        return ",".join(f"{number:.3f}" for number in face)
    return str(face)


def is_contradiction(face: FaceChoice, faces: FaceCount) -> bool:
    """Return whether one face is chosen although all are requested."""
    return faces == "all" and face not in ("auto", "largest")


def check_faces(face: FaceChoice, faces: FaceCount) -> None:
    """Refuse options that contradict each other.

    Raises:
        InvalidRequestError: One face is chosen although all are requested.
    """
    if is_contradiction(face, faces):
        raise InvalidRequestError(f"face and faces: {CONTRADICTION}.")
