"""Conversion of validation errors, without quoting any value of the request."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import islice
from typing import Any

from pydantic import ValidationError

from off_tanet.errors import (
    InvalidRequestError,
    MalformedBase64Error,
    MalformedJsonError,
    OffTanetError,
)
from off_tanet.files import printable

# Reported by the validation although the body could not even be parsed.
_UNREADABLE = {"json_invalid": MalformedJsonError, "bad_base64": MalformedBase64Error}
_MAX_FAULTS = 8  # a URL may contain thousands of unknown names
_MAX_NAME_CHARACTERS = 40  # of a name that the client has chosen


def error_of(
    faults: Iterable[Mapping[str, Any]], known: Collection[str] = (), hint: str = ""
) -> OffTanetError:
    """Convert the errors of pydantic, whose locations begin at the request.

    Args:
        faults: The errors, as returned by `ValidationError.errors()`.
        known: The accepted names, which the detail lists if there is an unknown one.
        hint: A sentence to add to the detail of an invalid request.

    Returns:
        MalformedJsonError or MalformedBase64Error if the body could not be parsed, else
        InvalidRequestError.
    """
    first = list(islice(faults, _MAX_FAULTS))
    for fault in first:
        if unreadable := _UNREADABLE.get(fault["type"]):
            return unreadable(_describe(fault))
    detail = "; ".join(map(_describe, first))
    if known and any(fault["type"] == "extra_forbidden" for fault in first):
        detail += f". Known names: {', '.join(known)}"
    return InvalidRequestError(f"{detail}. {hint}" if hint else detail)


def invalid(
    error: ValidationError, place: str, known: Collection[str] = (), hint: str = ""
) -> OffTanetError:
    """Convert a ValidationError of one part of the request.

    Args:
        error: The error of pydantic.
        place: The validated part of the request, such as `body` or `query`.
        known: The accepted names.
        hint: A sentence to add to the detail.
    """
    faults = error.errors(include_url=False, include_input=False)
    return error_of(({**fault, "loc": (place, *fault["loc"])} for fault in faults), known, hint)


def shorten(name: object) -> str:
    """Return a name that the client has chosen, printable and shortened."""
    text = printable(str(name)[: _MAX_NAME_CHARACTERS + 1])
    if len(text) <= _MAX_NAME_CHARACTERS:
        return text
    return f"{text[:_MAX_NAME_CHARACTERS]}…"


def _describe(fault: Mapping[str, Any]) -> str:
    """Return the location and the reason of an error, without the value."""
    reason = fault["msg"]
    if fault["type"] == "extra_forbidden":
        reason = "unknown name"
    if fault["type"] == "union_tag_invalid":
        reason = f"type must be one of {fault['ctx']['expected_tags']}"
    return f"{'.'.join(map(shorten, fault['loc']))}: {reason}"
