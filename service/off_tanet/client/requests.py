"""What is asked of the service, and what comes of it, whoever carries it there."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import httpx

from off_tanet.client import problems, responses
from off_tanet.types import ExpressionCallback, FaceMode, Prediction, Progress, VideoSpotting

T = TypeVar("T")

_EVENTS = {"Accept": "text/event-stream"}
_WHOLE = "arrays,crops"  # what a Prediction is made of beside the usual answer


@dataclass(frozen=True, slots=True)
class Ask(Generic[T]):
    """One request and how its answer is read; `streamed` where it is told as it comes."""

    path: str
    files: Mapping[str, bytes] = field(repr=False)
    query: Mapping[str, str]
    read: Callable[[str], T]
    last: str = ""  # the event that ends a stream
    fields: Mapping[str, str] = field(default_factory=dict)
    streamed: bool = False
    patient: bool = False  # about work of minutes, in which nothing may come for long

    def arguments(self) -> dict[str, Any]:
        """What httpx's `stream` is called with."""
        arguments: dict[str, Any] = {
            "method": "POST",
            "url": self.path,
            "params": dict(self.query),
            "files": {name: (name, data) for name, data in self.files.items()},
            "data": dict(self.fields),
        }
        if self.streamed:
            arguments["headers"] = _EVENTS
        if self.patient:
            arguments["timeout"] = httpx.Timeout(60.0, read=None)
        return arguments


def frames(onset: bytes, apex: bytes, face: FaceMode) -> Ask[Prediction]:
    return Ask(
        "v1/predictions/frames",
        {"onset": onset, "apex": apex},
        {"face": face, "include": _WHOLE},
        responses.prediction,
    )


def clip(
    video: bytes, onset: int | None, apex: int | None, face: FaceMode, streamed: bool
) -> Ask[Prediction]:
    given = {"onset_index": onset, "apex_index": apex}
    return Ask(
        "v1/predictions/clip",
        {"video": video},
        {"face": face, "include": f"{_WHOLE},motion"},
        responses.prediction,
        last="prediction",
        fields={name: str(index) for name, index in given.items() if index is not None},
        streamed=streamed,
    )


def video(video: bytes, face: FaceMode) -> Ask[VideoSpotting]:
    return Ask(
        "v1/predictions/video",
        {"video": video},
        {"face": face, "include": _WHOLE},
        responses.spotting,
        last="spotting",
        streamed=True,
        patient=True,
    )


@dataclass(slots=True)
class EventReader(Generic[T]):
    """Takes in the events of a stream, telling of progress and of what is found."""

    ask: Ask[T]
    progress: Progress | None = None
    on_expression: ExpressionCallback | None = None
    told: bool = False  # of something found: asking again would tell of it twice
    answer: T | None = None

    def hear(self, name: str, data: str) -> None:
        """One event. Raises the error of a problem."""
        if name == "progress" and self.progress:
            step = json.loads(data)
            self.progress(step["stage"], step["done"], step["total"])
        elif name == "expression" and self.on_expression:
            self.told = True
            self.on_expression(responses.expression(data))
        elif name == "problem":
            raise problems.error_in(data)
        elif name == self.ask.last:
            self.answer = self.ask.read(data)

    def end(self) -> T:
        """The answer. Raises httpx.RemoteProtocolError where the stream broke off before it."""
        if self.answer is None:
            raise httpx.RemoteProtocolError("the stream of events broke off")
        return self.answer
