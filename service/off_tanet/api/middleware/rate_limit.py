"""How many requests one API key may make; the counting is the library `limits`."""

from __future__ import annotations

import math
import time

from limits import RateLimitItem
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.types import ASGIApp, Receive, Scope, Send

from off_tanet.api import problems
from off_tanet.api.middleware.auth import key_name
from off_tanet.errors import QuotaError


class RateLimitMiddleware:
    """Answers 429 where a client, named by its key, has used up its quota of POST requests.

    What needs no key is not counted.
    """

    def __init__(self, app: ASGIApp, quota: RateLimitItem) -> None:
        self.app = app
        self.quota = quota
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":
            client = key_name(scope)
            if client is not None and not self._limiter.hit(self.quota, client):
                await problems.response(scope, self._error(client))(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _error(self, client: str) -> QuotaError:
        free_at = self._limiter.get_window_stats(self.quota, client).reset_time
        wait_s = max(1, math.ceil(free_at - time.time()))
        return QuotaError(f"This key's quota is {self.quota}.", wait_s)
