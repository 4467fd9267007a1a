"""One row: the API's fields for a valid one, the API's problem for an invalid one."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest
from off_tanet.batch.rows import Row
from off_tanet.batch.runner import score_rows
from off_tanet.batch.schema import columns, flatten
from off_tanet.batch.scoring import Result, ScoreJob, score
from off_tanet.configuration import ASSETS, Configuration
from off_tanet.face_choice import FaceChoice
from off_tanet.limits import EngineLimits, MediaLimits
from off_tanet.recognition.recognizer import Recognizer
from off_tanet.schemas.prediction import PredictionBody
from off_tanet.workers.messages import Report

from tests.support import factories, two_people
from tests.support.requests import CLASSES

SAMPLES = ASSETS / "samples"
PAIR = Row(SAMPLES, onset="surprise_onset.jpg", apex="surprise_apex.jpg")
CLIP = Row(SAMPLES, clip="clip.mp4")
COLUMNS = tuple(columns(CLASSES))


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer()


@pytest.mark.parametrize("row", [PAIR, CLIP])
def test_a_good_row_is_a_prediction_of_the_api(recognizer: Recognizer, row: Row) -> None:
    result = score(row, recognizer)
    assert PredictionBody.model_validate(result.answer).label == "surprise"
    assert result.record["input"] == row.files
    assert result.problem_code is None


@pytest.mark.parametrize("row", [PAIR, CLIP, Row(SAMPLES, clip="none.mp4")])
def test_a_table_has_a_column_for_every_field(recognizer: Recognizer, row: Row) -> None:
    """A new field of the API must not be missing in CSV and Parquet."""
    record = score(row, recognizer).record
    leaves, cells = _leaves(record), flatten(record, COLUMNS)
    assert list(cells) == list(COLUMNS)
    assert set(leaves) <= set(cells)
    assert {**dict.fromkeys(cells), **leaves} == cells


def test_a_table_has_the_classes_of_the_model() -> None:
    named = [name for name in columns(("joy", "fear")) if name.startswith("probabilities")]
    assert named == ["probabilities.joy", "probabilities.fear"]


def test_a_row_without_an_expression_has_a_reason(recognizer: Recognizer) -> None:
    still = Row(SAMPLES, onset="surprise_onset.jpg", apex="surprise_onset.jpg")
    cells = flatten(score(still, recognizer).record, COLUMNS)
    assert (cells["label"], cells["reason"], cells["problem.code"]) == (None, "no_motion", None)
    assert isinstance(cells["expression_probability"], float)


def _leaves(value: object, name: str = "") -> dict[str, object]:
    if not isinstance(value, dict):
        return {name: value}
    parts = ((f"{name}.{part}" if name else part, inner) for part, inner in value.items())
    return {leaf: inner for part in parts for leaf, inner in _leaves(part[1], part[0]).items()}


def test_frame_numbers_of_a_row_are_used(recognizer: Recognizer) -> None:
    """Also in a worker, which gets the row as a job; results keep such rows apart."""
    row = Row(SAMPLES, clip="clip.mp4", onset_index=0, apex_index=9)
    assert ScoreJob.of(row, "auto")(recognizer, cast(Report, None), b"")["apex"]["index"] == 9
    result = score(row, recognizer)
    assert [result.answer[moment]["index"] for moment in ("onset", "apex")] == [0, 9]
    assert result.record["input"] == {"clip": "clip.mp4", "onset_index": 0, "apex_index": 9}
    assert flatten(result.record, COLUMNS)["input.onset_index"] == 0


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (Row(SAMPLES, onset="none.jpg", apex="surprise_apex.jpg"), "unreadable_file"),
        (Row(SAMPLES, onset="surprise_onset.jpg", apex=""), "unreadable_file"),
        (Row(SAMPLES, clip="a\0b"), "unreadable_file"),
        (Row(SAMPLES, clip="clip.mp4", onset_index=9, apex_index=3), "onset_not_before_apex"),
        (Row(SAMPLES, clip="surprise_onset.jpg"), "unsupported_media_type"),
        (Row(SAMPLES, onset="clip.mp4", apex="clip.mp4"), "unsupported_media_type"),
    ],
)
def test_a_bad_row_has_a_problem(recognizer: Recognizer, row: Row, code: str) -> None:
    result = score(row, recognizer)
    assert result.problem_code == code
    assert set(result.record) == {"input", "problem"}


def test_a_file_over_the_limit_names_its_setting() -> None:
    small = Recognizer(Configuration(media=MediaLimits(upload_bytes=1000)))
    problem = cast(dict[str, object], score(CLIP, small).answer["problem"])
    assert (problem["status"], problem["limit"]) == (413, "max_upload_bytes")


class Broken:
    """A Recognizer with an internal error."""

    limits = MediaLimits()

    def frames(self, *_args: object, **_options: object) -> None:
        raise ZeroDivisionError("by a word of the upload")


def test_an_internal_error_is_a_row_too() -> None:
    """Reported by type and place as in the log, without the message, which could quote a file."""
    result: Result = score(PAIR, cast(Recognizer, Broken()))
    assert result.problem_code == "internal_error"
    assert "ZeroDivisionError in Broken.frames" in str(result.record)
    assert "upload" not in str(result.record)


def test_face_none_is_passed_on(recognizer: Recognizer) -> None:
    assert score(PAIR, recognizer, "none").answer["face"] is None


def test_scoring_needs_no_terminal() -> None:
    """Workers and clusters import it without the packages of the command line."""
    program = (
        "import sys; from off_tanet.batch import runner, scoring, writers;"
        "print({'typer', 'rich', 'pyarrow', 'uvicorn'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert ran.stdout == b"set()\n"


def test_a_chosen_face_reaches_the_workers(tmp_path: Path) -> None:
    """By index or by box; a row without this person is a problem of its own."""
    frames = two_people.clip()
    for name, place in (("onset", 5), ("apex", 14)):
        (tmp_path / f"{name}.png").write_bytes(factories.png(frames[place]))
    rows = [Row(tmp_path, onset="onset.png", apex="apex.png")]

    async def scored(face: FaceChoice) -> list[Result]:
        limits = EngineLimits(workers=1)
        return [result async for result in score_rows(rows, Configuration(), limits, face)]

    for face, label in ((1, "positive"), ((400.0, 60.0, 280.0, 280.0), "surprise")):
        (result,) = asyncio.run(scored(face))
        assert result.answer["label"] == label
    (result,) = asyncio.run(scored(2))
    assert result.problem_code == "no_face"
