"""A client of live streams, over a real WebSocket."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from off_tanet.limits import MediaLimits
from off_tanet.recognition.media.video import open_video
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.support import factories
from tests.support.serving import Server

STREAM_ROUTE = "/v1/stream"
Event = tuple[str, dict[str, Any]]


class Stream:
    """One live stream; `start` and `send` are what a client sends."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def start(self, **options: str) -> None:
        self.text({"event": "start", "data": options})

    def begin(self, **options: str) -> dict[str, Any]:
        """Start, and wait until a worker is ready."""
        self.start(**options)
        name, ready = self.event()
        assert name == "ready", ready
        return ready

    def text(self, message: object) -> None:
        self.connection.send(json.dumps(message))

    def send(self, time_s: float, picture: bytes) -> None:
        self.connection.send(struct.pack("<d", time_s) + picture)

    def end(self) -> None:
        self.text({"event": "end"})

    def event(self) -> Event:
        message = json.loads(self.connection.recv(60))
        assert set(message) == {"event", "data"}
        return message["event"], message["data"]

    def events(self) -> Iterator[Event]:
        """All events up to the end of the connection."""
        try:
            while True:
                yield self.event()
        except ConnectionClosed:
            return

    def ask(self, time_s: float, picture: bytes) -> list[Event]:
        """Send a frame; return the events up to that of the frame."""
        self.send(time_s, picture)
        found = [self.event()]
        while found[-1][0] == "expression":
            found.append(self.event())
        return found

    def ended(self) -> tuple[list[Event], int]:
        """The remaining events, and the code with which the server closes."""
        events = list(self.events())
        return events, self.connection.close_code or 0

    def problem(self) -> tuple[str, int]:
        """The code of the problem that ends the stream, and that of its close."""
        events, code = self.ended()
        name, body = events[-1]
        assert name == "problem", events
        assert body["type"] == f"urn:off-tanet:problem:{body['code']}"
        assert body["instance"].endswith(STREAM_ROUTE)
        return body["code"], code


@contextmanager
def streaming(server: Server, path: str = STREAM_ROUTE, **headers: str) -> Iterator[Stream]:
    """Open a live stream."""
    address = f"ws://127.0.0.1:{server.port}{path}"
    given = {name.replace("_", "-"): text for name, text in headers.items()}
    with connect(
        address, additional_headers=given, compression=None, proxy=None, close_timeout=5
    ) as connection:
        yield Stream(connection)


def frames_of(video: bytes) -> list[tuple[float, bytes]]:
    """The frames of a video as JPEG, with their times."""
    frames = open_video(video, MediaLimits())
    return [(frame.time_s, factories.jpeg(frame.pixels)) for frame in frames]


def whole(stream: Stream, frames: Iterable[tuple[float, bytes]], **options: str) -> list[Event]:
    """Send all frames, each when the one before is done, so that none is dropped."""
    stream.begin(**options)
    events = [event for time_s, picture in frames for event in stream.ask(time_s, picture)]
    stream.end()
    rest, code = stream.ended()
    assert code == 1000
    return [*events, *rest]
