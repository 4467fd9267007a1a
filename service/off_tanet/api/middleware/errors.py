"""Responses to the errors of all layers below."""

from __future__ import annotations

import asyncio

from starlette.types import Receive, Scope, Send

from off_tanet.api import problems
from off_tanet.api.middleware.base import HttpMiddleware
from off_tanet.api.middleware.request_state import request_state
from off_tanet.errors import DrainingError, OffTanetError


class ErrorMiddleware(HttpMiddleware):
    """Answers errors, and requests that the server cancels on shutdown, with a problem.

    Of an unexpected error, the log receives only the type and the place that raised it.

    The framework's own handler is outside all middleware: its response has none of their headers,
    and it raises the error again, so that the server logs it with its message.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer it with a problem if that fails."""
        failure: OffTanetError
        try:
            await self.app(scope, receive, send)
            return
        except OffTanetError as error:
            failure = error
        except asyncio.CancelledError:  # by the server, when the shutdown timeout is over
            if request_state(scope).status:
                raise
            failure = DrainingError("The service stopped before this request was completed.")
        except Exception as error:
            failure = problems.unexpected(error)
        begun = request_state(scope).status
        response = problems.response(scope, failure)
        if not begun:  # else the server sees an incomplete response and closes the connection
            await response(scope, receive, send)
