"""API keys: which requests may pass. Off unless a file of key hashes is configured."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from pathlib import Path

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api import problems
from service.api.paths import route_path
from service.api.routes import page
from service.recognition.errors import UnauthorizedError

log = logging.getLogger(__name__)

_HEALTH = {"/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready"}
OPEN_PATHS = page.PATHS | _HEALTH
"""What needs no key: what a load balancer asks, and the page, which has a field for the key."""


def new_key() -> str:
    """A new key of 256 random bits."""
    return f"ot_{secrets.token_urlsafe(32)}"


def digest(key: str) -> str:
    """What is stored of a key: SHA-256, which suffices for random keys of this length."""
    return hashlib.sha256(key.encode()).hexdigest()


class KeyFile:
    """Lines of `<digest> <name>`; read again when the file changes, so that keys can be rotated."""

    def __init__(self, path: Path) -> None:
        """Read the file. Raises OSError where it is missing, ValueError where it is malformed."""
        self._path = path
        self._stamp = self._state()
        self._names = _parsed(path)

    def name_of(self, key: str) -> str | None:
        """The name that goes with a key, or None. Compares in constant time, with every digest."""
        self._refresh()
        asked, found = digest(key), None
        for known, name in self._names.items():
            if hmac.compare_digest(asked, known):
                found = name
        return found

    def _refresh(self) -> None:
        try:
            state = self._state()
            if state != self._stamp:
                self._stamp = state
                self._names = _parsed(self._path)
        except (OSError, ValueError) as error:
            # A slip of the editor must not lock everybody out: the keys read last stay.
            log.error("the key file cannot be read: %s", type(error).__name__)

    def _state(self) -> tuple[int, int]:
        status = self._path.stat()
        return status.st_mtime_ns, status.st_size


def _parsed(path: Path) -> dict[str, str]:
    names = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        known, _, name = line.strip().partition(" ")
        if len(known) != hashlib.sha256().digest_size * 2 or not name.strip():
            raise ValueError("a line of the key file is not «digest name»")
        names[known] = name.strip()
    return names


class KeyMiddleware:
    """Lets a request pass with `Authorization: Bearer` or `X-API-Key`; open paths need neither."""

    def __init__(self, app: ASGIApp, keys: KeyFile) -> None:
        self.app = app
        self.keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or route_path(scope) in OPEN_PATHS:
            await self.app(scope, receive, send)
            return
        name = self.keys.name_of(_given(Headers(scope=scope)))
        if name is None:
            error = UnauthorizedError("This service asks for an API key that it knows.")
            await problems.response(scope, error)(scope, receive, send)
            return
        scope.setdefault("state", {})["client"] = name
        await self.app(scope, receive, send)


def _given(headers: Headers) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
