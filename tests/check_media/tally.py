"""A tally of files of one kind, compared with another decoder."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Tally:
    """The files of one kind in a folder, and how many of them are decoded alike.

    `name` is the kind, `refused` counts files by the reason, and each line of `differing` names a
    file and how far the decoders differ.
    """

    name: str
    files: int = 0
    alike: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    differing: list[str] = field(default_factory=list)

    def report(self) -> str:
        """All figures as lines of text, the most frequent reason first."""
        refused = sum(self.refused.values())
        head = (
            f"{self.name}: {self.files} files, {self.alike} decoded alike, {refused} refused, "
            f"{len(self.differing)} differing"
        )
        reasons = sorted(self.refused.items(), key=lambda reason: (-reason[1], reason[0]))
        counts = [f"  refused {count:5d}  {reason}" for reason, count in reasons]
        return "\n".join([head, *counts, *(f"  differs  {line}" for line in self.differing)])
