"""Handshakes and frames of WebSockets (RFC 6455) as bytes, for what no library would send."""

from __future__ import annotations

import re
import socket
import struct

from tests.support.live import STREAM_ROUTE
from tests.support.serving import Server
from tests.support.wire import connected, received, statuses

HEADERS = {
    "Host": "x",
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",  # the example of RFC 6455
}
START = b'{"event":"start"}'
TEXT, BINARY, PING = 1, 2, 9


def handshake(path: str = STREAM_ROUTE, method: str = "GET", **changed: str | None) -> bytes:
    """The head of a handshake, with other headers or without some."""
    headers = HEADERS | {name.replace("_", "-"): value for name, value in changed.items()}
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode()


def message(
    content: bytes, opcode: int = TEXT, *, final: bool = True, masked: bool = True
) -> bytes:
    """A frame of RFC 6455, with a mask of zeros."""
    size = len(content)
    head = bytes([128 * final + opcode])
    if size < 126:
        head += bytes([128 * masked + size])
    elif size < 65536:
        head += bytes([128 * masked + 126]) + struct.pack(">H", size)
    else:
        head += bytes([128 * masked + 127]) + struct.pack(">Q", size)
    return head + bytes(4 * masked) + content


def opened(server: Server, *, buffer_bytes: int | None = None) -> socket.socket:
    """A raw connection after its handshake."""
    client = connected(server, buffer_bytes=buffer_bytes)
    client.sendall(handshake())
    answer = client.recv(4096)
    assert statuses(answer) == [101], answer
    assert b"x-request-id: " in answer
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in answer
    return client


def close_code(client: socket.socket) -> int:
    """The code of the close frame, which is the last frame of the server."""
    data = received(client)
    found = re.search(rb"\x88.(..)[ -~]*\Z", data, re.DOTALL)
    assert found, data
    return int.from_bytes(found[1])
