"""Recognition of the requests that open a WebSocket (RFC 6455, section 4.2.1)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

Headers = Sequence[tuple[bytes, bytes]]

_KEY_BYTES = 16
# What `websockets` accepts of a head, which it parses once more.
_MAX_LINE_BYTES, _MAX_HEADERS = 8000, 120


def is_handshake(method: bytes, version: str, url: bytes, headers: Headers) -> bool:
    """Return whether a request opens a WebSocket, so that no HTTP follows it.

    Whatever is not exactly a handshake is a request like any other, whose wish for an upgrade is
    ignored: a proxy in front may take what follows for another request.

    Args:
        method: The method.
        version: The version of HTTP.
        url: The target of the request.
        headers: The names and values of all headers.
    """
    given: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        given.setdefault(name.lower(), []).append(value.strip())
    return (
        method == b"GET"
        and version == "1.1"
        and given.get(b"content-length", [b"0"]) == [b"0"]
        and b"transfer-encoding" not in given
        and b"expect" not in given
        and [value.lower() for value in given.get(b"upgrade", ())] == [b"websocket"]
        and b"upgrade" in _tokens(given.get(b"connection", ()))
        and given.get(b"sec-websocket-version") == [b"13"]
        and _is_key(given.get(b"sec-websocket-key", ()))
        and _is_small(url, headers)
    )


def _tokens(values: Sequence[bytes]) -> set[bytes]:
    return {token.strip().lower() for value in values for token in value.split(b",")}


def _is_key(values: Sequence[bytes]) -> bool:
    if len(values) != 1:
        return False
    try:
        return len(base64.b64decode(values[0], validate=True)) == _KEY_BYTES
    except binascii.Error:
        return False


def _is_small(url: bytes, headers: Headers) -> bool:
    """Whether the head is within the limits of the library, and its target plain ASCII."""
    sizes = [len(url), *(len(name) + len(value) for name, value in headers)]
    return max(sizes) <= _MAX_LINE_BYTES and len(headers) <= _MAX_HEADERS and url.isascii()
