"""Frames of WebSockets that no library would send: too large, too many, broken, or never read."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import uvicorn
from off_tanet.api.http_protocol.protocol import bounded_protocol
from off_tanet.api.http_protocol.server import DrainingServer
from off_tanet.api.http_protocol.websocket import bounded_socket
from off_tanet.api.http_protocol.writing import Backlog
from off_tanet.settings import Settings
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.utils import ClientDisconnected

from tests.support import factories
from tests.support.live import STREAM_ROUTE, streaming
from tests.support.raw_socket import (
    BINARY,
    PING,
    START,
    TEXT,
    close_code,
    handshake,
    message,
    opened,
)
from tests.support.serving import Server, log_entries, serving
from tests.support.wire import connected, has_hung_up

FACE = factories.jpeg(factories.portrait())


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(
        tmp_path_factory.mktemp("frames"),
        workers=1,
        max_stream_frame_bytes=300_000,
        write_timeout_s=1,
        stream_idle_timeout_s=100,
    ) as running:
        yield running


def test_an_unknown_client_cannot_fill_the_memory(strict: Server) -> None:
    """Before a worker is ready, messages are small."""
    with opened(strict) as client:
        client.sendall(message(bytes(20_000), BINARY)[:100])  # its head tells
        assert close_code(client) == 1009


def test_a_message_that_is_much_too_large_is_not_read(strict: Server) -> None:
    with opened(strict) as client:
        client.sendall(message(START))
        assert b'"ready"' in client.recv(4096)
        client.sendall(message(bytes(400_000), BINARY)[:100])
        assert close_code(client) == 1009


@pytest.mark.parametrize("size", [20_000, 300_000, 5_000_000])
def test_who_sends_too_much_is_told_so(strict: Server, size: int) -> None:
    """A reset, because of what is still arriving, would not say why."""
    with opened(strict) as client:
        client.sendall(message(bytes(size), BINARY))
        assert close_code(client) == 1009


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (message(START, masked=False), 1002),
        (message(START, 3), 1002),
        (message(b"\xff\xfe"), 1007),
        (message(b"", TEXT, final=False) + message(b"", 0, final=False) * 100, 1008),
        (message(b"\xff") + message(b"", PING) + message(b"\xff"), 1007),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 1002),
    ],
    ids=["unmasked", "opcode", "utf8", "fragments", "after", "http"],
)
def test_what_breaks_the_protocol_closes_the_connection(
    strict: Server, sent: bytes, code: int
) -> None:
    with opened(strict) as client:
        client.sendall(sent)
        assert close_code(client) == code


def test_fragments_are_one_message(strict: Server) -> None:
    with opened(strict) as client:
        client.sendall(message(START[:5], final=False) + message(START[5:], 0))
        assert b'"ready"' in client.recv(4096)


def test_a_flood_of_pings_does_not_block_the_others(strict: Server) -> None:
    """A quarter of a megabyte of them would take the event loop half a second."""
    with opened(strict) as client, strict.client() as http:
        client.sendall(message(b"", PING) * 5000)
        assert http.get("/health/live").status_code == 200
        client.sendall(message(START))
        data = b""
        while b'"ready"' not in data:
            data += client.recv(65536)
        assert data.count(b"\x8a\x00") == 5000


def test_a_client_that_reads_nothing_is_aborted(strict: Server) -> None:
    """Its worker is free again."""
    with opened(strict, buffer_bytes=4096) as client:
        client.sendall(message(START))
        frame = 0
        client.settimeout(0.1)
        try:
            while not has_hung_up(client, 0):
                picture = struct.pack("<d", frame / 100) + FACE
                client.sendall(message(picture, BINARY) + message(b"x" * 100, PING) * 100)
                frame += 1
        except (TimeoutError, ConnectionError):
            pass
        assert has_hung_up(client)
    with streaming(strict) as stream:
        stream.begin()


def test_a_response_that_is_not_read_counts_for_the_socket_after_it(strict: Server) -> None:
    """Its answers would wait in memory without a limit, and the service could not stop."""
    answered = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
    with connected(strict, buffer_bytes=4096) as client:
        client.sendall(answered + handshake())
        assert has_hung_up(client)


@pytest.mark.slow
def test_a_client_that_reads_nothing_does_not_hold_up_a_shutdown(tmp_path: Path) -> None:
    """However long it might take while the service runs."""
    hour = 3600
    with serving(
        tmp_path,
        workers=1,
        write_timeout_s=hour,
        shutdown_timeout_s=hour,
        stream_idle_timeout_s=hour,
    ) as server:
        client = opened(server, buffer_bytes=4096)
        client.sendall(message(START))
        client.settimeout(0.3)
        with client:
            with suppress(TimeoutError):  # once the server reads no more
                while True:
                    client.sendall(message(b"x" * 125, PING) * 50)
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(30) == 0


def test_no_client_can_make_the_service_log_an_error(tmp_path: Path) -> None:
    """The library would raise InvalidState for a text that is not UTF-8 before a close."""
    goodbye = message(struct.pack(">H", 1000), 8)
    with serving(tmp_path, workers=1) as server:
        for sent in (message(b"\xff"), message(START) + message(b"\xff"), message(b"", 3)):
            for more in (goodbye, goodbye + message(b"\xff"), message(b"", PING) + goodbye):
                with opened(server) as client:
                    client.sendall(sent + more)
                    assert close_code(client) in (1000, 1002, 1007)
    assert [line["message"] for line in log_entries(server) if line["level"] != "info"] == []


def test_an_application_that_sends_after_a_break_of_the_protocol_has_lost_its_client() -> None:
    """In between, the library would raise a fault of the application: an internal error."""
    raised: list[Exception] = []

    async def app(_: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await receive()  # and what follows breaks the protocol
        for kind in ("send", "close"):
            try:
                await send({"type": f"websocket.{kind}", "text": "late"})
            except Exception as error:
                raised.append(error)

    async def break_protocol() -> None:
        async with talking(app) as (reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(message(b"first") + message(b"\xff"))
            assert await reader.read() == b"\x88\x02\x03\xef"  # 1007

    asyncio.run(break_protocol())
    assert [type(error) for error in raised] == [ClientDisconnected] * 2


def test_frames_wait_until_the_connection_is_accepted() -> None:
    """The library cannot close what is not open, which would be logged as a fatal error."""
    asked, arrived = asyncio.Event(), asyncio.Event()

    async def app(_: Scope, receive: Receive, send: Send) -> None:
        await receive()
        asked.set()
        await arrived.wait()
        await send({"type": "websocket.accept"})
        await receive()

    async def send_too_early() -> None:
        faults: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))
        async with talking(app) as (reader, writer):
            await asked.wait()
            writer.write(message(b"early", masked=False))
            for _ in range(100):  # iterations of the loop, in which the server reads
                await asyncio.sleep(0)
            arrived.set()
            answer = await reader.read()
            assert re.search(rb"\r\n\r\n\x88.\x03\xea", answer)  # 1002
        assert faults == []

    asyncio.run(send_too_early())


@asynccontextmanager
async def talking(app: ASGIApp) -> AsyncIterator[tuple[StreamReader, StreamWriter]]:
    """A connection to a server of any application, after the handshake was sent."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = served(app)
        serving = asyncio.create_task(server.serve([listening]))
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        writer.write(handshake())
        try:
            yield reader, writer
        finally:
            writer.close()
            server.should_exit = True
            await serving


def served(app: ASGIApp) -> DrainingServer:
    """A server of any application, with the limits of the service."""
    settings = Settings()
    limits, unsent = settings.connection_limits, Backlog(1 << 20)
    config = uvicorn.Config(
        app,
        http=bounded_protocol(limits, unsent, {STREAM_ROUTE.encode()}),
        ws=bounded_socket(limits, settings.socket_limits, unsent),
        lifespan="off",
        log_config=None,
    )
    return DrainingServer(config, lambda: asyncio.sleep(0))
