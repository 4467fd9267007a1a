"""Names for requests and predictions."""

from __future__ import annotations

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Scope

from off_tanet.api.middleware.request_state import notes
from off_tanet.api.middleware.response_headers import Amend, ResponseHeadersMiddleware
from off_tanet.identifiers import ulid

HEADER = "X-Request-ID"

_ACCEPTABLE = re.compile(r"[A-Za-z0-9._:-]{1,128}")  # what may go into a log line unescaped

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?=-|$)")


def request_id(scope: Scope) -> str:
    """The identifier of the request that `scope` belongs to."""
    return str(notes(scope).setdefault("request_id", ulid()))


def traceparent(scope: Scope) -> str:
    """The client's W3C Trace Context, without what later versions append; empty where none."""
    found = _TRACEPARENT.match(Headers(scope=scope).get("traceparent", ""))
    return found[0] if found else ""


class RequestIdMiddleware(ResponseHeadersMiddleware):
    """Takes the client's X-Request-ID when it is harmless, else makes one; returns it always."""

    def amend(self, scope: Scope) -> Amend:
        given = Headers(scope=scope).get(HEADER, "")
        if _ACCEPTABLE.fullmatch(given):
            notes(scope)["request_id"] = given

        def set_id(headers: MutableHeaders) -> None:
            headers[HEADER] = request_id(scope)

        return set_id
