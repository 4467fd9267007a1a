"""Authentication by API key, which is off unless a file of key hashes is configured."""

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
from starlette.types import Scope

from off_tanet.api.middleware.request_state import request_state
from off_tanet.api.paths import route_path
from off_tanet.errors import UnauthorizedError

log = logging.getLogger(__name__)

_LINE = re.compile(r"([0-9a-fA-F]{64})\s+(\S.*)")
_MAX_FILE_BYTES = 1 << 20  # 13,000 keys; comparing so many takes milliseconds per request
_NEVER_BLOCK = getattr(os, "O_NONBLOCK", 0)  # Windows has no pipes in its file system


def new_key() -> str:
    """Return a new API key of 256 random bits."""
    return f"ot_{secrets.token_urlsafe(32)}"


def digest(key: str) -> str:
    """Return the hash under which a key is stored.

    It is SHA-256, which suffices because the keys are random and long.
    """
    return hashlib.sha256(key.encode()).hexdigest()


class KeyFile:
    """A file of API key hashes, `<digest> <name>` per line, which may change at any time.

    The file is read again for every key that is checked, so that keys can be rotated without a
    restart. Its size and times are no reliable sign of a change, and reading it takes less time
    than comparing all the keys that it may contain.
    """

    def __init__(self, path: Path) -> None:
        """Read the file.

        Args:
            path: A UTF-8 file of at most 1 MiB. Empty lines and lines that start with `#` are
                ignored.

        Raises:
            OSError: The file cannot be read.
            ValueError: The file is malformed.
        """
        self._path = path
        self._content = _read(path)
        self._names = _parse(self._content)
        self._fault = ""

    def name_of(self, key: str) -> str | None:
        """Return the name of a key, or None if the key is unknown.

        The key is compared with every digest, each time in constant time.
        """
        self._refresh()
        wanted, found = digest(key), None
        for known, name in self._names.items():
            if hmac.compare_digest(wanted, known):
                found = name
        return found

    def _refresh(self) -> None:
        fault = ""
        try:
            content = _read(self._path)
            if content != self._content:
                self._names = _parse(content)
                self._content = content
        except OSError as error:
            fault = f"the key file cannot be read: {error.strerror}"
        except ValueError as error:
            fault = str(error)
        if fault and fault != self._fault:
            # A mistake made while editing the file must not lock every client out.
            log.error("%s; the keys that were read last remain valid", fault)
        self._fault = fault


def _read(path: Path) -> bytes:
    """Return the file's content without ever blocking, as opening a named pipe would."""
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | _NEVER_BLOCK)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("the key file is not a regular file")
        content = file.read(_MAX_FILE_BYTES + 1)
    if len(content) > _MAX_FILE_BYTES:
        raise ValueError(f"the key file has more than {_MAX_FILE_BYTES} bytes")
    return content


def _parse(content: bytes) -> dict[str, str]:
    """Return the name of each digest; no error message quotes the file."""
    try:
        lines = content.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError:
        raise ValueError("the key file is not UTF-8 text") from None
    names = {}
    for number, line in enumerate(map(str.strip, lines), 1):
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"line {number} of the key file is not «digest name»")
        names[match[1].lower()] = match[2]
    return names


class AuthGuard:
    """Refuses a request (401) unless a known key is in `Authorization: Bearer` or `X-API-Key`.

    The key of a stream may be in its first message, since browsers cannot set headers there.

    Requests to `open_paths` need no key.
    """

    def __init__(self, keys: KeyFile, open_paths: frozenset[str]) -> None:
        self.keys = keys
        self.open_paths = open_paths

    def check(self, scope: Scope) -> None:
        """Record the name of the request's key; raise UnauthorizedError if it has no known one."""
        if route_path(scope) in self.open_paths:
            return
        known = map(self.keys.name_of, _keys(scope))
        name = next((name for name in known if name is not None), None)
        if name is None:
            raise UnauthorizedError("The request has no API key that this service accepts.")
        request_state(scope).key_name = name


def key_name(scope: Scope) -> str | None:
    """Return the name of the request's API key; None if no key was required."""
    return request_state(scope).key_name


def _keys(scope: Scope) -> Iterator[str]:
    """Yield every key of a request; the one in `Authorization` may be meant for a proxy."""
    headers = Headers(scope=scope)
    scheme, _, token = headers.get("authorization", "").partition(" ")
    bearer = token if scheme.lower() == "bearer" else ""
    for key in (bearer, headers.get("x-api-key", ""), request_state(scope).message_key):
        if key.strip():
            yield key.strip()
