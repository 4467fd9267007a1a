"""The header `Host`: a request without one, or with two, is not one that all read the same way."""

from __future__ import annotations

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from off_tanet.api import problems
from off_tanet.errors import OffTanetError

# RFC 3986, section 3.2.2: a name or an IPv4 address, or an address in brackets; it may be empty.
_HOST = re.compile(
    rb"([A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*(:[0-9]*)?"
    rb"|\[[0-9A-Fa-fv:.A-Za-z~!$&'()*+,;=_-]+\](:[0-9]*)?"
)


class HostError(OffTanetError):
    """The request does not say, or not once, which host it is for."""

    status = 400
    code = "bad_host"
    title = "Bad Host header"


class HostMiddleware:
    """Answers 400 where `Host` is missing (HTTP/1.1 alone asks for one), doubled or no host."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (detail := _fault(scope)) is not None:
            await problems.response(scope, HostError(detail))(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def _fault(scope: Scope) -> str | None:
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    if not hosts and scope["http_version"] == "1.1":
        return "A request has a header Host (RFC 9112, section 3.2)."
    if len(hosts) > 1:
        return "A request has one header Host (RFC 9112, section 3.2)."
    if hosts and not _HOST.fullmatch(hosts[0]):
        return "The header Host names no host (RFC 9110, section 7.2)."
    return None
