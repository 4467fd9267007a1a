"""Spreadsheets as they are delivered, and the search for the one of a database."""

from __future__ import annotations

from pathlib import Path

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
def test_a_truncated_workbook_is_an_error(name: str, share: float, tmp_path: Path) -> None:
    """A download that broke off. The library panics on some, which is no Exception."""
    write_workbook(tmp_path / "t.xlsx", {"a": ROWS})
    write_old_workbook(tmp_path / "t.xls", ROWS)
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: int(share * len(data))])
    with pytest.raises(MapsError, match=f"{name} is not a workbook or is damaged"):
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
