"""The clips in a folder, and the video files in it that cannot be scored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from off_tanet.recognition.media import unsupported_video
from off_tanet.recognition.media.unsupported import HEAD_BYTES

_READ = "3g2 3gp avi divx f4v gif m4v mkv mov mp4 qt webm"
# Other video files, reported as skipped. `.ts` is also TypeScript: the contents must be video, too.
_UNREAD = """264 265 7z apng asf cine dv flv h264 h265 hevc ivf m1v m2t m2ts m2v mjpeg mjpg mod mpe
mpeg mpg mpv mts mxf nut ogm ogv rar rm rmvb seq swf tar tod ts vob wmv y4m zip"""
_READ_SUFFIXES = frozenset(f".{suffix}" for suffix in _READ.split())
_UNREAD_SUFFIXES = frozenset(f".{suffix}" for suffix in _UNREAD.split())


@dataclass(frozen=True, slots=True)
class Skipped:
    """A video file that is not scored.

    Attributes:
        file: Path relative to the folder.
        reason: Why it is not scored.
    """

    file: str
    reason: str


def find_clips(folder: Path) -> list[str]:
    """Return the paths of all clips below `folder`, relative to it and sorted.

    A clip is recognised by the suffix of its name.
    """
    return [found for found in _video_files(folder) if isinstance(found, str)]


def find_skipped(folder: Path) -> list[Skipped]:
    """Return the other video files below `folder`: unread formats, hidden and empty files."""
    return [found for found in _video_files(folder) if isinstance(found, Skipped)]


def _video_files(folder: Path) -> Iterator[str | Skipped]:
    for path in sorted(folder.rglob("*")):
        suffix = path.suffix.lower()
        if (suffix in _READ_SUFFIXES or suffix in _UNREAD_SUFFIXES) and path.is_file():
            name = path.relative_to(folder)
            reason = _skip_reason(path, name)
            if reason:
                yield Skipped(name.as_posix(), reason)
            elif suffix in _READ_SUFFIXES:
                yield name.as_posix()


def _skip_reason(path: Path, name: Path) -> str:
    """Why a file is not scored; empty for a clip, and for a file that is not a video."""
    if path.name.startswith("._"):
        return "a macOS resource fork, not the clip itself"
    if any(part.startswith(".") for part in name.parts):
        return "hidden"
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError:
        return ""  # its row gets a problem
    if not head:
        return "empty"
    found = unsupported_video.identify(head) if path.suffix.lower() in _UNREAD_SUFFIXES else None
    return found.refusal("clip") if found else ""
