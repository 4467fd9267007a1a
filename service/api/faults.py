"""What validation found wrong with a request, as an error that quotes none of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from service.recognition.errors import (
    InvalidRequestError,
    MalformedBase64Error,
    MalformedJsonError,
    OffTanetError,
)

# What validation reports although the body could not even be read.
_UNREADABLE = {"json_invalid": MalformedJsonError, "bad_base64": MalformedBase64Error}


def error_of(faults: Iterable[Mapping[str, Any]]) -> OffTanetError:
    """The error that tells of pydantic's `faults`, whose places begin at the request."""
    faults = list(faults)
    for fault in faults:
        if unreadable := _UNREADABLE.get(fault["type"]):
            return unreadable(_told(fault))
    return InvalidRequestError("; ".join(map(_told, faults)))


def _told(fault: Mapping[str, Any]) -> str:
    """Where and why; never the value, nor the name of a field that only the client knows."""
    place, reason = fault["loc"], fault["msg"]
    if fault["type"] == "extra_forbidden":
        place = place[:-1]
    if fault["type"] == "union_tag_invalid":
        reason = f"type must be one of {fault['ctx']['expected_tags']}"
    return f"{'.'.join(map(str, place))}: {reason}"
