"""When a client repeats a failed request, and after what pause."""

from __future__ import annotations

import random
from dataclasses import dataclass

import httpx

from off_tanet.errors import OffTanetError

Failure = OffTanetError | httpx.TransportError

_RETRIED_STATUSES = {429, 503}
_LOST_CONNECTION = (httpx.NetworkError, httpx.RemoteProtocolError)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When a client repeats a failed request.

    Requests are repeated after status 503 (the service is busy) and 429 (a quota is used up), after
    the `Retry-After` of the response, and when the connection fails. Repeating is safe: a
    prediction changes nothing in the service.

    Attributes:
        attempts: How often a request is sent at most, the first time included.
        longest_pause_s: Longest pause in seconds. A longer `Retry-After` is not waited for: the
            error is raised at once.
        first_pause_s: Pause in seconds after the first attempt where the response gives none. It
            doubles with each attempt.
    """

    attempts: int = 5
    longest_pause_s: float = 60.0
    first_pause_s: float = 0.5

    def pause_s(self, failure: Failure, attempt: int) -> float | None:
        """Return the pause before the next attempt.

        Up to a quarter is added at random, so that clients that were refused together do not come
        back together.

        Args:
            failure: What the attempt raised.
            attempt: Number of the attempt that failed, from 1.

        Returns:
            Seconds to wait, or None to give up.
        """
        if attempt >= self.attempts:
            return None
        requested_s = self._requested_s(failure, attempt)
        if requested_s is None or requested_s > self.longest_pause_s:
            return None
        return requested_s * random.uniform(1, 1.25)  # nosec B311 # no secret depends on it

    def _requested_s(self, failure: Failure, attempt: int) -> float | None:
        default_s = min(self.first_pause_s * 2 ** (attempt - 1), self.longest_pause_s)
        if isinstance(failure, httpx.TransportError):
            return default_s if isinstance(failure, _LOST_CONNECTION) else None
        if failure.status not in _RETRIED_STATUSES:
            return None
        return default_s if failure.retry_after_s is None else float(failure.retry_after_s)
