"""The requests that a client can send, and the parser of each response."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import httpx

from off_tanet.client import responses
from off_tanet.face_choice import FaceChoice, FaceCount, format_face
from off_tanet.types import ModelCard, Prediction, VideoSpotting

T = TypeVar("T")

_EVENT_STREAM = {"Accept": "text/event-stream"}
_INCLUDED = "arrays,crops,signals"  # what a Prediction holds and the default response does not


@dataclass(frozen=True, slots=True)
class Request(Generic[T]):
    """One request and the parser of its response.

    Attributes:
        path: Relative to the service's URL.
        parse: Turns the JSON of the response, or of the last event, into the result.
        method: The HTTP method.
        query: Parameters of the URL.
        files: File fields of the form, by name.
        fields: Text fields of the form, by name.
        last_event: Name of the event that carries the result of a stream.
        streamed: Whether to ask for server-sent events.
        long_running: Whether minutes may pass between two events; disables the read timeout.
    """

    path: str
    parse: Callable[[str], T]
    method: str = "POST"
    query: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    fields: Mapping[str, str] = field(default_factory=dict)
    last_event: str = ""
    streamed: bool = False
    long_running: bool = False

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of httpx's `stream`."""
        arguments: dict[str, Any] = {
            "method": self.method,
            "url": self.path,
            "params": dict(self.query),
            "files": {name: (name, data) for name, data in self.files.items()},
            "data": dict(self.fields),
        }
        if self.streamed:
            arguments["headers"] = _EVENT_STREAM
        if self.long_running:
            arguments["timeout"] = httpx.Timeout(60.0, read=None)
        return arguments


def headers(key: str | None) -> dict[str, str]:
    """Return the headers that all requests share."""
    return {} if key is None else {"X-API-Key": key}


CARD: Request[ModelCard] = Request("v1/model", responses.card, method="GET")


def frames(onset: bytes, apex: bytes, face: FaceChoice, faces: FaceCount) -> Request[Prediction]:
    """Return the request for two pictures."""
    return Request(
        "v1/predictions/frames",
        responses.prediction,
        query=_query(face, faces, _INCLUDED),
        files={"onset": onset, "apex": apex},
    )


def clip(
    video: bytes,
    onset_index: int | None,
    apex_index: int | None,
    face: FaceChoice,
    faces: FaceCount,
    streamed: bool,
) -> Request[Prediction]:
    """Return the request for a short clip; an index of None is spotted by the service."""
    indices = {"onset_index": onset_index, "apex_index": apex_index}
    return Request(
        "v1/predictions/clip",
        responses.prediction,
        query=_query(face, faces, f"{_INCLUDED},motion"),
        files={"video": video},
        fields={name: str(index) for name, index in indices.items() if index is not None},
        last_event="prediction",
        streamed=streamed,
    )


def video(video: bytes, face: FaceChoice, faces: FaceCount) -> Request[VideoSpotting]:
    """Return the request for a long video."""
    return Request(
        "v1/predictions/video",
        responses.spotting,
        query=_query(face, faces, f"{_INCLUDED},motion"),
        files={"video": video},
        last_event="spotting",
        streamed=True,
        long_running=True,
    )


def _query(face: FaceChoice, faces: FaceCount, include: str) -> dict[str, str]:
    query = {"face": format_face(face), "include": include}
    return query if faces == "one" else {**query, "faces": faces}  # older services have no `faces`
