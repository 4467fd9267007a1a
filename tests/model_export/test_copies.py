"""Copies of a database as they lie on disks: names, links and files that nobody meant to be there.

Each case changes a study of one clip, of subject 1, in `1/a`, with the frames 1 and 5.
"""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from off_tanet_export.commands import main
from off_tanet_export.datasets.loading import load_clips

from tests.support import made_databases

HEADER = "subject,clip,onset,apex,class"
Change = Callable[[Path], None]


def study(root: Path, row: str = "1,a,1,5,fear", folder: str = "1/a") -> Path:
    made_databases.write_frames(root / folder, "img{}.jpg", 1, 5)
    (root / "mine.csv").write_text(f"{HEADER}\n{row}\n", encoding="utf-8")
    return root / "mine.csv"


def run(root: Path, *options: str, name: str = "mine") -> int:
    named = ["--database", "csv", "--name", name, "--output", str(root.with_suffix(".npz"))]
    return main(["data", "read", str(root), *named, "--cropped", *options])


@pytest.mark.parametrize(
    ("row", "folder"),
    [
        ("1,A Clip,1,5,fear", "1/a  clip "),
        ("1,élan,1,5,fear", unicodedata.normalize("NFD", "1/élan")),
        ("1,a,1,5,fear", "Sub01/A"),
        ("s001,a,1,5,fear", "1/a"),
        ("Ann,a,1,5,fear", "ANN/a"),
        ("women/1,a,1,5,fear", "women/1/a"),
        (r"1,1\a,1,5,fear", "1/a"),
        (r"1,D:\study\1\a,1,5,fear", "1/a"),
        ("1,/home/ann/study/1/a/,1,5,fear", "1/a"),
        ("1,one/two/a,1,5,fear", "one/two/a"),
        ("1,a,1.0,5.00,fear", "1/a"),
        ('1,a,"1,0","5,0",fear', "1/a"),
    ],
)
def test_folders_are_found_in_any_spelling(row: str, folder: str, tmp_path: Path) -> None:
    """Of the person, and in capitals, spaces and letters that systems write in their own way."""
    sheet = study(tmp_path, row, folder)
    assert load_clips(sheet, cropped=True).labels.tolist() == [0]


def add_hidden(root: Path) -> None:
    """What macOS leaves on other disks and in archives, and Windows in folders."""
    (root / "1/a/._img5.jpg").write_bytes(b"\0\5\x16\7")
    (root / "1/a/Thumbs.db").write_bytes(b"x")
    for name in ("__MACOSX", ".Trash-0"):
        shutil.copytree(root / "1", root / name / "1")


def add_loop(root: Path) -> None:
    (root / "1/a/all").symlink_to(root)
    (root / "1/self").symlink_to(".")


def add_second_name(root: Path) -> None:
    (root / "people").mkdir()
    (root / "people/1").symlink_to(root / "1")


def link_folder(root: Path) -> None:
    """Frames often lie on another disk."""
    (root / "1").rename(root.with_name("elsewhere"))
    (root / "1").symlink_to(root.with_name("elsewhere"))


def add_empty_copy(root: Path) -> None:
    (root / "cropped/1/a").mkdir(parents=True)


def shout(root: Path) -> None:
    (root / "mine.csv").rename(root / "MINE.CSV")
    for number in (1, 5):
        (root / f"1/a/img{number}.jpg").rename(root / f"1/a/IMG{number:05}.JPG")
    (root / "1").rename(root / "S1")


@pytest.mark.parametrize(
    "change", [add_hidden, add_loop, add_second_name, link_folder, add_empty_copy, shout]
)
def test_what_lies_beside_does_not_matter(
    change: Change, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The clip is found, once, and measured on its own frames."""
    root = tmp_path / "study"
    study(root)
    change(root)
    assert run(root) == 0
    out, err = capfd.readouterr()
    assert out.startswith("1 rows: 1 used\n")
    assert err == ""


def replace_frame(content: bytes) -> Change:
    def change(root: Path) -> None:
        (root / "1/a/img5.jpg").write_bytes(content)

    return change


def break_link(root: Path) -> None:
    (root / "1/a/img5.jpg").unlink()
    (root / "1/a/img5.jpg").symlink_to(root / "gone.jpg")


def add_frame(name: str) -> Change:
    def change(root: Path) -> None:
        shutil.copyfile(root / "1/a/img1.jpg", root / "1/a" / name)

    return change


def empty_folder(root: Path) -> None:
    for path in (root / "1/a").iterdir():
        path.unlink()


def move_frame(root: Path) -> None:
    (root / "1/a/img5.jpg").unlink()
    (root / "1/a/img5.jpg").mkdir()


FAULTS: dict[str, tuple[Change, str]] = {
    "empty file": (replace_frame(b""), "img5.jpg: the file is empty"),
    "truncated": (replace_frame(made_databases.picture(True, ".jpg")[:900]), "img5.jpg: The JPEG"),
    "broken link": (break_link, "img5.jpg cannot be read: No such file or directory"),
    "two numbers": (add_frame("img05.jpg"), "there are two frames 5: img05.jpg and img5.jpg"),
    "two kinds": (add_frame("flow5.png"), "there are two frames 5: flow5.png and img5.jpg"),
    "no pictures": (empty_folder, "the folder 1/a has no pictures that can be read"),
    "a folder": (move_frame, "there is no frame 5, only 1"),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_frame_that_is_none_is_a_fault_of_its_row(
    kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """One broken file must not end the reading of a thousand clips; which one it is is said."""
    change, reason = FAULTS[kind]
    root = tmp_path / "study"
    study(root)
    change(root)
    assert run(root) == 2
    first, last = capfd.readouterr().err.splitlines()
    assert first.startswith(f"mine.csv, line 2: 1/a: {reason}")
    assert last.startswith("off-tanet: 1 of 1 rows cannot be used: ")


def test_a_pattern_in_a_cell_is_text(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The frames of another clip would be read in silence."""
    study(tmp_path, "1,a*,1,5,fear", "1/ab")
    assert run(tmp_path) == 2
    assert "1/a*: the folder 1/a* does not exist" in capfd.readouterr().err


def test_a_clip_under_two_names_is_there_twice(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Of one person and on the same frames, it would be in training and in the test."""
    sheet = study(tmp_path)
    sheet.write_text(f"{HEADER},offset\n1,a,1,5,fear,9\n01,1/a,1,5,fear,8\n")
    assert run(tmp_path) == 2
    assert "line 3: 01/1/a: the same clip as on line 2" in capfd.readouterr().err


def test_two_databases_may_have_equal_folders(tmp_path: Path) -> None:
    """Joined in one sheet, their folders are told apart by the column `database`."""
    rows = "\n".join(f"{name},1,a,1,5,anger" for name in ("CASME II", "samm"))
    (tmp_path / "both.csv").write_text(f"database,{HEADER}\n{rows}\n")
    for name in ("casme2", "SAMM"):
        made_databases.write_frames(tmp_path / name / "sub01/a", "img{}.jpg", 1, 5)
    assert load_clips(tmp_path / "both.csv", cropped=True).people.tolist() == [
        "casme2/001",
        "samm/001",
    ]


def test_two_equal_pictures_are_noted(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing moves between them: the row or a copied file is wrong."""
    root = tmp_path / "study"
    study(root)
    shutil.copyfile(root / "1/a/img1.jpg", root / "1/a/img5.jpg")
    assert run(root) == 0
    note = "note: line 2: 1/a: onset and apex are the same picture\n"
    assert capfd.readouterr().err == note
