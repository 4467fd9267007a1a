"""A result as one flat row, for tables: nested names joined by dots, as pandas and others do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Literal

Kind = Literal["text", "integer", "number", "numbers", "texts"]


def _each(prefix: str, names: str, kind: Kind) -> dict[str, Kind]:
    return {f"{prefix}.{name}": kind for name in names.split()}


COLUMNS: Mapping[str, Kind] = MappingProxyType(
    {
        **_each("input", "onset apex clip", "text"),
        **_each("input", "onset_index apex_index", "integer"),
        **_each("problem", "code title detail limit", "text"),
        "problem.status": "integer",
        "id": "text",
        **_each("model", "name version", "text"),
        "label": "text",
        **_each("probabilities", "negative positive surprise", "number"),
        "onset.index": "integer",
        "onset.time_s": "number",
        "apex.index": "integer",
        "apex.time_s": "number",
        "face.box": "numbers",
        "face.score": "number",
        **_each("face.landmarks", "left_eye right_eye nose mouth_left mouth_right", "numbers"),
        **_each("quality", "motion_px head_motion_px", "number"),
        "quality.warnings": "texts",
        **_each("timings_ms", "decode face spotting flow inference quality total", "number"),
    }
)
"""Every column of a table of results, in order."""


def flat(record: Mapping[str, object]) -> dict[str, object]:
    """A `Result.record` with exactly the columns; None where it has nothing for one."""
    found = dict(_leaves(record))
    return {name: found.get(name) for name in COLUMNS}


def _leaves(record: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in record.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
