"""Refusal of requests by their heads, before their bodies are read."""

from __future__ import annotations

from typing import Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from off_tanet.api.middleware.base import HttpMiddleware


class Guard(Protocol):
    """Decides by the head of a request whether it is refused."""

    def check(self, scope: Scope) -> None:
        """Raise an OffTanetError if the request must be refused."""


class GuardMiddleware(HttpMiddleware):
    """Passes on the requests that no guard refuses."""

    def __init__(self, app: ASGIApp, guards: tuple[Guard, ...]) -> None:
        super().__init__(app)
        self.guards = guards

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let each guard check the request, in their order, then pass it on."""
        for guard in self.guards:
            guard.check(scope)
        await self.app(scope, receive, send)
