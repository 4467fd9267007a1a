"""Changes to the headers of every answer before they leave."""

from __future__ import annotations

from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Amend = Callable[[MutableHeaders], None]


class ResponseHeadersMiddleware:
    """Amends the headers of each answer; a subclass says how."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    def amend(self, scope: Scope) -> Amend:
        """What changes the headers of the answer to this request; called before it is handled."""
        raise NotImplementedError

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        amend = self.amend(scope)

        async def send_amended(message: Message) -> None:
            if message["type"] == "http.response.start":
                amend(MutableHeaders(scope=message))
            await send(message)

        await self.app(scope, receive, send_amended)
