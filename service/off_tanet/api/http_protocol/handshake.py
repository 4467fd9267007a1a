"""Recognition of the requests that open a WebSocket (RFC 6455, section 4.2.1)."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from websockets.datastructures import Headers as ParsedHeaders
from websockets.exceptions import InvalidHeader
from websockets.http11 import Request
from websockets.server import ServerProtocol

Headers = Sequence[tuple[bytes, bytes]]

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
    pairs = ((name.decode("latin-1"), text.decode("latin-1")) for name, text in headers)
    try:
        given = ParsedHeaders(pairs)
    except InvalidHeader:
        return False
    return (
        method == b"GET"
        and version == "1.1"
        and given.get_all("Content-Length") in ([], ["0"])
        and "Transfer-Encoding" not in given
        and "Expect" not in given
        and _is_small(url, headers)
        and _is_acceptable(url, given)
    )


def _is_acceptable(url: bytes, given: ParsedHeaders) -> bool:
    """Whether the library opens the WebSocket; else it would answer before the application."""
    response = ServerProtocol().accept(Request(url.decode(), given))
    return response.status_code == HTTPStatus.SWITCHING_PROTOCOLS


def _is_small(url: bytes, headers: Headers) -> bool:
    """Whether the head is within the limits of the library, and its target plain ASCII."""
    sizes = [len(url), *(len(name) + len(value) for name, value in headers)]
    return max(sizes) <= _MAX_LINE_BYTES and len(headers) <= _MAX_HEADERS and url.isascii()
