"""When a client asks again, and after how long."""

from __future__ import annotations

import random
from dataclasses import dataclass

import httpx

from off_tanet.errors import OffTanetError

Failure = OffTanetError | httpx.TransportError

_BUSY = {429, 503}
_LOST = (httpx.NetworkError, httpx.RemoteProtocolError)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a request is sent at most, and how long a pause may be, in seconds.

    A service that is busy, or that a client's quota keeps closed (503, 429), says itself when to
    come back. A connection that fails is tried again like that, too: asking for a prediction twice
    changes nothing.
    """

    attempts: int = 5
    longest_pause_s: float = 60.0
    first_pause_s: float = 0.5

    def pause_s(self, failure: Failure, attempt: int) -> float | None:
        """Seconds until the next attempt after the `attempt`th, from 1; None: give up.

        Up to a quarter is added at random, so that clients refused together do not come back
        together.
        """
        if attempt >= self.attempts:
            return None
        asked_s = self._asked_s(failure, attempt)
        if asked_s is None or asked_s > self.longest_pause_s:
            return None
        return asked_s * random.uniform(1, 1.25)  # nosec B311 # no secret depends on it

    def _asked_s(self, failure: Failure, attempt: int) -> float | None:
        usual_s = min(self.first_pause_s * 2 ** (attempt - 1), self.longest_pause_s)
        if isinstance(failure, httpx.TransportError):
            return usual_s if isinstance(failure, _LOST) else None
        if failure.status not in _BUSY:
            return None
        return usual_s if failure.retry_after_s is None else float(failure.retry_after_s)
