"""Which files of a folder are clips, and what is reported for the others."""

from __future__ import annotations

from pathlib import Path

import pytest
from off_tanet.batch.folder import Skipped, find_clips, find_skipped

from tests.support import factories
from tests.support.encoders import film

FRAMES = factories.frames(3, 144, 176)
FORK = b"\0\x05\x16\x07\0\2\0\0Mac OS X" + bytes(100)


@pytest.mark.parametrize(
    "name", ["a.3gp", "a.3G2", "a.avi", "a.divx", "a.gif", "a.M4V", "a.mkv", "a.mov", "a.webm"]
)
def test_a_clip_is_recognised_by_its_suffix(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"any content: only its row is judged")
    assert find_clips(tmp_path) == [name]
    assert find_skipped(tmp_path) == []


def test_files_that_are_not_clips_are_reported_with_the_reason(tmp_path: Path) -> None:
    """A study of which half is skipped silently looks complete."""
    clip = factories.mp4(FRAMES)
    files = {
        "a.mp4": clip,
        "._a.mp4": FORK,
        "__MACOSX/._a.mp4": FORK,
        ".Trash/b.mp4": clip,
        ".c.mp4": clip,
        "empty.mov": b"",
        "s1/camera.MTS": film(FRAMES, "mpegts"),
        "s1/old.mpg": film(FRAMES, "vob", "mpeg2video"),
        "s1/old.wmv": film(FRAMES, "asf", "wmv2"),
        "s2/all.zip": b"PK\x03\x04" + bytes(100),
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    assert find_clips(tmp_path) == ["a.mp4"]
    reasons = {each.file: each.reason for each in find_skipped(tmp_path)}
    assert reasons.keys() == files.keys() - {"a.mp4"}
    assert (
        reasons["._a.mp4"]
        == reasons["__MACOSX/._a.mp4"]
        == "a macOS resource fork, not the clip itself"
    )
    assert reasons[".Trash/b.mp4"] == reasons[".c.mp4"] == "hidden"
    assert reasons["empty.mov"] == "empty"
    for name, format_ in {
        "s1/camera.MTS": "MPEG-TS",
        "s1/old.mpg": "MPEG-PS",
        "s1/old.wmv": "WMV",
        "s2/all.zip": "ZIP",
    }.items():
        assert reasons[name].startswith(format_)
        assert ": " in reasons[name]  # and what to do


def test_other_files_are_skipped_silently(tmp_path: Path) -> None:
    """TypeScript files share a suffix with clips, and studies contain notes and images."""
    for name, content in {
        "main.ts": b"export const a = 1\n",
        "notes.txt": b"",
        "onset.png": factories.png(FRAMES[0]),
        "labels.csv": b"clip\n",
        "model.mod": b"module x\n",
    }.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder.mp4").mkdir()
    assert find_clips(tmp_path) == []
    assert find_skipped(tmp_path) == []


def test_a_hidden_folder_that_is_named_is_read(tmp_path: Path) -> None:
    """Only folders below it are hidden ones."""
    folder = tmp_path / ".study"
    folder.mkdir()
    (folder / "a.mp4").write_bytes(b"a")
    assert find_clips(folder) == ["a.mp4"]
    assert find_skipped(folder) == list[Skipped]()
