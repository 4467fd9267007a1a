"""Identifiers of requests, and the trace that a request belongs to."""

from __future__ import annotations

import re

from starlette.types import Scope

from off_tanet.api.headers import header
from off_tanet.api.middleware.request_state import request_state
from off_tanet.identifiers import ulid

HEADER = "X-Request-ID"
_NAME = HEADER.lower().encode()

_ACCEPTABLE = re.compile(r"[A-Za-z0-9._:-]{1,128}")  # safe in a log line without escaping

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?=-|$)")


def request_id(scope: Scope) -> str:
    """Return the identifier of a request: the client's if acceptable, else a new ULID."""
    state = request_state(scope)
    if not state.request_id:
        given = header(scope, _NAME)
        state.request_id = given if _ACCEPTABLE.fullmatch(given) else ulid()
    return state.request_id


def traceparent(scope: Scope) -> str:
    """Return the client's W3C Trace Context, or an empty string.

    Fields that later versions of the standard append are cut off.
    """
    match = _TRACEPARENT.match(header(scope, b"traceparent"))
    return match[0] if match else ""
