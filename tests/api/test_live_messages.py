"""What a live stream is made of: its messages, its handshake, and the piece that waits."""

from __future__ import annotations

import asyncio
import base64
import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from off_tanet.api.http_protocol.handshake import is_handshake
from off_tanet.api.live.close_codes import close_code
from off_tanet.api.pending_events import PendingEvents
from off_tanet.errors import (
    DrainingError,
    InvalidRequestError,
    LimitExceededError,
    MalformedJsonError,
    OffTanetError,
    QueueFullError,
    WorkerLostError,
)
from off_tanet.schemas.live import TIME_BYTES, EncodedFrame, Start
from off_tanet.workers.feed import Feed

HANDSHAKE = [
    (b"host", b"x"),
    (b"connection", b"keep-alive, Upgrade"),
    (b"upgrade", b"WebSocket"),
    (b"sec-websocket-version", b"13"),
    (b"sec-websocket-key", base64.b64encode(bytes(16))),
]


@given(st.integers(0, 2**64 - 1), st.binary(max_size=200))
def test_any_message_is_a_frame_or_an_error(index: int, message: bytes) -> None:
    """The bytes come from a client: nothing else may be raised."""
    try:
        frame = EncodedFrame.of_message(index, message)
    except InvalidRequestError:
        time_s = struct.unpack("<d", message[:TIME_BYTES])[0] if len(message) > 8 else -1.0
        assert not (math.isfinite(time_s) and time_s >= 0)
        return
    assert struct.pack("<d", frame.time_s) + frame.picture == message
    assert EncodedFrame.unpack(frame.pack()) == frame


@given(st.text(max_size=200))
def test_any_other_text_is_an_error(text: str) -> None:
    with pytest.raises((MalformedJsonError, InvalidRequestError)):
        Start.parse(text)


def test_a_start_has_the_options_of_a_video() -> None:
    text = '{"event": "start", "data": {"key": "ot_1", "face": "2", "include": "signals,flow"}}'
    start = Start.parse(text)
    assert (start.key, start.options) == ("ot_1", {"face": "2", "include": "signals,flow"})


def test_a_handshake() -> None:
    assert is_handshake(b"GET", "1.1", b"/v1/stream", HANDSHAKE)
    assert is_handshake(b"GET", "1.1", b"/", [*HANDSHAKE, (b"content-length", b"0")])
    assert not is_handshake(b"GET", "1.0", b"/", HANDSHAKE)
    assert not is_handshake(b"GET", "1.1", "/é".encode(), HANDSHAKE)
    assert not is_handshake(b"GET", "1.1", b"/", [*HANDSHAKE, (b"transfer-encoding", b"chunked")])


@given(st.sampled_from(range(1, len(HANDSHAKE))), st.booleans(), st.binary(max_size=30))
def test_half_a_handshake_is_none(place: int, twice: bool, value: bytes) -> None:
    """A header that is missing, wrong or there twice."""
    name, right = HANDSHAKE[place]
    if name == b"connection":
        value = value.replace(b",", b"")
    if value.strip().lower() in (right.lower(), b"upgrade") or len(value) == len(right):
        value = b""
    changed = [*HANDSHAKE[:place], (name, value), *HANDSHAKE[place + 1 :]]
    if twice and name != b"connection":
        changed.append(HANDSHAKE[place])
    assert not is_handshake(b"GET", "1.1", b"/v1/stream", changed)


def test_a_feed_keeps_the_newest_piece() -> None:
    async def run() -> None:
        feed = Feed(deadline_s=1)
        for piece in (b"1", b"2", b"3"):
            feed.put(piece)
        assert await feed.next() == b"3"
        waiting = asyncio.create_task(feed.next())
        await asyncio.sleep(0)
        feed.put(b"4")
        assert await waiting == b"4"
        feed.put(b"5")
        feed.end()
        feed.put(b"6")
        assert [await feed.next() for _ in range(3)] == [b"5", b"", b""]

    asyncio.run(run())


def test_events_wait_in_bounded_memory() -> None:
    """A later motion replaces one that was not read; an expression must not be lost."""

    async def run() -> None:
        pending = PendingEvents(200_000)
        for _ in range(1000):
            pending.put_replaceable(bytes(1000))
        pending.put(b"an expression")
        assert not pending.overflowed
        pending.put(bytes(200_000))
        assert pending.overflowed
        found = []
        while (event := await pending.next()) is not None:
            found.append(event)
        assert len(found) == 67
        assert found[-1] == b"an expression"

    asyncio.run(run())


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DrainingError(""), 1001),
        (QueueFullError(""), 1013),
        (WorkerLostError(""), 1013),
        (OffTanetError(""), 1011),
        (LimitExceededError("", "video_pixels"), 1009),
        (LimitExceededError("", "stream_seconds"), 1008),
        (InvalidRequestError(""), 1008),
    ],
)
def test_the_code_of_a_close_says_what_to_do(error: OffTanetError, code: int) -> None:
    """1013 means: try again later."""
    assert close_code(error) == code
