"""Request quotas per API key, counted by the library `limits`."""

from __future__ import annotations

import math
import time

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.types import Scope

from off_tanet.api.middleware.auth import key_name
from off_tanet.errors import QuotaError


class QuotaGuard:
    """Refuses a POST request or a stream (429) when its API key has used up its quota of them.

    Requests to paths that need no key are not counted.
    """

    def __init__(self, quota: str) -> None:
        """Parse the quota, such as `100/minute`."""
        self.quota = parse(quota)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def check(self, scope: Scope) -> None:
        """Count the request; raise QuotaError if the quota of its key is used up."""
        counted = scope["type"] == "websocket" or scope["method"] == "POST"
        client = key_name(scope) if counted else None
        if client is not None and not self._limiter.hit(self.quota, client):
            free_at = self._limiter.get_window_stats(self.quota, client).reset_time
            wait_s = max(1, math.ceil(free_at - time.time()))
            raise QuotaError(f"The quota of this API key is {self.quota}.", wait_s)
