"""What connections may cost the process that answers everybody."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Bounds of one connection, and of all together.

    Attributes:
        connections: Those that are open at once.
        head_bytes: What is not yet a head, or trailers behind a body.
        head_s: Seconds for a whole head, from the connection's beginning or the first byte after
            an answer.
        write_s: Seconds without progress in writing an answer.
        unsent_bytes: What all clients together have not taken yet of their answers.
    """

    connections: int
    head_bytes: int
    head_s: float
    write_s: float
    unsent_bytes: int
