"""Base class of the middlewares that refuse requests before their bodies are read."""

from __future__ import annotations

from abc import abstractmethod

from starlette.types import Receive, Scope, Send

from off_tanet.api import problems
from off_tanet.api.middleware.base import HttpMiddleware
from off_tanet.errors import OffTanetError


class GuardMiddleware(HttpMiddleware):
    """Answers a request with a problem if `check` raises an error, and passes on all others."""

    @abstractmethod
    def check(self, scope: Scope) -> None:
        """Raise an OffTanetError if the request must be refused."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check the request, then refuse it or pass it on."""
        try:
            self.check(scope)
        except OffTanetError as error:
            await problems.response(scope, error)(scope, receive, send)
        else:
            await self.app(scope, receive, send)
