"""The origins whose pages may open a WebSocket, to which CORS does not apply."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from off_tanet.errors import OffTanetError

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class OriginError(OffTanetError):
    """A page of another origin wants to open a WebSocket."""

    status = 403
    code = "origin_not_allowed"


class OriginGuard:
    """Refuses the pages of other origins (403), unless `allowed` names them or is `*`.

    Other programs send no origin. The scheme is not compared: a proxy in front may add TLS.
    """

    def __init__(self, allowed: Collection[str]) -> None:
        self.allowed = allowed

    def check(self, scope: Scope) -> None:
        """Raise OriginError if the page of the request may not open a WebSocket."""
        headers = Headers(scope=scope)
        origins = headers.getlist("origin")
        if not origins or "*" in self.allowed:
            return
        if len(origins) > 1 or not self._is_allowed(origins[0], headers.get("host", "")):
            raise OriginError("A page of this origin may not open a stream: see the CORS origins.")

    def _is_allowed(self, origin: str, host: str) -> bool:
        return origin in self.allowed or (bool(host) and _is_at(origin, host.lower()))


def _is_at(origin: str, host: str) -> bool:
    """Whether a page is from this host and port, of which the default one may be left out."""
    try:
        parts = urlsplit(origin.lower())
    except ValueError:
        return False
    default = _DEFAULT_PORTS.get(parts.scheme)
    return default is not None and parts.netloc.removesuffix(default) == host.removesuffix(default)
