"""Result files: after any interruption the next run continues."""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from off_tanet.batch.journal import Key, OutputError, key_of
from off_tanet.batch.rows import Row
from off_tanet.batch.schema import columns
from off_tanet.batch.writers import SUFFIXES, open_output
from pyarrow import parquet

from tests.support.requests import CLASSES

Record = Mapping[str, object]

INPUTS = [name for name in columns(CLASSES) if name.startswith("input.")]

NAMES = st.text(min_size=1, max_size=12)
INDICES = st.none() | st.integers(0, 3)
ROWS = st.builds(Row, st.just(Path()), NAMES, NAMES) | st.builds(
    Row, st.just(Path()), clip=NAMES, onset_index=INDICES, apex_index=INDICES
)
DISTINCT = st.lists(ROWS, min_size=1, max_size=4, unique_by=lambda row: key_of(row.input))


def record(row: Row) -> Record:
    return {
        "input": row.input,
        "label": None,
        "reason": "no_motion",
        "expression_probability": 0.25,
        "face": {"box": [1.5, 2.0, 3.0, 4.0], "score": 0.75},
        "onset": {"index": 3, "time_s": 0.1},
        "quality": {"warnings": ["no_motion", "cut"]},
    }


def write(path: Path, records: Sequence[Record]) -> None:
    with open_output(path, CLASSES) as output:
        for each in records:
            output.add(each)


def keys(path: Path) -> list[Key]:
    """The keys of a finished file, read by independent readers."""
    if path.suffix == ".jsonl":
        lines = path.read_text(encoding="utf-8").split("\n")[:-1]
        return [key_of(json.loads(line)["input"]) for line in lines]
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            rows: list[dict[str, object]] = list(csv.DictReader(file))
    else:
        rows = parquet.read_table(path).to_pylist()
    return [
        key_of(
            {
                name.removeprefix("input."): row[name]
                for name in columns(CLASSES)
                if "input." in name
            }
        )
        for row in rows
    ]


@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".parquet.partial"])
@settings(deadline=None)
@given(
    rows=st.lists(ROWS, min_size=1, max_size=4, unique_by=lambda row: key_of(row.input)),
    data=st.data(),
)
def test_a_file_cut_off_anywhere_is_completed(
    ending: str, rows: list[Row], data: st.DataObject
) -> None:
    """A kill or a full disk may cut the file at any byte: only the last result is lost."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"scores{ending}"
        output = path.with_suffix("") if ending == ".parquet.partial" else path
        whole = path.with_name("whole.jsonl" if output.suffix == ".parquet" else f"whole{ending}")
        write(whole, [record(row) for row in rows])
        cut = data.draw(st.integers(0, whole.stat().st_size))
        path.write_bytes(whole.read_bytes()[:cut])
        with open_output(output, CLASSES) as opened:
            left = [row for row in rows if key_of(row.input) not in opened.done]
            for row in left:
                opened.add(record(row))
        assert keys(output) == [key_of(row.input) for row in rows]


@pytest.mark.parametrize("ending", SUFFIXES)
def test_results_are_complete_before_the_run_ends(tmp_path: Path, ending: str) -> None:
    """A copy taken during a run equals what a killed run leaves."""
    path = tmp_path / f"scores{ending}"
    written = path.with_name(f"{path.name}.partial") if ending == ".parquet" else path
    with open_output(path, CLASSES) as output:
        output.add(record(Row(Path(), clip="a.mp4")))
        shutil.copy(written, tmp_path / "copy")
    assert b"a.mp4" in (tmp_path / "copy").read_bytes()
    assert (tmp_path / "copy").read_bytes().endswith(b"\n")


def test_a_table_holds_numbers_and_lists(tmp_path: Path) -> None:
    write(tmp_path / "scores.parquet", [record(Row(Path(), clip="a.mp4"))])
    (row,) = parquet.read_table(tmp_path / "scores.parquet").to_pylist()
    assert row["face.box"] == [1.5, 2.0, 3.0, 4.0]
    assert row["onset.index"] == 3
    assert row["quality.warnings"] == ["no_motion", "cut"]
    assert row["problem.code"] is None
    write(tmp_path / "scores.csv", [record(Row(Path(), clip="a.mp4"))])
    with (tmp_path / "scores.csv").open(encoding="utf-8", newline="") as file:
        (cells,) = csv.DictReader(file)
    assert json.loads(cells["face.box"]) == [1.5, 2.0, 3.0, 4.0]
    assert cells["onset.index"] == "3"


def test_a_parquet_file_is_extended_by_later_results(tmp_path: Path) -> None:
    path = tmp_path / "scores.parquet"
    write(path, [record(Row(Path(), clip="a.mp4"))])
    write(path, [record(Row(Path(), clip="b.mp4"))])
    write(path, [])
    assert keys(path) == [("", "", "a.mp4"), ("", "", "b.mp4")]
    assert [file.name for file in tmp_path.iterdir()] == ["scores.parquet"]


def test_a_run_killed_at_its_very_end_leaves_no_duplicates(tmp_path: Path) -> None:
    """Between writing the Parquet file and deleting the partial one, both contain all results."""
    path = tmp_path / "scores.parquet"
    partial = tmp_path / "scores.parquet.partial"
    with open_output(path, CLASSES) as output:
        output.add(record(Row(Path(), clip="a.mp4")))
        kept = partial.read_bytes()
    partial.write_bytes(kept)
    write(path, [record(Row(Path(), clip="b.mp4"))])
    assert keys(path) == [("", "", "a.mp4"), ("", "", "b.mp4")]


def test_a_failed_run_keeps_its_results(tmp_path: Path) -> None:
    path = tmp_path / "scores.parquet"
    with suppress(KeyboardInterrupt), open_output(path, CLASSES) as output:
        output.add(record(Row(Path(), clip="a.mp4")))
        raise KeyboardInterrupt
    assert keys(path) == [("", "", "a.mp4")]


@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".parquet"])
def test_a_file_with_other_content_is_not_changed(tmp_path: Path, ending: str) -> None:
    """Above all the manifest itself, named by mistake."""
    path = tmp_path / f"study{ending}"
    path.write_bytes(b"onset,apex\na.png,b.png\n")
    with pytest.raises(OutputError, match="study"):
        open_output(path, CLASSES)
    assert path.read_bytes() == b"onset,apex\na.png,b.png\n"


@pytest.mark.parametrize("target", ["/dev/zero", "."])
def test_an_output_that_is_not_a_file_is_refused(tmp_path: Path, target: str) -> None:
    """Existing content is read first, and a device may be endless."""
    (tmp_path / "scores.jsonl").symlink_to(target)
    with pytest.raises(OutputError, match="is not a file"):
        open_output(tmp_path / "scores.jsonl", CLASSES)


@pytest.mark.parametrize("ending", SUFFIXES)
def test_two_runs_cannot_write_to_one_file(tmp_path: Path, ending: str) -> None:
    """Both would score the same rows."""
    path = tmp_path / f"scores{ending}"
    with open_output(path, CLASSES), pytest.raises(OutputError, match="another run"):
        open_output(path, CLASSES)


@pytest.mark.parametrize(
    "name", ["scores.xlsx", "scores", "none/scores.csv", "none/scores.parquet"]
)
def test_an_impossible_output_path_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match=name):
        open_output(tmp_path / name, CLASSES)
