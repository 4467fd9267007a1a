"""Faults of single rows that are not among those of test_databases.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from off_tanet_export.commands import main
from off_tanet_export.datasets.loading import load_clips
from off_tanet_export.errors import MapsError

from tests.support import factories, made_databases

HEADER = "subject,clip,onset,apex,offset,class,type"
FAULTS = {
    "unknown type": ("1,a,1,5,9,fear,spontaneous", "the type 'spontaneous' is not known"),
    "no onset": ("1,a,,5,9,fear,micro", "there is no onset"),
    "unreadable offset": ("1,a,1,5,nine,fear,micro", "offset must be a frame number, not 'nine'"),
    "no clip": ("1,,1,5,9,fear,micro", "there is no clip"),
    "no numbers": ("1,b,1,5,9,fear,micro", "no picture of the folder has a number"),
    "words for pictures": ("1,c,1,5,9,fear,micro", "1.png: the file is not one"),
    "too many cells": ("1,a,1,5,9,fear,micro,", None),
    "shifted cells": ("1,a,1,5,9,4,12,fear,micro", "9 cells instead of 7"),
}


def study(root: Path, row: str) -> Path:
    made_databases.write_frames(root / "1" / "a", "{}.png", 1, 5, 9)
    for name in ("b/first.png", "c/1.png", "c/5.png"):
        (root / "1" / name).parent.mkdir(exist_ok=True)
        (root / "1" / name).write_text("words")
    (root / "mine.csv").write_text(f"{HEADER}\n{row}\n")
    return root / "mine.csv"


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_is_said_with_its_line(kind: str, tmp_path: Path) -> None:
    """An empty cell at the end of a line is none."""
    row, reason = FAULTS[kind]
    sheet = study(tmp_path, row)
    if reason is None:
        assert load_clips(sheet, cropped=True).clips.tolist() == ["a"]
        return
    with pytest.raises(MapsError, match=r"^mine\.csv, line 2: ") as caught:
        load_clips(sheet, cropped=True)
    assert reason in str(caught.value)


def test_macro_expressions_do_not_enter(tmp_path: Path) -> None:
    """They were 50 of 88 clips."""
    sheet = study(tmp_path, "1,a,1,5,9,fear,Macro-expression")
    with pytest.raises(MapsError, match="1 rows: 0 used; 1 macro-expressions"):
        load_clips(sheet, cropped=True)


@pytest.mark.parametrize("rule", ["middle", "spotted"])
@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("1,a,1,/,1,fear,micro", "there are no frames from 1 to 1"),
        ("1,a,2,/,9,fear,micro", "there are no frames from 2 to 9"),
    ],
)
def test_an_apex_needs_frames_to_be_taken_from(
    rule: str, row: str, reason: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    study(tmp_path, row)
    assert run(tmp_path, "--apex", rule) == 2
    assert f"mine.csv, line 2: 1/a: {reason}" in capfd.readouterr().err


def test_an_apex_that_is_wrong_is_taken_as_one_that_is_not_marked(tmp_path: Path) -> None:
    """One of SAMM's is before its onset; the row is of a clip of MEGC2019 all the same."""
    study(tmp_path, "1,a,5,1,9,fear,micro")
    assert run(tmp_path) == 2
    assert run(tmp_path, "--apex", "middle") == 0


def test_where_no_face_is_no_apex_is_spotted(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """It is a fault of the row, as any other."""
    study(tmp_path, "1,d,1,/,5,fear,micro")
    (tmp_path / "1" / "d").mkdir()
    for number in (1, 3, 5):
        (tmp_path / "1" / "d" / f"{number}.png").write_bytes(factories.png(factories.picture()))
    assert run(tmp_path, "--apex", "spotted", cropped=False) == 2
    assert "mine.csv, line 2: 1/d: no face on the onset frame, 1\n" in capfd.readouterr().err


def test_a_damaged_frame_between_is_a_fault_where_it_is_needed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Spotting needs all frames; a marked apex only two."""
    sheet = study(tmp_path, "1,a,1,5,9,fear,micro")
    (tmp_path / "1" / "a" / "9.png").write_text("words")
    assert run(tmp_path, "--apex", "spotted") == 0
    sheet.write_text(sheet.read_text().replace(",5,", ",/,"))
    assert run(tmp_path, "--apex", "spotted") == 2
    assert "mine.csv, line 2: 1/a: 9.png: " in capfd.readouterr().err


def run(root: Path, *options: str, cropped: bool = True) -> int:
    named = ["--database", "csv", "--name", "mine", "--output", str(root / "o.npz")]
    crops = ["--cropped"] if cropped else []
    return main(["data", "read", str(root), *named, *crops, *options])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("line,value\n2,1\n", "has no column column"),
        ("line,column,value\n\ntwo,onset,1\n", "line 3: needs the number of a line"),
        ("line,column,value\n2,peak,1\n", "line 2: needs the number of a line"),
        ("line,column,value\n2,apex,4\n2,apex,5\n", "line 3: mends apex on line 2 once more"),
        ("line,column,value\n2,apex\n", "line 2: needs the number of a line"),
    ],
)
def test_fixes_of_another_form_are_an_error(
    text: str, message: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A fix that is passed over would look like one that was applied."""
    study(tmp_path, "1,a,1,5,9,fear,micro")
    (tmp_path / "fixes.csv").write_text(text)
    assert run(tmp_path, "--fixes", str(tmp_path / "fixes.csv")) == 2
    assert message in capfd.readouterr().err


def test_the_folder_of_the_output_must_exist(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Said before minutes of work."""
    study(tmp_path, "1,a,1,5,9,fear,micro")
    output = tmp_path / "none" / "o.npz"
    named = ["--database", "csv", "--name", "mine", "--output", str(output)]
    assert main(["data", "read", str(tmp_path), *named]) == 2
    assert "none does not exist" in capfd.readouterr().err


def test_a_sheet_of_another_database_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """CAS(ME)^2 has no header, by which it could be told."""
    made_databases.write_workbook(tmp_path / "t.xlsx", {"a": [(1, 2, 3)]})
    named = ["--database", "casme-sq", "--output", str(tmp_path / "o.npz")]
    assert main(["data", "read", str(tmp_path), *named]) == 2
    assert "has 3 columns, which is too few for CAS(ME)^2" in capfd.readouterr().err


def test_a_sheet_of_cas_me_2_without_its_others_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Saved as text, it loses those that tell who subject 1 is."""
    row = "1,anger1_1,557,572,608,4,negative,micro-expression,anger"
    (tmp_path / "sheet.csv").write_text(f"{row}\n")
    named = ["--database", "casme-sq", "--output", str(tmp_path / "o.npz")]
    assert main(["data", "read", str(tmp_path), *named]) == 2
    assert "CAS(ME)^2 needs its workbook as delivered" in capfd.readouterr().err


def test_a_folder_without_clips_of_smic_is_said(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Which folder is meant is easily mistaken."""
    named = ["--database", "smic", "--output", str(tmp_path / "o.npz"), "--apex", "middle"]
    assert main(["data", "read", str(tmp_path), *named]) == 2
    message = "has no folder such as HS/s1/micro/negative/s1_ne_01\n"
    assert capfd.readouterr().err.endswith(message)
