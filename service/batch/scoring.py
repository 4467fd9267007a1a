"""One row of a batch: files in, the API's answer or its problem out. Never raises for a bad file.

Plain functions and plain values: whatever carries rows to a Recognizer can call them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from service import files, logs
from service.batch.manifest import Row
from service.jobs import ClipJob, FramesJob
from service.recognition.errors import LimitExceededError, OffTanetError, UnreadableFileError
from service.recognition.recognizer import FaceMode, Recognizer
from service.recognition.types import Progress


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a row: `answer` is a prediction as the API gives it, or has a `problem`."""

    row: Row
    answer: Mapping[str, object]

    @property
    def record(self) -> dict[str, object]:
        """All of it as one JSON object: `input` holds the paths, the rest is the answer."""
        return {"input": self.row.files, **self.answer}

    @property
    def problem_code(self) -> str | None:
        """The `code` of the problem; None for a prediction."""
        problem = self.answer.get("problem")
        return str(problem["code"]) if isinstance(problem, Mapping) else None


@dataclass(frozen=True, slots=True)
class ScoreJob:
    """`score` as a job for a worker process, which reads the files itself."""

    row: Row
    face: FaceMode = "auto"

    def __call__(self, recognizer: Recognizer, _report: Progress) -> Result:
        return score(self.row, recognizer, self.face)


def score(row: Row, recognizer: Recognizer, face: FaceMode = "auto") -> Result:
    """The prediction for `row`, or what was wrong with it, be it an error of ours."""
    try:
        answer = _job(row, recognizer, face)(recognizer, lambda *_: None)
    except OffTanetError as error:
        return failed(row, error)
    except Exception as error:
        return failed(row, OffTanetError(f"The recognition failed: {logs.told(error)}."))
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


def _job(row: Row, recognizer: Recognizer, face: FaceMode) -> FramesJob | ClipJob:
    def content(name: str | None) -> bytes:
        if not name:
            raise UnreadableFileError("The manifest names no file here.")
        return files.read(row.folder / name, recognizer.limits.upload_bytes)

    if row.clip is not None:
        return ClipJob(content(row.clip), face=face)
    return FramesJob(content(row.onset), content(row.apex), face)
