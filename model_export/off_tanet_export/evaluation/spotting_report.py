"""Reports of spotting: micro- and macro-expressions, pooled over all videos."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from off_tanet_export.evaluation.events import KINDS, Event, VideoName, by_video
from off_tanet_export.evaluation.spotting import Interval, SpottingScore, score
from off_tanet_export.evaluation.strs import published_score

Report = dict[str, Any]


def spotting_report(
    true: Sequence[Event], found: Sequence[Event], videos: Iterable[VideoName] = ()
) -> Report:
    """Score spotted events.

    Args:
        true: The annotated events.
        found: The spotted events.
        videos: The videos; those of the events are added.

    Returns:
        `videos`, their number; `rows` for micro- and macro-expressions and `both`, which adds the
        counts of the two. Without a type in both files, events of any type may match, and there is
        only `both`. `published`, the figures of the STRS program, for all events.
    """
    videos = dict.fromkeys([*videos, *(event.video for event in (*true, *found))])
    if all(event.kind for event in (*true, *found)):
        totals = {kind: _total(_of(kind, true), _of(kind, found), videos) for kind in KINDS}
        totals["both"] = sum(totals.values(), SpottingScore())
    else:
        totals = {"both": _total(true, found, videos)}
    published = published_score(true, found)
    return {
        "videos": len(videos),
        "rows": {name: _row(total) for name, total in totals.items()},
        "published": {
            "right": published.right, "false": published.false, "missed": published.missed,
            "f1": published.spotting, "recognition_f1": published.recognition,
            "strs": published.strs,
        },
    }  # fmt: skip


def _of(kind: str, events: Sequence[Event]) -> list[Event]:
    return [event for event in events if event.kind == kind]


def _total(
    true: Sequence[Event], found: Sequence[Event], videos: Iterable[VideoName]
) -> SpottingScore:
    annotated, spotted = by_video(true, videos), by_video(found, videos)
    parts = (score(_intervals(annotated[name]), _intervals(spotted[name])) for name in annotated)
    return sum(parts, SpottingScore())


def _intervals(events: Sequence[Event]) -> list[Interval]:
    return [Interval(event.onset, event.offset, event.emotion or None) for event in events]


def _row(total: SpottingScore) -> Report:
    return {
        "events": total.true, "predictions": total.found, "right": len(total.right),
        "precision": total.precision, "recall": total.recall, "f1": total.f1,
        "recognition_uf1": total.recognition, "strs": total.strs,
    }  # fmt: skip


def spotting_table(report: Report) -> str:
    """Format a report as text."""
    titles = ("events", "predictions", "right", "precision", "recall", "F1", "UF1", "STRS")
    lines = [f"{report['videos']} videos", " " * 8 + "".join(f"{name:>12}" for name in titles)]
    for name, row in report["rows"].items():
        cells = [f"{value:>12.3f}" if isinstance(value, float) else f"{value:>12}"
                 for value in row.values()]  # fmt: skip
        lines.append(f"{name:8}{''.join(cells)}")
    published = report["published"]
    lines += [
        "UF1: of recognition among the right ones; STRS: F1 x UF1",
        f"as the published program counts: {published['right']} right, {published['false']} false, "
        f"{published['missed']} missed, F1 {published['f1']:.4f}, recognition "
        f"{published['recognition_f1']:.4f}, STRS {published['strs']:.4f}",
    ]
    return "\n".join(lines)
