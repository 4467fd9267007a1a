"""Base class of the middlewares that change the headers of every response."""

from __future__ import annotations

from abc import abstractmethod

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Receive, Scope, Send

from off_tanet.api.middleware.base import HttpMiddleware


class ResponseHeadersMiddleware(HttpMiddleware):
    """Calls `amend` with the headers of each response before they are sent."""

    @abstractmethod
    def amend(self, scope: Scope, headers: MutableHeaders) -> None:
        """Change the `headers` of the response to the request of `scope`."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and amend the headers of its response."""

        async def send_amended(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.amend(scope, MutableHeaders(scope=message))
            await send(message)

        await self.app(scope, receive, send_amended)
