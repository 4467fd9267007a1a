"""Cards of models that were trained on recordings: what is known of them, and no more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np

from off_tanet_export.checkpoint import DATA, START, Card
from off_tanet_export.datasets.clip_flows import ClipFlows

_READ = ("database", "scheme", "kinds", "apex", "cropped", "summary")
"""What is taken over of a file's description of itself."""


@dataclass(frozen=True, slots=True)
class Naming:
    """What the user says of a model: its name, its version and its licence."""

    name: str
    version: str
    licence: str


def describe(
    naming: Naming, clips: ClipFlows, start: Card | None, recipe: Mapping[str, Any], seed: int
) -> Card:
    """Write the card of a model that was trained on clips of people. It has no scores.

    Args:
        naming: Name, version and licence.
        clips: The clips.
        start: The card of the weights from which it was trained; None for random ones.
        recipe: The recipe: its name and its configuration, as plain JSON values.
        seed: The seed of all random draws.
    """
    entries = {
        DATA: _databases(clips),
        "people": len(set(clips.people)),
        "read": [{key: file[key] for key in _READ if key in file} for file in clips.about["files"]],
        "recipe": dict(recipe),
        "seed": seed,
        START: start and _start(start),
        "temperature": "fitted on held-out people",
        "program": f"off-tanet {version('off-tanet')}",
    }
    described = _sentence(clips, start)
    return Card(
        naming.name, naming.version, naming.licence, described, {}, entries,
        clips.classes,
    )  # fmt: skip


def _start(card: Card) -> dict[str, Any]:
    """What a start is, and which recordings its own training had."""
    seen = {name: card.training[name] for name in (DATA, START) if name in card.training}
    return {"name": card.name, "version": card.version, "licence": card.licence, **seen}


def _databases(clips: ClipFlows) -> dict[str, Any]:
    """The numbers of clips and people of each database."""
    databases = clips.columns["dataset"].astype(str)
    found = {}
    for name in np.unique(databases):
        chosen = databases == name
        found[str(name)] = {
            "clips": int(chosen.sum()),
            "people": len(set(clips.people[chosen])),
            "classes": _counts(clips, chosen),
        }
    return found


def _counts(clips: ClipFlows, chosen: np.typing.NDArray[np.bool_]) -> dict[str, int]:
    numbers = Counter(clips.labels[chosen].tolist())
    return {name: numbers[label] for label, name in enumerate(clips.classes)}


def _sentence(clips: ClipFlows, start: Card | None) -> str:
    """What the weights were trained on, for readers of the card."""
    parts = [
        f"{name} ({entry['clips']} clips of {entry['people']} people)"
        for name, entry in _databases(clips).items()
    ]
    counts = _counts(clips, np.ones(len(clips.labels), np.bool_))
    numbers = ", ".join(f"{count} {name}" for name, count in counts.items())
    text = f"recordings of {len(set(clips.people))} people: {', '.join(parts)}; {numbers}"
    return text if start is None else f"{text}; {_origin(start)}"


def _origin(start: Card) -> str:
    """From which weights the training started. What those say of people holds for them alone."""
    text = f"started from {start.name} {start.version} ({start.licence})"
    return f"{text}, trained on {start.training_data}" if start.trained_on_people else text
