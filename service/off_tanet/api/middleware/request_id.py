"""Identifiers of requests, and the trace that a request belongs to."""

from __future__ import annotations

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Scope

from off_tanet.api.middleware.request_state import request_state
from off_tanet.api.middleware.response_headers import ResponseHeadersMiddleware
from off_tanet.identifiers import ulid

HEADER = "X-Request-ID"

_ACCEPTABLE = re.compile(r"[A-Za-z0-9._:-]{1,128}")  # safe in a log line without escaping

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?=-|$)")


def request_id(scope: Scope) -> str:
    """Return the identifier of a request: the client's if acceptable, else a new ULID."""
    state = request_state(scope)
    if "request_id" not in state:
        given = Headers(scope=scope).get(HEADER, "")
        state["request_id"] = given if _ACCEPTABLE.fullmatch(given) else ulid()
    return str(state["request_id"])


def traceparent(scope: Scope) -> str:
    """Return the client's W3C Trace Context, or an empty string.

    Fields that later versions of the standard append are cut off.
    """
    match = _TRACEPARENT.match(Headers(scope=scope).get("traceparent", ""))
    return match[0] if match else ""


class RequestIdMiddleware(ResponseHeadersMiddleware):
    """Returns the request's identifier as `X-Request-ID` in every response."""

    def amend(self, scope: Scope, headers: MutableHeaders) -> None:
        """Set the header."""
        headers[HEADER] = request_id(scope)
