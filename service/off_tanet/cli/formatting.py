"""The API's JSON in a few lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from off_tanet.cli.console import grid

if TYPE_CHECKING:
    from rich.table import Table

_BAR = 30  # characters of a probability of 1

Json = Mapping[str, Any]


def prediction(made: Json) -> Iterator[Table | str]:
    """Probabilities as bars, and what to make of them."""
    yield grid(*_bars(made))
    yield ""
    quality, face = made["quality"], made["face"]
    yield grid(
        ("onset", _moment(made["onset"])),
        ("apex", _moment(made["apex"])),
        ("face", "not looked for" if face is None else _face(face)),
        ("motion", f"{quality['motion_px']:.2f} px, head {quality['head_motion_px']:.2f} px"),
        ("warnings", ", ".join(quality["warnings"]) or "none"),
        ("model", f"{_model(made)}, {made['timings_ms']['total']:.0f} ms"),
    )


def spotting(made: Json) -> Iterator[Table | str]:
    """A line for each expression of a video."""
    seen = made["video"]
    faces = f"face on {seen['frames_with_face']} of {seen['frames']} frames"
    head = ("onset", "apex", "offset", "kind", "confidence", "label", "warnings")
    if made["expressions"]:
        yield grid(head, *map(_expression, made["expressions"]))
        yield ""
    yield grid(
        ("expressions", str(len(made["expressions"]))),
        ("video", f"{seen['seconds']:.1f} s, {faces}"),
        ("warnings", ", ".join(made["warnings"]) or "none"),
        ("model", f"{_model(made)}, {made['timings_ms']['total'] / 1000:.1f} s"),
    )


def model(card: Json) -> Iterator[Table | str]:
    """The card's facts, then its scores."""
    facts = {
        name: _numbers(value) if isinstance(value, Mapping) else str(value)
        for name, value in card.items()
        if value and name not in ("classes", "scores")
    }
    yield grid(*facts.items(), ("classes", ", ".join(card["classes"])))
    yield ""
    yield grid(*_scores(card["scores"]))


def _bars(made: Json) -> Iterator[tuple[str, ...]]:
    for name, share in made["probabilities"].items():
        mark = "←" if name == made["label"] else ""
        yield name, f"{share:.3f}", "█" * round(_BAR * share), mark


def _moment(moment: Json) -> str:
    return f"frame {moment['index']} at {moment['time_s']:.3f} s"


def _face(face: Json) -> str:
    x, y, width, height = face["box"]
    return f"{width:.0f} x {height:.0f} pixels at {x:.0f}, {y:.0f}, score {face['score']:.2f}"


def _model(made: Json) -> str:
    return f"{made['model']['name']} {made['model']['version']}"


def _expression(found: Json) -> tuple[str, ...]:
    times = (f"{found[moment]['time_s']:.2f} s" for moment in ("onset", "apex", "offset"))
    told = ("", "")
    if found["kind"] == "micro":
        label, warnings = found["label"], found["quality"]["warnings"]
        told = (f"{label} {found['probabilities'][label]:.2f}", ", ".join(warnings))
    return (*times, found["kind"], f"{found['confidence']:.2f}", *told)


def _scores(scores: Json, name: str = "") -> Iterator[tuple[str, str]]:
    """A row for everything that has numbers of its own, whatever a model's scores are called."""
    parts = {part: value for part, value in scores.items() if isinstance(value, Mapping)}
    numbers = {part: value for part, value in scores.items() if part not in parts}
    if numbers:
        yield name, _numbers(numbers)
    for part, value in parts.items():
        yield from _scores(value, f"{name} {part}".strip())


def _numbers(named: Json) -> str:
    told = ((name, _number(value)) for name, value in named.items())
    return ", ".join(f"{name} {value}" for name, value in told if value)


def _number(value: object) -> str:
    """Empty for what is no number, word or interval, such as the runs behind a mean."""
    match value:
        case float():
            return f"{value:.3g}"
        case dict():
            return ""
        case list():
            return " to ".join(map(_number, value)) if len(value) == 2 else ""
        case _:
            return str(value)
