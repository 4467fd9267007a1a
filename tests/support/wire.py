"""Raw sockets, for requests that no HTTP library would send."""

from __future__ import annotations

import re
import select
import socket
from contextlib import suppress

from tests.support import factories
from tests.support.serving import Server

PATIENCE_S = 30
PORTRAIT = factories.jpeg(factories.portrait())
FRAMES_HEAD = b"POST /v1/predictions/frames HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"


def connected(server: Server, *, buffer_bytes: int | None = None) -> socket.socket:
    """A connection; with `buffer_bytes` its kernel holds no more than about this much unread."""
    client = socket.socket()
    if buffer_bytes is not None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
    client.settimeout(PATIENCE_S)
    client.connect(("127.0.0.1", server.port))
    return client


def received(client: socket.socket) -> bytes:
    """All bytes until the server closes; raises TimeoutError if it does not."""
    return b"".join(iter(lambda: client.recv(65536), b""))


def answers(server: Server, *pieces: bytes) -> bytes:
    """The response to a request in pieces that arrive apart, from a client that half-closes."""
    with connected(server) as client:
        for piece in pieces:
            client.sendall(piece)
            with server.client() as http:  # once this is answered, the piece has been read
                http.get("/health/live")
        client.shutdown(socket.SHUT_WR)
        return received(client)


def statuses(answered: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", answered)]


def has_hung_up(client: socket.socket, seconds: float = PATIENCE_S) -> bool:
    """Wait until the server has closed or reset the connection, without reading."""
    poll = select.poll()
    poll.register(client, select.POLLRDHUP)
    return bool(poll.poll(seconds * 1000))


def exchange(server: Server, request: bytes) -> tuple[int, bytes]:
    """The status and body of the response to these bytes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client:
        client.sendall(request)
        response = b""
        with suppress(ConnectionResetError):  # the response came before all was read
            while more := client.recv(65536):
                response += more
    head, _, body = response.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def form(*parts: bytes) -> bytes:
    """A request with a form of these parts, each a head and a content."""
    body = b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + b"--b--\r\n"
    header = b"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: %d\r\n\r\n"
    return FRAMES_HEAD + header % len(body) + body


def part(name: str, more: bytes = b"", content: bytes = PORTRAIT) -> bytes:
    """A part of a form, named as a file, with `more` headers."""
    header = f'Content-Disposition: form-data; name="{name}"; filename="{name}"\r\n'
    return header.encode() + more + b"\r\n" + content


PAIR = part("onset"), part("apex")
