"""Problems of the service as the errors that raised them there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import httpx

from off_tanet.errors import LimitExceededError, OffTanetError, QuotaError


class UnknownProblemError(OffTanetError):
    """An error answer that no error of this package stands for: a proxy's, or a newer service's."""

    def __init__(self, detail: str, status: int, code: str = "unknown") -> None:
        Exception.__init__(self, detail, status, code)  # all in `args`, so that the error pickles
        self.detail, self.status, self.code = detail, status, code  # type: ignore[misc]


def raise_for(answer: httpx.Response) -> None:
    """Raise the error of an answer that is none of the 2xx; its body must have been read."""
    if answer.is_success:
        return
    try:
        told = answer.json()
        if not isinstance(told, dict):
            raise ValueError("a problem is an object")
    except ValueError:
        told = {}
    error = error_of({"status": answer.status_code, **told})
    after = answer.headers.get("retry-after", "")
    if after.isdecimal():
        error.retry_after_s = int(after)
    raise error


def error_of(told: Mapping[str, object]) -> OffTanetError:
    """The error of a problem (RFC 9457) as JSON, with the request's id as a note."""
    status, code = int(str(told["status"])), str(told.get("code", ""))
    detail = str(told.get("detail", f"The service answered with status {status}."))
    kind = {(each.status, each.code): each for each in _kinds(OffTanetError)}.get((status, code))
    error: OffTanetError
    if kind is None:
        error = UnknownProblemError(detail, status, code or "unknown")
    elif issubclass(kind, LimitExceededError):
        error = kind(detail, str(told.get("limit", "")).removeprefix("max_"))
    elif issubclass(kind, QuotaError):
        error = kind(detail, 1)
    else:
        error = kind(detail)
    if "request_id" in told:
        error.add_note(f"request {told['request_id']}")
    return error


def error_in(event: str) -> OffTanetError:
    """The error of a `problem` event's data."""
    return error_of(json.loads(event))


def _kinds(kind: type[OffTanetError]) -> Iterator[type[OffTanetError]]:
    """An error and all that derive from it, the general before the particular."""
    for derived in kind.__subclasses__():
        yield from _kinds(derived)
    yield kind
