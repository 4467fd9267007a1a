"""Spreadsheets as they are delivered, and the search for the one of a database."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import openpyxl
import pytest
from off_tanet_export.datasets.layouts import LAYOUTS
from off_tanet_export.datasets.records import find_sheet, read_records
from off_tanet_export.datasets.sheets import read_sheets
from off_tanet_export.errors import MapsError

from tests.support.made_databases import write_old_workbook, write_workbook

ROWS = [("Subject", None, "AU"), ("01", 59, 4.5), (None,), (2, True, " a\nb ")]
CELLS = (("Subject", "", "AU"), ("01", "59", "4.5"), ("", "", ""), ("2", "True", "a b"))


def test_cells_are_texts_as_a_spreadsheet_shows_them(tmp_path: Path) -> None:
    """Numbers are floats in workbooks: frame 59.0 is frame 59. Lines keep their numbers."""
    write_workbook(tmp_path / "new.xlsx", {"a": [], "b": ROWS})
    write_old_workbook(tmp_path / "old.xls", ROWS)
    empty, new = read_sheets(tmp_path / "new.xlsx")
    (old,) = read_sheets(tmp_path / "old.xls")
    assert (empty.name, empty.lines, new.name) == ("a", (), "b")
    assert new.lines == old.lines == CELLS


@pytest.mark.parametrize(
    "text",
    [
        'a;b;c\n1;"2;3";4,5,6\n',
        'a,b,c\n1,"2;3","4,5,6"\n',
        "a\tb\tc\n1\t2;3\t4,5,6\n",
        "sep=;\na;b;c\n1;2;3\n",
        "a;b;c\n1;2;4,5,6,7\n2;3;1,2,4,5,7,12,15\n",
        "a,b,c\r1,2,3\r",
    ],
)
def test_the_separator_is_told_from_the_cells(text: str, tmp_path: Path) -> None:
    """Action units are lists with commas, whichever the separator is."""
    (tmp_path / "t.csv").write_text(text)
    lines = read_sheets(tmp_path / "t.csv")[0].lines
    assert [len(line) for line in lines[-2:]] == [3, 3]


@pytest.mark.parametrize("name", ["t.xlsx", "t.xls", "t.csv"])
def test_another_file_under_the_name_of_a_sheet_is_refused(name: str, tmp_path: Path) -> None:
    """In one line that names it."""
    (tmp_path / name).write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0")
    with pytest.raises(MapsError, match=f"{name} is not") as caught:
        read_sheets(tmp_path / name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8, 0.95])
@pytest.mark.parametrize("name", ["t.xlsx", "t.xls"])
def test_a_truncated_workbook_is_an_error(
    name: str, share: float, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A download that broke off. The library panics on some, with many lines of its own."""
    write_workbook(tmp_path / "t.xlsx", {"a": ROWS})
    write_old_workbook(tmp_path / "t.xls", ROWS)
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: int(share * len(data))])
    with pytest.raises(MapsError, match=f"{name} is not a workbook or is damaged") as caught:
        read_sheets(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a process's memory")
def test_a_sheet_that_is_larger_than_memory_is_an_error(tmp_path: Path) -> None:
    """One stray cell in a far corner; the library would end the whole program."""
    book = openpyxl.Workbook()
    for line, column in ((1, 1), (100_000, 16_384)):
        book.active.cell(line, column).value = "x"
    book.save(tmp_path / "far.xlsx")
    with pytest.raises(MapsError, match=r"far\.xlsx is not .+, or its sheets are too large"):
        read_sheets(tmp_path / "far.xlsx")


def test_empty_cells_far_away_cost_nothing(tmp_path: Path) -> None:
    """Spaces and formats beside and below a table."""
    write_workbook(tmp_path / "t.xlsx", {"a": [*ROWS, *[(None,)] * 3000, (" ", None, "  ")]})
    (sheet,) = read_sheets(tmp_path / "t.xlsx")
    assert sheet.lines == CELLS


def test_merged_cells_have_one_value_for_all_their_lines(tmp_path: Path) -> None:
    """A subject's cell often spans the lines of all clips; a title above the table, its columns."""
    rows = [("Study",), ("subject", "clip"), (1, "a"), (None, "b"), (2, "c")]
    write_workbook(tmp_path / "t.xlsx", {"a": rows})
    book = openpyxl.load_workbook(tmp_path / "t.xlsx")
    for cells in ("A1:B1", "A3:A4", "A9:B12"):
        book["a"].merge_cells(cells)
    book.save(tmp_path / "t.xlsx")
    (sheet,) = read_sheets(tmp_path / "t.xlsx")
    assert sheet.lines[2:] == (("1", "a"), ("1", "b"), ("2", "c"))
    assert sheet.lines[0] == ("Study", "")


def test_the_kind_of_a_file_is_told_by_its_content(tmp_path: Path) -> None:
    """Programs export text as `.xls`, and people rename workbooks."""
    write_workbook(tmp_path / "t.xlsx", {"a": ROWS})
    (tmp_path / "t.xlsx").rename(tmp_path / "workbook.csv")
    (tmp_path / "text.xls").write_text("Subject\t\tAU\n01\t59\t4.5\n\n2\tTrue\ta b\n")
    assert read_sheets(tmp_path / "workbook.csv")[0].lines == CELLS
    assert read_sheets(tmp_path / "text.xls")[0].lines[:2] == CELLS[:2]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_needs_no_mark(encoding: str, tmp_path: Path) -> None:
    """As some programs write it."""
    (tmp_path / "t.csv").write_bytes("subject,备注\n1,笑\n".encode(encoding))
    (sheet,) = read_sheets(tmp_path / "t.csv")
    assert sheet.lines == (("subject", "备注"), ("1", "笑"))


def test_lines_end_where_spreadsheets_end_them(tmp_path: Path) -> None:
    """Neither within quotes, nor at the separators of Unicode; all line numbers would be wrong."""
    text = 'a,b\n1,"two\nlines"\n2,x\u2028y\x0bz\x85\n'
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    lines = read_sheets(tmp_path / "t.csv")[0].lines
    assert [line[0] for line in lines] == ["a", "1", "2"]
    assert lines[1][1] == "two lines"


@pytest.mark.parametrize("name", ["t.csv", "t.xlsx"])
def test_a_folder_is_no_sheet(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(MapsError, match=f"{name} cannot be read: Is a directory"):
        read_sheets(tmp_path / name)


def test_the_sheet_is_the_one_with_the_columns(tmp_path: Path) -> None:
    """Other tables are often beside it: fixes, notes, consent forms."""
    layout = LAYOUTS["casme2"]
    (tmp_path / "fixes.csv").write_text("line,column,value\n")
    header = ("Subject", "Filename", "OnsetFrame", "ApexFrame", "Estimated Emotion")
    write_workbook(tmp_path / "tables" / "coding.xlsx", {"1": [("words",)], "2": [header]})
    assert find_sheet(layout, tmp_path) == tmp_path / "tables" / "coding.xlsx"
    write_workbook(tmp_path / "tables" / "copy.xlsx", {"1": [header]})
    with pytest.raises(MapsError, match=r"several spreadsheets \(tables/coding.xlsx, tables/copy"):
        find_sheet(layout, tmp_path)


def test_the_nearest_sheet_counts(tmp_path: Path) -> None:
    """Some databases keep theirs two folders down, and programs write tables next to frames."""
    layout = LAYOUTS["csv"]
    text = "subject,clip,onset,apex,class\n"
    for name in ("part_A/annotation/labels.csv", "part_B/annotation/more.csv"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text)
    with pytest.raises(MapsError, match=r"several spreadsheets \(part_A/annotation/labels.csv, "):
        find_sheet(layout, tmp_path)
    assert find_sheet(layout, tmp_path / "part_A").name == "labels.csv"
    (tmp_path / "mine.csv").write_text(text)
    assert find_sheet(layout, tmp_path).name == "mine.csv"
    (tmp_path / "mine.csv").write_text("words\n")
    (tmp_path / "notes.txt").write_text("words\n")
    for part in ("part_A", "part_B"):
        shutil.rmtree(tmp_path / part)
    with pytest.raises(MapsError, match=r"of your own data, only mine.csv, notes.txt: name it"):
        find_sheet(layout, tmp_path)


def test_of_several_sheets_of_clips_one_is_named(tmp_path: Path) -> None:
    """The rows of the others would vanish in silence."""
    header, first, second = (
        ("Subject", "Filename", "Onset Frame", "Apex Frame", "Estimated Emotion"),
        (6, "006_1_2", 1, 5, "Anger"),
        (7, "007_1_1", 1, 5, "Fear"),
    )
    path = tmp_path / "samm.xlsx"
    write_workbook(path, {"all": [header, first], "micro": [header, second], "notes": [("x",)]})
    with pytest.raises(MapsError, match=r"several sheets of clips \(all, micro\): name one by"):
        read_records(LAYOUTS["samm"], path)
    (record,) = read_records(LAYOUTS["samm"], path, worksheet="micro")
    assert record.cells["clip"] == "007_1_1"
    with pytest.raises(MapsError, match="has no sheet macro; it has all, micro, notes"):
        read_records(LAYOUTS["samm"], path, worksheet="macro")


def test_a_missing_column_is_said_with_those_that_are_there(tmp_path: Path) -> None:
    """Then `--columns` can be written without opening the sheet."""
    path = tmp_path / "t.csv"
    path.write_text("Subject,Video,Onset,Apex,Emotion\n")
    with pytest.raises(MapsError, match=r"no column clip among Subject, Video, .+ clip=TITLE"):
        read_records(LAYOUTS["csv"], path)
    path.write_text("Subject|Clip|Onset\n")
    with pytest.raises(MapsError, match=r"no column subject among Subject\|Clip\|Onset: "):
        read_records(LAYOUTS["csv"], path)


def test_a_column_that_was_misspelled_is_no_other(tmp_path: Path) -> None:
    """The usual column would be read instead, with other labels."""
    path = tmp_path / "t.csv"
    path.write_text("subject,clip,onset,apex,emotion,felt\n1,a,1,5,fear,anger\n")
    for named in ({"emotion": "feld"}, {"offset": "end"}):
        (column,) = named
        with pytest.raises(MapsError, match=rf"no column {column} \({named[column]}\) among"):
            read_records(LAYOUTS["csv"].with_columns(named), path)


def test_remarks_beside_a_table_of_a_workbook_are_no_cells(tmp_path: Path) -> None:
    """In text, a cell too many means that others are shifted."""
    header = ("subject", "clip", "onset", "apex", "class")
    row = (1, "a", 1, 5, "fear", None, "blinks?")
    write_workbook(tmp_path / "t.xlsx", {"a": [header, row]})
    (record,) = read_records(LAYOUTS["csv"], tmp_path / "t.xlsx")
    assert record.problem == ""


def test_columns_of_other_names_can_be_said(tmp_path: Path) -> None:
    """A translated sheet, or another column for the label."""
    lines = ["编号,clip,first,peak,felt", "7,a,1,5,fear"]
    (tmp_path / "t.csv").write_bytes("\n".join(lines).encode("gbk"))
    named = {"subject": "编号", "onset": "First", "apex": "peak", "emotion": "felt"}
    layout = LAYOUTS["csv"].with_columns(named)
    (record,) = read_records(layout, tmp_path / "t.csv")
    assert [record.cells[name] for name in ("subject", "onset", "apex", "emotion")] == [
        *("7", "1", "5", "fear")
    ]
    assert record.place == "line 2"
