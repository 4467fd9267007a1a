"""The report of one part of the soak."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Part:
    """A part's name, its faults and its closing line; lines are printed at once."""

    name: str
    faults: list[str] = field(default_factory=list)
    summary: str = ""

    def say(self, line: str) -> None:
        print(f"  {line}", flush=True)

    def check(self, holds: bool, fault: str) -> None:
        """Record the fault if the condition does not hold."""
        if not holds:
            self.faults.append(fault)
