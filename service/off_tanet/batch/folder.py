"""The clips in a folder, and the video files in it that cannot be scored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from off_tanet.recognition.media import unsupported_video
from off_tanet.recognition.media.frame_files import is_frame
from off_tanet.recognition.media.unsupported import HEAD_BYTES

_READ = "3g2 3gp avi divx f4v gif m4v mkv mov mp4 qt webm"
# Other video files, reported as skipped. `.ts` is also TypeScript: the contents must be video, too.
_UNREAD = """264 265 7z apng asf cine dv flv h264 h265 hevc ivf m1v m2t m2ts m2v mjpeg mjpg mod mpe
mpeg mpg mpv mts mxf nut ogm ogv rar rm rmvb seq swf tar tod ts vob wmv y4m zip"""
_READ_SUFFIXES = frozenset(f".{suffix}" for suffix in _READ.split())
_UNREAD_SUFFIXES = frozenset(f".{suffix}" for suffix in _UNREAD.split())
_FRAMES = "a folder of pictures, which is a clip only with --fps"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A video file that is not scored.

    Attributes:
        file: Path relative to the folder.
        reason: Why it is not scored.
    """

    file: str
    reason: str


def is_clip(path: Path) -> bool:
    """Return whether a file is a clip, by its suffix."""
    return path.suffix.lower() in _READ_SUFFIXES


def find_frame_folders(folder: Path) -> list[str]:
    """Return the folders below `folder`, and itself, that hold at least two pictures.

    Paths are relative to `folder`; those in hidden folders are left out.
    """
    counts = Counter(path.parent for path in folder.rglob("*") if is_frame(path))
    found = [path.relative_to(folder) for path, count in counts.items() if count > 1]
    return sorted(path.as_posix() for path in found if not _is_hidden(path))


def find_clips(folder: Path) -> list[str]:
    """Return the paths of all clips below `folder`, relative to it and sorted.

    A clip is recognised by the suffix of its name.
    """
    return [found for found in _video_files(folder) if isinstance(found, str)]


def find_skipped(folder: Path, frame_folders: bool = False) -> list[Skipped]:
    """Return what else below `folder` may hold a clip: unread formats, hidden and empty files.

    Args:
        folder: The folder.
        frame_folders: Whether folders of frames are scored; otherwise they are skipped, too.
    """
    found = [found for found in _video_files(folder) if isinstance(found, Skipped)]
    if not frame_folders:
        found += [Skipped(name, _FRAMES) for name in find_frame_folders(folder)]
    return found


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


def _is_hidden(name: Path) -> bool:
    return any(part.startswith(".") for part in name.parts)


def _skip_reason(path: Path, name: Path) -> str:
    """Why a file is not scored; empty for a clip, and for a file that is not a video."""
    if path.name.startswith("._"):
        return "a macOS resource fork, not the clip itself"
    if _is_hidden(name):
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
