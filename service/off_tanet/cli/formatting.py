"""Formats the API's JSON as a few lines of text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from off_tanet.cli.console import grid
from off_tanet.reasons import REASONS

if TYPE_CHECKING:
    from rich.table import Table

_BAR_LENGTH = 30  # characters, for a probability of 1

Json = Mapping[str, Any]


def prediction(body: Json) -> Iterator[Table | str]:
    """Format a prediction, or those of all faces: probabilities as bars, then measurements."""
    faces = body.get("faces") or [body]
    for index, face in enumerate(faces):
        if len(faces) > 1:
            yield f"face {index}" if index == 0 else f"\nface {index}"
        yield from _prediction(face)


def _prediction(body: Json) -> Iterator[Table | str]:
    yield grid(*_bars(body))
    yield ""
    quality, face = body["quality"], body["face"]
    yield grid(
        ("label", body["label"] or f"none: {REASONS[body['reason']]}"),
        ("expression", f"probability {body['expression_probability']:.2f}"),
        ("onset", _moment(body["onset"])),
        ("apex", _moment(body["apex"])),
        ("face", "detection skipped" if face is None else _face(face)),
        ("motion", f"{quality['motion_px']:.2f} px, head {quality['head_motion_px']:.2f} px"),
        ("warnings", ", ".join(quality["warnings"]) or "none"),
        *(("alternative", _alternative(other)) for other in body.get("alternatives", ())),
        ("model", f"{_model(body)}, {body['timings_ms']['total']:.0f} ms"),
    )


def spotting(body: Json) -> Iterator[Table | str]:
    """Format the result of a long video: one line for each expression, then a summary."""
    video = body["video"]
    faces = f"face on {video['frames_with_face']} of {video['frames']} frames"
    header = ("onset", "apex", "offset", "kind", "confidence", "label", "warnings")
    if body["expressions"]:
        several = "face_index" in body["expressions"][0]
        yield grid(("face", *header) if several else header, *map(_expression, body["expressions"]))
        yield ""
    yield grid(
        ("expressions", str(len(body["expressions"]))),
        ("events", _counts(event["kind"] for event in body["events"])),
        ("video", f"{video['seconds']:.1f} s, {faces}"),
        ("not judged", _seconds(video["unjudged_s"])),
        ("warnings", ", ".join(body["warnings"]) or "none"),
        ("model", f"{_model(body)}, {body['timings_ms']['total'] / 1000:.1f} s"),
    )


def model(card: Json) -> Iterator[Table | str]:
    """Format a model card: its fields, then its scores."""
    fields = {
        name: _numbers(value) if isinstance(value, Mapping) else str(value)
        for name, value in card.items()
        if value and name not in ("classes", "scores")
    }
    yield grid(*fields.items(), ("classes", ", ".join(card["classes"])))
    yield ""
    yield grid(*_scores(card["scores"]))


def _bars(body: Json) -> Iterator[tuple[str, ...]]:
    for name, probability in body["probabilities"].items():
        mark = "←" if name == body["label"] else ""
        yield name, f"{probability:.3f}", "█" * round(_BAR_LENGTH * probability), mark


def _alternative(body: Json) -> str:
    return f"{_label(body)}, {_moment(body['onset'])} to {_moment(body['apex'])}"


def _label(body: Json) -> str:
    """The label with its probability, or the reason for there being none."""
    label = body["label"]
    return f"{label} {body['probabilities'][label]:.2f}" if label else f"none, {body['reason']}"


def _moment(moment: Json) -> str:
    return f"frame {moment['index']} at {moment['time_s']:.3f} s"


def _face(face: Json) -> str:
    x, y, width, height = face["box"]
    return f"{width:.0f} x {height:.0f} pixels at {x:.0f}, {y:.0f}, score {face['score']:.2f}"


def _model(body: Json) -> str:
    return f"{body['model']['name']} {body['model']['version']}"


def _counts(kinds: Iterable[str]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in Counter(kinds).items()) or "none"


def _seconds(causes: Json) -> str:
    return ", ".join(f"{cause} {seconds:.1f} s" for cause, seconds in causes.items()) or "nothing"


def _expression(body: Json) -> tuple[str, ...]:
    times = (f"{body[moment]['time_s']:.2f} s" for moment in ("onset", "apex", "offset"))
    classification = (_label(body), ", ".join(body["quality"]["warnings"]))
    index = (str(body["face_index"]),) if "face_index" in body else ()
    return (*index, *times, body["kind"], f"{body['confidence']:.2f}", *classification)


def _scores(scores: Json, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield one row for each level of a nested mapping that holds numbers, under any names."""
    parts = {part: value for part, value in scores.items() if isinstance(value, Mapping)}
    numbers = {part: value for part, value in scores.items() if part not in parts}
    if numbers:
        yield name, _numbers(numbers)
    for part, value in parts.items():
        yield from _scores(value, f"{name} {part}".strip())


def _numbers(values: Json) -> str:
    texts = ((name, _number(value)) for name, value in values.items())
    return ", ".join(f"{name} {text}" for name, text in texts if text)


def _number(value: object) -> str:
    """Format a number, word or interval; other values, such as the runs of a mean, are empty."""
    match value:
        case float():
            return f"{value:.3g}"
        case dict():
            return ""
        case list():
            return " to ".join(map(_number, value)) if len(value) == 2 else ""
        case _:
            return str(value)
