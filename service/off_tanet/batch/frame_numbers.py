"""Onset and apex as frame numbers, and clips as databases name them: CASME II, SAMM, SMIC.

Their sheets name a clip by its folder of frames and number a frame as in the name of its picture:
frame 46 is `img46.jpg`, wherever the folder begins.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from off_tanet.errors import UnreadableFileError
from off_tanet.recognition.media.frame_files import list_frames

_NO_FRAME = ("", "/")  # as CASME II marks an apex that was not found


class FrameNumberError(ValueError):
    """A frame number cannot be used; the message continues a sentence about the row."""


def find_clip(folder: Path, name: str, subject: str) -> str:
    """Return the path of a clip.

    Args:
        folder: The folder to which paths are relative.
        name: The clip as the sheet has it.
        subject: The cell of the column `subject`, if any.

    Returns:
        The first that exists of `name` and `name` in the folder of the subject (`sub01`, `s01`
        or the subject itself); if none does, `name`.
    """
    paths = _paths(name, subject) if name else ()
    return next((path for path in paths if os.path.exists(folder / path)), name)


def _paths(name: str, subject: str) -> Iterator[str]:
    yield name
    number = re.fullmatch(r"(?:sub|s)?0*(\d+)(?:\.0)?", subject, re.IGNORECASE)
    names = [subject, *(f"{start}{int(number[1]):02}" for start in ("sub", "s") if number)]
    yield from (f"{each}/{name}" for each in names if each)


def index_of(clip: Path, cell: object) -> int | None:
    """Return the index, from 0, of the frame of a folder that has a number.

    Args:
        clip: The folder of frames.
        cell: The number; empty or "/" if the frame is not known.

    Returns:
        The index; None if it is not known, or if there is no such clip.

    Raises:
        FrameNumberError: It is not a number, no frame of the clip has it, or the clip is a video.
    """
    text = str(cell).strip()
    if cell is None or cell != cell or text in _NO_FRAME:  # NaN
        return None
    number = re.fullmatch(r"(\d+)(?:\.0)?", text)
    if number is None:
        raise FrameNumberError("is not a frame number")
    if not os.path.exists(clip):
        return None  # the row gets a problem
    if not os.path.isdir(clip):
        raise FrameNumberError("numbers the pictures of a folder; in a video, use onset_index")
    try:
        numbers = [_number(path) for path in list_frames(clip)]
    except UnreadableFileError:
        return None
    if int(number[1]) not in numbers:
        raise FrameNumberError("is not the number of a picture in the folder of the clip")
    return numbers.index(int(number[1]))


def _number(path: Path) -> int | None:
    digits = re.findall(r"\d+", path.stem)
    return int(digits[-1]) if digits else None
