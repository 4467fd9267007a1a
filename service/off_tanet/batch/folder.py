"""The clips of a folder, and the films and remains in it that are none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from off_tanet.recognition.media import unsupported_video
from off_tanet.recognition.media.unsupported import HEAD_BYTES

_READ = "3g2 3gp avi divx f4v gif m4v mkv mov mp4 qt webm"
# What else somebody may expect to be scored; `.ts` is a program, too, so the bytes have to agree.
_UNREAD = """264 265 7z apng asf cine dv flv h264 h265 hevc ivf m1v m2t m2ts m2v mjpeg mjpg mod mpe
mpeg mpg mpv mts mxf nut ogm ogv rar rm rmvb seq swf tar tod ts vob wmv y4m zip"""
_CLIPS = frozenset(f".{ending}" for ending in _READ.split())
_FILMS = frozenset(f".{ending}" for ending in _UNREAD.split())


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file of the folder that is not scored, by its path in it, and why."""

    file: str
    reason: str


def clips(folder: Path) -> list[str]:
    """The paths of the clips below `folder`, relative to it, in order: known by their endings."""
    return [found for found in _films(folder) if isinstance(found, str)]


def skipped(folder: Path) -> list[Skipped]:
    """The other films below it: formats that are not read, hidden and empty files."""
    return [found for found in _films(folder) if isinstance(found, Skipped)]


def _films(folder: Path) -> Iterator[str | Skipped]:
    for path in sorted(folder.rglob("*")):
        ending = path.suffix.lower()
        if (ending in _CLIPS or ending in _FILMS) and path.is_file():
            name = path.relative_to(folder)
            reason = _reason(path, name)
            if reason:
                yield Skipped(name.as_posix(), reason)
            elif ending in _CLIPS:
                yield name.as_posix()


def _reason(path: Path, name: Path) -> str:
    """Why a film is not scored; empty for a clip, and for what turns out to be no film."""
    if path.name.startswith("._"):
        return "a macOS resource fork, not the clip itself"
    if any(part.startswith(".") for part in name.parts):
        return "hidden"
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError:
        return ""  # a clip that cannot be read is a row with its problem
    if not head:
        return "empty"
    found = unsupported_video.identify(head) if path.suffix.lower() in _FILMS else None
    return found.refusal("clip") if found else ""
