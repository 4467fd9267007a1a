"""The columns of result tables: nested names joined by dots, as in pandas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Literal

Kind = Literal["text", "integer", "number", "numbers", "texts"]


def _columns(prefix: str, names: str, kind: Kind) -> dict[str, Kind]:
    return {f"{prefix}.{name}": kind for name in names.split()}


def columns(classes: Iterable[str], others: Iterable[str] = ()) -> Mapping[str, Kind]:
    """Return every column of a result table and its type, in order.

    Args:
        classes: The classes of the model.
        others: The other columns of the manifest.
    """
    return MappingProxyType(
        {
            **_columns("input", "onset apex clip", "text"),
            **_columns("input", "onset_index apex_index", "integer"),
            **{f"manifest.{name}": "text" for name in others},
            **_columns("problem", "code title detail limit", "text"),
            "problem.status": "integer",
            "id": "text",
            **_columns("model", "name version", "text"),
            "label": "text",
            "reason": "text",
            **{f"probabilities.{name}": "number" for name in classes},
            "expression_probability": "number",
            "onset.index": "integer",
            "onset.time_s": "number",
            "apex.index": "integer",
            "apex.time_s": "number",
            "classified.index": "integer",
            "classified.time_s": "number",
            "face.box": "numbers",
            "face.score": "number",
            **_columns(
                "face.landmarks", "left_eye right_eye nose mouth_left mouth_right", "numbers"
            ),
            **_columns("quality", "motion_px head_motion_px", "number"),
            "quality.warnings": "texts",
            **_columns("timings_ms", "decode face spotting flow inference quality total", "number"),
        }
    )


def flatten(record: Mapping[str, object], names: Iterable[str]) -> dict[str, object]:
    """Return a `Result.record` as one value, or None, for each of the columns `names`."""
    leaves = dict(_leaves(record))
    return {name: leaves.get(name) for name in names}


def _leaves(record: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in record.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
