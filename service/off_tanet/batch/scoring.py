"""One row of a batch: files in, the API's answer or its problem out. Never raises for a bad file.

Plain functions and plain values: whatever carries rows to a Recognizer can call them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from off_tanet import files, logs
from off_tanet.batch.manifest import CLIP, PAIR, Row
from off_tanet.errors import LimitExceededError, OffTanetError, UnreadableFileError
from off_tanet.recognition.recognizer import Recognizer
from off_tanet.types import FaceMode
from off_tanet.workers.answers import Answer, clip_answer, frames_answer
from off_tanet.workers.messages import Job, Report


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a row: `answer` is a prediction as the API gives it, or has a `problem`."""

    row: Row
    answer: dict[str, Any]

    @property
    def record(self) -> dict[str, object]:
        """All of it as one JSON object: `input` holds the paths, the rest is the answer."""
        return {"input": self.row.input, **self.answer}

    @property
    def problem_code(self) -> str | None:
        """The `code` of the problem; None for a prediction."""
        problem = self.answer.get("problem")
        return str(problem["code"]) if isinstance(problem, Mapping) else None


class ScoreJob(Job[dict[str, Any]], frozen=True):
    """`score` as a job for a worker process, which reads the files itself.

    The row's paths are bytes, as the file system has them: not all of them are text.
    """

    folder: bytes
    names: dict[str, bytes]
    face: FaceMode = "auto"
    onset_index: int | None = None
    apex_index: int | None = None

    @classmethod
    def of(cls, row: Row, face: FaceMode) -> ScoreJob:
        names = {name: getattr(row, name) for name in (*PAIR, *CLIP)}
        given = {name: os.fsencode(path) for name, path in names.items() if path is not None}
        return cls(os.fsencode(row.folder), given, face, row.onset_index, row.apex_index)

    def __call__(self, recognizer: Recognizer, _report: Report, _body: bytes, /) -> dict[str, Any]:
        names = {name: os.fsdecode(path) for name, path in self.names.items()}
        row = Row(
            Path(os.fsdecode(self.folder)),
            onset=names.get("onset"),
            apex=names.get("apex"),
            clip=names.get("clip"),
            onset_index=self.onset_index,
            apex_index=self.apex_index,
        )
        return dict(score(row, recognizer, self.face).answer)


def score(row: Row, recognizer: Recognizer, face: FaceMode = "auto") -> Result:
    """The prediction for `row`, or what was wrong with it, be it an error of ours."""
    try:
        answer = _answer(row, recognizer, face)
    except OffTanetError as error:
        return failed(row, error)
    except Exception as error:
        return failed(row, OffTanetError(f"The recognition failed: {logs.describe_error(error)}."))
    return Result(row, json.loads(answer.json))


def failed(row: Row, error: OffTanetError) -> Result:
    """The row of an error, in the words of the API's problems."""
    problem: dict[str, object] = {
        "code": error.code,
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
    }
    if isinstance(error, LimitExceededError):
        problem["limit"] = f"max_{error.limit}"
    return Result(row, {"problem": problem})


def _answer(row: Row, recognizer: Recognizer, face: FaceMode) -> Answer:
    def content(name: str | None) -> bytes:
        if not name:
            raise UnreadableFileError("The manifest names no file here.")
        return files.read(row.folder / name, recognizer.limits.upload_bytes)

    if row.clip is not None:
        return clip_answer(
            recognizer,
            content(row.clip),
            face,
            onset_index=row.onset_index,
            apex_index=row.apex_index,
        )
    return frames_answer(recognizer, content(row.onset), content(row.apex), face)
