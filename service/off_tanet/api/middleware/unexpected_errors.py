"""Responses to errors that no other code handles."""

from __future__ import annotations

import asyncio

from starlette.types import Message, Receive, Scope, Send

from off_tanet.api import problems
from off_tanet.api.middleware.base import HttpMiddleware
from off_tanet.errors import DrainingError, OffTanetError


class UnexpectedErrorMiddleware(HttpMiddleware):
    """Answers unexpected errors, and requests that the server cancels on shutdown, with a problem.

    The log receives only the type of the error and the place that raised it.

    The framework's own handler is outside all middleware: its response has none of their headers,
    and it raises the error again, so that the server logs it with its message.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer it with a problem if that fails."""
        started = False

        async def send_observed(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        failure: OffTanetError
        try:
            await self.app(scope, receive, send_observed)
            return
        except asyncio.CancelledError:  # by the server, when the shutdown timeout is over
            if started:
                raise
            failure = DrainingError("The service stopped before this request was completed.")
        except Exception as error:
            failure = problems.unexpected(error)
        response = problems.response(scope, failure)
        if not started:  # else the server sees an incomplete response and closes the connection
            await response(scope, receive, send)
