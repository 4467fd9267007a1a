"""Raw sockets, for requests that no HTTP library would send."""

from __future__ import annotations

import re
import select
import socket

from tests.support.serving import Server

PATIENCE_S = 30


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
