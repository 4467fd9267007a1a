"""API keys: which requests may pass. Off unless a file of key hashes is configured."""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import re
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from off_tanet.api import problems
from off_tanet.api.middleware.request_state import notes
from off_tanet.api.paths import route_path
from off_tanet.errors import UnauthorizedError

log = logging.getLogger(__name__)

_LINE = re.compile(r"([0-9a-fA-F]{64})\s+(\S.*)")
_MAX_FILE_BYTES = 1 << 20  # of 13,000 keys; comparing so many takes milliseconds of every request


def new_key() -> str:
    """A new key of 256 random bits."""
    return f"ot_{secrets.token_urlsafe(32)}"


def digest(key: str) -> str:
    """What is stored of a key: SHA-256, which suffices for random keys of this length."""
    return hashlib.sha256(key.encode()).hexdigest()


class KeyFile:
    """Lines of `<digest> <name>`; what the file says counts at once, so that keys can be rotated.

    It is read for every key that is asked about: its size and its times may stay the same when it
    changes, and for as many keys as it may hold the reading takes less time than the comparing.
    """

    def __init__(self, path: Path) -> None:
        """Read the file. Raises OSError where it is missing, ValueError where it is malformed."""
        self._path = path
        self._content = _read(path)
        self._names = _parsed(self._content)
        self._fault = ""

    def name_of(self, key: str) -> str | None:
        """The name that goes with a key, or None. Compares in constant time, with every digest."""
        self._refresh()
        asked, found = digest(key), None
        for known, name in self._names.items():
            if hmac.compare_digest(asked, known):
                found = name
        return found

    def _refresh(self) -> None:
        fault = ""
        try:
            content = _read(self._path)
            if content != self._content:
                self._names = _parsed(content)
                self._content = content
        except OSError as error:
            fault = f"the key file cannot be read: {error.strerror}"
        except ValueError as error:
            fault = str(error)
        if fault and fault != self._fault:
            # A slip of the editor must not lock everybody out.
            log.error("%s; the keys that were read last stay", fault)
        self._fault = fault


def _read(path: Path) -> bytes:
    """The file's content. Raises OSError and ValueError; never waits, as a pipe would let it."""
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("the key file is no regular file")
        content = file.read(_MAX_FILE_BYTES + 1)
    if len(content) > _MAX_FILE_BYTES:
        raise ValueError(f"the key file has more than {_MAX_FILE_BYTES} bytes")
    return content


def _parsed(content: bytes) -> dict[str, str]:
    """The name of each digest. Raises ValueError, which quotes nothing of the file."""
    try:
        lines = content.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError:
        raise ValueError("the key file is no text in UTF-8") from None
    names = {}
    for number, line in enumerate(map(str.strip, lines), 1):
        if not line or line.startswith("#"):
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            raise ValueError(f"line {number} of the key file is not «digest name»")
        names[found[1].lower()] = found[2]
    return names


class AuthMiddleware:
    """Lets a request pass with `Authorization: Bearer` or `X-API-Key`; open paths need neither."""

    def __init__(self, app: ASGIApp, keys: KeyFile, open_paths: frozenset[str]) -> None:
        self.app = app
        self.keys = keys
        self.open_paths = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or route_path(scope) in self.open_paths:
            await self.app(scope, receive, send)
            return
        known = map(self.keys.name_of, _given(Headers(scope=scope)))
        name = next((name for name in known if name is not None), None)
        if name is None:
            error = UnauthorizedError("This service asks for an API key that it knows.")
            await problems.response(scope, error)(scope, receive, send)
            return
        notes(scope)["key_name"] = name
        await self.app(scope, receive, send)


def key_name(scope: Scope) -> str | None:
    """The name that goes with the key of this request; None where no key was asked for."""
    name: str | None = notes(scope).get("key_name")
    return name


def _given(headers: Headers) -> Iterator[str]:
    """Every key that a request carries; one in `Authorization` may be meant for a proxy."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    for key in (token if scheme.lower() == "bearer" else "", headers.get("x-api-key", "")):
        if key.strip():
            yield key.strip()
