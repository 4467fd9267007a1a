"""The input of a batch: an invalid manifest is refused before any work."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from off_tanet.batch.manifest import ManifestError, read_rows
from off_tanet.batch.rows import Row
from pyarrow import parquet


def _csv(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "study.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_pairs_are_relative_to_the_manifest(tmp_path: Path) -> None:
    """Other columns belong to the user; spreadsheets write a byte order mark and capitals."""
    manifest = _csv(
        tmp_path, "subject,Onset, Apex\r\ns1,a/on.png,a/ap.png\r\ns2,b.png,\r\n", "utf-8-sig"
    )
    assert read_rows(manifest) == [
        Row(tmp_path, onset="a/on.png", apex="a/ap.png"),
        Row(tmp_path, onset="b.png", apex=""),
    ]


def test_a_repeated_row_is_scored_once(tmp_path: Path) -> None:
    """Results are identified by their input: on resuming, the second would be skipped."""
    assert len(read_rows(_csv(tmp_path, "clip\na.mp4\nb.mp4\na.mp4\n"))) == 2


def test_clips_of_a_folder_are_found_recursively_in_order(tmp_path: Path) -> None:
    for name in ("b.MP4", "a/c.webm", "a/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"a")
    assert [row.files for row in read_rows(tmp_path)] == [{"clip": "a/c.webm"}, {"clip": "b.MP4"}]


def test_a_name_fits_on_one_line_of_unicode(tmp_path: Path) -> None:
    """JSON lines, CSV and Parquet accept neither line ends nor invalid bytes; the file is found."""
    (tmp_path / "a\n\udcff.mp4").write_bytes(b"a")
    (row,) = read_rows(tmp_path)
    assert row.files == {"clip": "a\\n\\udcff.mp4"}
    assert (row.folder / (row.clip or "")).is_file()


def test_a_parquet_manifest_is_read(tmp_path: Path) -> None:
    columns = {"clip": ["a.mp4", None], "subject": ["s1", "s2"]}
    parquet.write_table(pa.table(columns), tmp_path / "study.parquet")
    assert read_rows(tmp_path / "study.parquet") == [
        Row(tmp_path, clip="a.mp4"),
        Row(tmp_path, clip=""),
    ]


INDEXED = (
    "Clip; Onset Index ;apex_index;note\r\na.mp4;5;9;first\r\n"
    ';;;\r\n\r\na.mp4;;12.0;\r\n"b;ü.mp4";;;\r\n'
)
MARKED = {"utf-8": "", "utf-8-sig": "", "utf-16-le": "\ufeff", "utf-16-be": "\ufeff"}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", MARKED)
@pytest.mark.parametrize("before", ["", "sep"])
def test_a_table_is_read_as_spreadsheets_write_it(
    tmp_path: Path, separator: str, encoding: str, before: str
) -> None:
    """Excel writes semicolons or tabs, UTF-16, blank rows and "sep=;", depending on the locale."""
    text = INDEXED.replace(";", separator).replace(f"b{separator}ü", "b;ü")
    if before:
        text = f"sep={separator}\r\n{text}"
    assert read_rows(_csv(tmp_path, MARKED[encoding] + text, encoding)) == [
        Row(tmp_path, clip="a.mp4", onset_index=5, apex_index=9),
        Row(tmp_path, clip="a.mp4", apex_index=12),
        Row(tmp_path, clip="b;ü.mp4"),
    ]


def test_a_tab_separated_table_may_have_its_own_suffix(tmp_path: Path) -> None:
    _csv(tmp_path, "onset\tapex\na.png\tb, c.png\n").rename(tmp_path / "study.tsv")
    assert read_rows(tmp_path / "study.tsv") == [Row(tmp_path, onset="a.png", apex="b, c.png")]


def test_frame_numbers_of_a_parquet_manifest_are_read(tmp_path: Path) -> None:
    """In pandas, a column with missing numbers has floats."""
    columns = {
        "Clip": ["a.mp4", "b.mp4"],
        "onset_index": [0, None],
        "Apex_Index": [12.0, float("nan")],
    }
    parquet.write_table(pa.table(columns), tmp_path / "study.parquet")
    first, second = read_rows(tmp_path / "study.parquet")
    assert first == Row(tmp_path, clip="a.mp4", onset_index=0, apex_index=12)
    assert second == Row(tmp_path, clip="b.mp4")
    assert first.input == {"clip": "a.mp4", "onset_index": 0, "apex_index": 12}


BAD_INDICES = ("x", "-1", "1.5", "inf", "nan?", "1e40")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("onset\na.png\n", "needs the columns onset and apex, or the column clip"),
        ("clip,onset,apex\nEP01,a.png,b.png\n", "onset is not a frame number"),
        ("clip\n", "nothing to score"),
        ("", "nothing to score"),
        ("clip\n\x00\xff\n", "cannot be read"),
        ("clip\npr\xfcfung.mp4\n", "UTF-8"),  # in one of many code pages
        ("clip\na,b.mp4\n", "more cells on line 2"),
        ("clip,Clip\na.mp4,b.mp4\n", "column clip more than once"),
        ("onset,apex,apex_index\na.png,b.png,3\n", "frame numbers for pictures"),
        *(
            (f"clip,apex_index\na.mp4,5\na.mp4,{cell}\n", "on line 3, apex_index is not")
            for cell in BAD_INDICES
        ),
    ],
)
def test_an_invalid_manifest_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        read_rows(_csv(tmp_path, text, "latin-1"))


@pytest.mark.parametrize("name", ["missing.csv", "missing.parquet", "missing", "broken.parquet"])
def test_a_file_that_is_not_a_manifest_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(ManifestError, match=name) as refused:
        read_rows(tmp_path / name)
    assert "\n" not in str(refused.value)
