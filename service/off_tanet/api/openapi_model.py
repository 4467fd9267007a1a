"""The examples of the OpenAPI document, with the name and the classes of the served model."""

from __future__ import annotations

import json
from typing import Any

from off_tanet.api.openapi_answers import PREDICTION
from off_tanet.types import CLASSES, ModelCard

_MODEL = PREDICTION["model"]
_LIKELY = 0.88
_TENSOR = "probabilities"
_DATA = "data: "


def of_model(value: Any, card: ModelCard) -> Any:
    """Return a document whose examples are of another model than the shipped one.

    Args:
        value: The document, or a part of it.
        card: The served model.
    """
    if isinstance(value, str):
        return "\n".join(_event_line(line, card) for line in value.split("\n"))
    if isinstance(value, list):
        return [of_model(each, card) for each in value]
    if not isinstance(value, dict):
        return value
    if value == _MODEL:
        return {"name": card.name, "version": card.version}
    changed = {name: of_model(member, card) for name, member in value.items()}
    if value.get("model_name") == _MODEL["name"]:
        changed |= {"model_name": card.name, "model_version": card.version}
    if card.classes != CLASSES:
        changed |= _with_classes(value, card.classes)
    return changed


def _event_line(line: str, card: ModelCard) -> str:
    """A line of a text; events have examples in it."""
    if not line.startswith(_DATA + "{"):
        return line
    body = of_model(json.loads(line.removeprefix(_DATA)), card)
    return _DATA + json.dumps(body)


def _with_classes(value: dict[str, Any], classes: tuple[str, ...]) -> dict[str, Any]:
    """The members of an example that name or count the classes."""
    shares = _shares(len(classes))
    if value.get("name") == _TENSOR and "data" in value:
        return {"shape": [1, len(classes)], "data": shares}
    probabilities = value.get("probabilities")
    if not isinstance(probabilities, dict) or tuple(probabilities) != CLASSES:
        return {}
    named = {"probabilities": dict(zip(classes, shares, strict=True))}
    return named | {"label": classes[-1]} if value.get("label") else named


def _shares(count: int) -> list[float]:
    """An example of probabilities: the last class is the most likely one."""
    others = round((1 - _LIKELY) / (count - 1), 4)
    return [others] * (count - 1) + [round(1 - others * (count - 1), 4)]
