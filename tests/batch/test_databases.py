"""Sheets of databases as manifests: their columns, numbers, folders and separators."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from off_tanet.batch.manifest import ManifestError, read_rows, read_sources
from off_tanet.batch.rows import Row
from off_tanet.batch.scoring import score
from off_tanet.recognition.recognizer import Recognizer
from pyarrow import parquet

from tests.support import factories

CASME = "Subject;Filename;OnsetFrame;ApexFrame;OffsetFrame;Estimated Emotion\n"


def clip(folder: Path, *numbers: int) -> Path:
    folder.mkdir(parents=True)
    for number in numbers:
        (folder / f"img{number}.png").write_bytes(factories.png(factories.picture()))
    return folder


def sheet(folder: Path, text: str) -> Path:
    (folder / "sheet.csv").write_text(text, encoding="utf-8")
    return folder / "sheet.csv"


@pytest.mark.parametrize("subject_folder", ["sub01", "s01", "1", "."])
def test_a_sheet_of_casme_names_clips_and_frames(tmp_path: Path, subject_folder: str) -> None:
    """Frame 46 is the picture with this number, wherever the folder begins; "/" is no apex."""
    clip(tmp_path / subject_folder / "EP02", *range(40, 120))
    text = f"{CASME}1;EP02;46;105;110;happiness\n1;EP02;46.0;/;110;disgust\n"
    path = "EP02" if subject_folder == "." else f"{subject_folder}/EP02"
    first, second = read_rows(sheet(tmp_path, text), fps=200)
    assert first == Row(tmp_path, clip=path, onset_index=6, apex_index=65, fps=200)
    assert second == Row(tmp_path, clip=path, onset_index=6, fps=200)
    assert dict(first.others) == {
        "Subject": "1",
        "OnsetFrame": "46",
        "ApexFrame": "105",
        "OffsetFrame": "110",
        "Estimated Emotion": "happiness",
    }


def test_columns_of_samm_are_read(tmp_path: Path) -> None:
    clip(tmp_path / "006/006_1_2", 5562, 5588, 5632)
    text = "Subject,Filename,Onset Frame,Apex Frame,Offset Frame\n006,006_1_2,5562,5588,5632\n"
    (row,) = read_rows(sheet(tmp_path, text), fps=200)
    assert row == Row(tmp_path, clip="006/006_1_2", onset_index=0, apex_index=1, fps=200)


def test_onset_and_apex_next_to_a_clip_are_frame_numbers(tmp_path: Path) -> None:
    clip(tmp_path / "EP01", 45, 46, 59)
    (row,) = read_rows(sheet(tmp_path, "clip,onset,apex\nEP01,46,59\n"), fps=100)
    assert (row.onset_index, row.apex_index) == (1, 2)


def test_a_file_name_next_to_pictures_is_a_note(tmp_path: Path) -> None:
    (row,) = read_rows(sheet(tmp_path, "filename,onset,apex\ns1,a.png,b.png\n"))
    assert row == Row(tmp_path, onset="a.png", apex="b.png")
    assert row.others == (("filename", "s1"),)


def test_a_clip_that_does_not_exist_gets_a_problem_of_its_own(tmp_path: Path) -> None:
    """A study is scored although one folder of it was not delivered."""
    (row,) = read_rows(sheet(tmp_path, f"{CASME}1;EP09;46;59;60;fear\n"), fps=200)
    assert score(row, Recognizer()).problem_code == "unreadable_file"


@pytest.mark.parametrize(
    ("cells", "fps", "message"),
    [
        ("1;EP02;39;59;60;x", 200, "on line 2, onsetframe is not the number of a picture"),
        ("1;EP02;x;59;60;x", 200, "on line 2, onsetframe is not a frame number"),
        ("1;a.mp4;46;59;60;x", 200, "in a video, use onset_index"),
        ("1;EP02;46;59;60;x", None, "names the folder of frames EP02: give --fps"),
    ],
)
def test_a_frame_that_cannot_be_found_is_refused(
    tmp_path: Path, cells: str, fps: float | None, message: str
) -> None:
    """Before any work: a spotted frame instead of the given one would not be noticed."""
    clip(tmp_path / "EP02", *range(40, 60))
    (tmp_path / "a.mp4").touch()
    with pytest.raises(ManifestError, match=message):
        read_rows(sheet(tmp_path, f"{CASME}{cells}\n"), fps)


def test_folders_of_frames_are_clips_at_a_frame_rate(tmp_path: Path) -> None:
    clip(tmp_path / "s1/EP01", 1, 2)
    clip(tmp_path / "s1/one", 1)
    clip(tmp_path / ".hidden/EP01", 1, 2)
    (tmp_path / "a.mp4").write_bytes(b"a")
    assert [row.clip for row in read_rows(tmp_path)] == ["a.mp4"]
    assert read_rows(tmp_path, 100) == [
        Row(tmp_path, clip="a.mp4", fps=100),
        Row(tmp_path, clip="s1/EP01", fps=100),
    ]


def test_several_sources_have_distinct_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`EP01.mp4` of two people would be one result."""
    monkeypatch.chdir(tmp_path)
    for name in ("s1/EP01.mp4", "s2/EP01.mp4"):
        Path(name).parent.mkdir()
        Path(name).write_bytes(b"a")
    Path("s2/list.csv").write_text("clip\nEP01.mp4\n")
    sources = [Path("s1"), Path("s2/list.csv"), Path("s1/EP01.mp4")]
    assert [row.clip for row in read_sources(sources)] == ["s1/EP01.mp4", "s2/EP01.mp4"]
    assert read_sources(sources[2:]) == [Row(Path("s1"), clip="EP01.mp4")]


def test_other_columns_of_a_parquet_manifest_are_text(tmp_path: Path) -> None:
    """Only columns of single values: a table may hold pictures, too."""
    columns = {"clip": ["a.mp4"], "age": [31], "score": [None], "bytes": [b"1"], "list": [[1]]}
    parquet.write_table(pa.table(columns), tmp_path / "study.parquet")
    (row,) = read_rows(tmp_path / "study.parquet")
    assert row.others == (("age", "31"), ("score", ""))
