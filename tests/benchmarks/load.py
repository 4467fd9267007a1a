"""A light HTTP client for benchmarks: one request's bytes, sent many times over kept connections.

It costs a few tenths of a millisecond a request, so that the cores are left to the service.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

BOUNDARY = "bench"


@dataclass(frozen=True, slots=True)
class Reply:
    """One response: its status, whether it has a Retry-After, and seconds from the first byte.

    The status of a connection that ended without a response is 0.
    """

    status: int
    retry_after: bool
    seconds: float
    ended: float
    body: bytes = field(default=b"", repr=False)


def upload(path: str, parts: dict[str, bytes]) -> bytes:
    """A whole multipart request."""
    body = b"".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"'
        "\r\n\r\n".encode()
        + data
        + b"\r\n"
        for name, data in parts.items()
    )
    body += f"--{BOUNDARY}--\r\n".encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n"
    )
    return head.encode() + body


def get(path: str) -> bytes:
    """A whole GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


class Connection:
    """A kept connection, opened at its first use, and again after the server has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> Reply:
        """One response. Connects again if the server has closed an idle connection."""
        start = time.perf_counter()
        if self._streams is not None and self._streams[0].at_eof():
            self.close()
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        body = await reader.readexactly(length)
        end = time.perf_counter()
        status = int(head.split(" ", 2)[1])
        return Reply(status, "retry-after: " in head, end - start, end, body)

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def closed_loop(
    port: int, request: bytes, clients: int, seconds: float, retry_s: float = 0.0
) -> list[Reply]:
    """`clients` that each send again as soon as they are answered, or `retry_s` after a refusal."""
    end = time.perf_counter() + seconds
    replies: list[Reply] = []

    async def client() -> None:
        connection = Connection(port)
        while time.perf_counter() < end:
            start = time.perf_counter()
            try:
                reply = await connection.ask(request)
            except (OSError, EOFError):
                connection.close()
                reply = Reply(0, False, time.perf_counter() - start, time.perf_counter())
            replies.append(reply)
            if reply.status != 200:
                await asyncio.sleep(retry_s)
        connection.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return replies


async def counted_loop(port: int, request: bytes, clients: int, count: int) -> list[Reply]:
    """`count` requests by `clients` that each send again as soon as they are answered."""
    left = iter(range(count))
    replies: list[Reply] = []

    async def client() -> None:
        connection = Connection(port)
        for _ in left:
            replies.append(await connection.ask(request))
        connection.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return replies


async def open_loop(port: int, request: bytes, rate: float, seconds: float) -> list[Reply]:
    """Requests at `rate` a second whatever the responses, as independent users send them."""
    start = time.perf_counter()
    free: list[Connection] = []
    replies: list[Reply] = []

    async def one() -> None:
        connection = free.pop() if free else Connection(port)
        replies.append(await connection.ask(request))
        free.append(connection)

    pending = []
    for index in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, start + index / rate - time.perf_counter()))
        pending.append(asyncio.create_task(one()))
    await asyncio.gather(*pending)
    for connection in free:
        connection.close()
    return replies
