"""What validation found wrong with a request, as an error that quotes none of its values."""

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

# What validation reports although the body could not even be read.
_UNREADABLE = {"json_invalid": MalformedJsonError, "bad_base64": MalformedBase64Error}
_MOST_FAULTS = 8  # a URL has room for thousands of unknown names
_MOST_NAME_CHARACTERS = 40  # of a name that only the client knows


def error_of(
    faults: Iterable[Mapping[str, Any]], known: Collection[str] = (), hint: str = ""
) -> OffTanetError:
    """The error that tells of pydantic's `faults`, whose places begin at the request.

    Args:
        faults: As `ValidationError.errors()` gives them.
        known: The names that are taken, told where another one was given.
        hint: A sentence that ends the detail of an invalid request.
    """
    told = list(islice(faults, _MOST_FAULTS))
    for fault in told:
        if unreadable := _UNREADABLE.get(fault["type"]):
            return unreadable(_told(fault))
    detail = "; ".join(map(_told, told))
    if known and any(fault["type"] == "extra_forbidden" for fault in told):
        detail += f". Known here: {', '.join(known)}"
    return InvalidRequestError(f"{detail}. {hint}" if hint else detail)


def invalid(
    error: ValidationError, place: str, known: Collection[str] = (), hint: str = ""
) -> OffTanetError:
    """The same of a model's validation; `place` is the part of the request that was validated."""
    faults = error.errors(include_url=False, include_input=False)
    return error_of(({**fault, "loc": (place, *fault["loc"])} for fault in faults), known, hint)


def named(name: object) -> str:
    """A name of the client's own, printable and of bounded length."""
    text = printable(str(name)[: _MOST_NAME_CHARACTERS + 1])
    if len(text) <= _MOST_NAME_CHARACTERS:
        return text
    return f"{text[:_MOST_NAME_CHARACTERS]}…"


def _told(fault: Mapping[str, Any]) -> str:
    """Where and why; never the value."""
    reason = fault["msg"]
    if fault["type"] == "extra_forbidden":
        reason = "unknown name"
    if fault["type"] == "union_tag_invalid":
        reason = f"type must be one of {fault['ctx']['expected_tags']}"
    return f"{'.'.join(map(named, fault['loc']))}: {reason}"
