"""Headers of answers: how they are amended, and those that keep an answer with its browser."""

from __future__ import annotations

from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_DEFAULTS = {
    "Cache-Control": "no-store",  # an answer is about a person's face
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def amending(send: Send, amend: Callable[[MutableHeaders], None]) -> Send:
    """`send` for one answer, whose headers `amend` may change before they leave."""

    async def send_amended(message: Message) -> None:
        if message["type"] == "http.response.start":
            amend(MutableHeaders(scope=message))
        await send(message)

    return send_amended


class SecurityHeadersMiddleware:
    """Adds to each answer those of the headers that its route has not set otherwise."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        def set_defaults(headers: MutableHeaders) -> None:
            for name, value in _DEFAULTS.items():
                headers.setdefault(name, value)

        await self.app(scope, receive, amending(send, set_defaults))
