"""Scores one row of a batch: a prediction as the HTTP API returns it, or a problem.

A bad file never raises. The values pickle, so that rows can be sent to other processes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from off_tanet import files, logs
from off_tanet.batch.rows import Row
from off_tanet.errors import LimitExceededError, OffTanetError, UnreadableFileError
from off_tanet.face_choice import FaceChoice
from off_tanet.recognition.media.frame_files import FrameFiles
from off_tanet.recognition.recognizer import Recognizer
from off_tanet.workers.answer_types import Answer
from off_tanet.workers.answers import clip_answer, frames_answer
from off_tanet.workers.messages import Job, Report


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a row.

    Attributes:
        row: The row.
        answer: The API's JSON object of a prediction, or an object with a `problem`.
    """

    row: Row
    answer: dict[str, Any]

    @property
    def record(self) -> dict[str, object]:
        """The answer as a JSON object, with what it answers.

        `input` has the row's paths and indices, `manifest` the other columns, if there are any.
        """
        others = {"manifest": dict(self.row.others)} if self.row.others else {}
        return {"input": self.row.input, **others, **self.answer}

    @property
    def problem_code(self) -> str | None:
        """The `code` of the problem; None for a prediction."""
        problem = self.answer.get("problem")
        return str(problem["code"]) if isinstance(problem, Mapping) else None


class ScoreJob(Job[dict[str, Any]], frozen=True):
    """`score` as a job for a worker process, which reads the files itself.

    Paths are bytes, since file names need not be valid text.
    """

    folder: bytes
    paths: dict[str, bytes]
    face: FaceChoice = "auto"
    onset_index: int | None = None
    apex_index: int | None = None
    fps: float | None = None

    @classmethod
    def of(cls, row: Row, face: FaceChoice) -> ScoreJob:
        """Create the job of a row."""
        encoded = {name: os.fsencode(path) for name, path in row.paths.items()}
        folder = os.fsencode(row.folder)
        return cls(folder, encoded, face, row.onset_index, row.apex_index, row.fps)

    def __call__(self, recognizer: Recognizer, _report: Report, _body: bytes, /) -> dict[str, Any]:
        """Score the row and return its answer."""
        paths = {name: os.fsdecode(path) for name, path in self.paths.items()}
        row = Row(
            Path(os.fsdecode(self.folder)),
            onset=paths.get("onset"),
            apex=paths.get("apex"),
            clip=paths.get("clip"),
            onset_index=self.onset_index,
            apex_index=self.apex_index,
            fps=self.fps,
        )
        return dict(score(row, recognizer, self.face).answer)


def score(row: Row, recognizer: Recognizer, face: FaceChoice = "auto") -> Result:
    """Score a row.

    Args:
        row: The row, whose files are read.
        recognizer: A Recognizer of this process.
        face: The face to analyse, as for `Recognizer`.

    Returns:
        The prediction, or the problem with the row's files; an internal error is a problem, too.
    """
    try:
        answer = _answer(row, recognizer, face)
    except OffTanetError as error:
        return problem_result(row, error)
    except Exception as error:
        return problem_result(
            row, OffTanetError(f"The recognition failed: {logs.describe_error(error)}.")
        )
    return Result(row, json.loads(answer.json))


def problem_result(row: Row, error: OffTanetError) -> Result:
    """Return an error as the result of a row, with the fields of the API's problems."""
    problem: dict[str, object] = {
        "code": error.code,
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
    }
    if isinstance(error, LimitExceededError):
        problem["limit"] = f"max_{error.limit}"
    return Result(row, {"problem": problem})


def _answer(row: Row, recognizer: Recognizer, face: FaceChoice) -> Answer:
    def content(name: str | None) -> bytes:
        return files.read(_path(row, name), recognizer.limits.upload_bytes)

    if row.clip is None:
        return frames_answer(recognizer, content(row.onset), content(row.apex), face)
    path = _path(row, row.clip)
    return clip_answer(
        recognizer,
        FrameFiles.of(path, row.fps) if row.fps and path.is_dir() else content(row.clip),
        face,
        onset_index=row.onset_index,
        apex_index=row.apex_index,
    )


def _path(row: Row, name: str | None) -> Path:
    if not name:
        raise UnreadableFileError("The manifest names no file in this row.")
    return row.folder / name
