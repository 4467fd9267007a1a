"""Problem documents (RFC 9457) of the service, turned into the exceptions of `off_tanet.errors`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import httpx

from off_tanet.errors import LimitExceededError, OffTanetError, QuotaError


class UnknownProblemError(OffTanetError):
    """An error response that matches no exception of `off_tanet.errors`.

    It comes from a proxy, or from a newer version of the service.

    Attributes:
        status: The HTTP status.
        code: The problem's `code`, or `"unknown"`.
    """

    def __init__(self, detail: str, status: int, code: str = "unknown") -> None:
        Exception.__init__(self, detail, status, code)  # all in `args`, so that the error pickles
        self.detail, self.status, self.code = detail, status, code  # type: ignore[misc]


def raise_for(response: httpx.Response) -> None:
    """Raise the exception of an error response, whose body must have been read."""
    if response.is_success:
        return
    try:
        problem = response.json()
        if not isinstance(problem, dict):
            raise ValueError("a problem is an object")
    except ValueError:
        problem = {}
    error = error_of({"status": response.status_code, **problem})
    retry_after = response.headers.get("retry-after", "")
    if retry_after.isdecimal():
        error.retry_after_s = int(retry_after)
    raise error


def error_of(problem: Mapping[str, object]) -> OffTanetError:
    """Return the exception of a problem document, with the request's id as a note."""
    status, code = int(str(problem["status"])), str(problem.get("code", ""))
    detail = str(problem.get("detail", f"The service answered with status {status}."))
    classes = {(kind.status, kind.code): kind for kind in _subclasses(OffTanetError)}
    error_class = classes.get((status, code))
    error: OffTanetError
    if error_class is None:
        error = UnknownProblemError(detail, status, code or "unknown")
    elif issubclass(error_class, LimitExceededError):
        error = error_class(detail, str(problem.get("limit", "")).removeprefix("max_"))
    elif issubclass(error_class, QuotaError):
        error = error_class(detail, 1)
    else:
        error = error_class(detail)
    if "request_id" in problem:
        error.add_note(f"request {problem['request_id']}")
    return error


def error_in(event_data: str) -> OffTanetError:
    """Return the exception of a `problem` event."""
    return error_of(json.loads(event_data))


def _subclasses(base: type[OffTanetError]) -> Iterator[type[OffTanetError]]:
    """Yield all subclasses of `base`, then `base`, which wins where they share status and code."""
    for subclass in base.__subclasses__():
        yield from _subclasses(subclass)
    yield base
