"""The only door for WebSockets: no other layer sees them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from off_tanet.api import problems
from off_tanet.api.live.close_codes import NORMAL, close_code
from off_tanet.api.live.service import LiveService
from off_tanet.api.live.socket import LiveSocket, event
from off_tanet.api.middleware.exchange import completed
from off_tanet.api.middleware.guard import Guard
from off_tanet.api.middleware.instrumentation import Observer, RequestRecord, record_client_gone
from off_tanet.api.middleware.request_id import HEADER, request_id
from off_tanet.api.middleware.request_state import request_state
from off_tanet.api.paths import STREAM_PATH, route_path
from off_tanet.errors import ClientGoneError, DrainingError, OffTanetError

_SWITCHING = 101


class SocketMiddleware:
    """Answers WebSockets; everything else is passed on.

    A handshake that a guard refuses is answered with a problem, like any request. After it, a
    problem is the last event before the connection is closed: a page cannot read the answer to a
    handshake. Each stream is passed to the observers as one request.

    Args:
        app: The application.
        live: What live streams share.
        guards: Check the head of the request.
        observers: Called with the record of each stream.
    """

    def __init__(
        self,
        app: ASGIApp,
        live: LiveService,
        guards: Sequence[Guard],
        observers: Sequence[Observer],
    ) -> None:
        self.app = app
        self.live = live
        self.guards = guards
        self.observers = observers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI scope."""
        if scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return
        websocket = WebSocket(scope, receive, send)
        if route_path(scope) != STREAM_PATH:
            await websocket.close()
            return
        request_state(scope).status = _SWITCHING
        try:
            for guard in self.guards:
                guard.check(scope)
        except OffTanetError as error:
            await self._deny(websocket, error)
        else:
            await self._serve(websocket)

    async def _deny(self, websocket: WebSocket, error: OffTanetError) -> None:
        scope = websocket.scope
        response = problems.response(scope, error)
        response.raw_headers = completed(response.raw_headers, request_id(scope))
        self._record(scope, error)
        if "websocket.http.response" in scope.get("extensions", {}):
            await websocket.send_denial_response(response)
        else:
            await websocket.close()

    async def _serve(self, websocket: WebSocket) -> None:
        scope = websocket.scope
        await websocket.accept(headers=[(HEADER.lower().encode(), request_id(scope).encode())])
        socket = LiveSocket(websocket)
        failure = await self._run(scope, socket)
        if failure is None:
            self._record(scope)
            await socket.close(NORMAL)
            return
        body = problems.problem(scope, failure)
        self._record(scope, failure)
        await socket.send(event("problem", body.model_dump_json(exclude_none=True)))
        await socket.close(close_code(failure), failure.code)

    async def _run(self, scope: Scope, socket: LiveSocket) -> OffTanetError | None:
        """Hold the conversation; return the reason for its end, unless the client has ended it."""
        try:
            await self.live.run(scope, socket)
        except OffTanetError as error:
            return error
        except asyncio.CancelledError:  # by the server, when the shutdown timeout is over
            return DrainingError("The service stopped before this stream was completed.")
        except Exception as error:
            return problems.unexpected(error)
        return None

    def _record(self, scope: Scope, failure: OffTanetError | None = None) -> None:
        if isinstance(failure, ClientGoneError):
            record_client_gone(scope)
        elif failure is not None:
            request_state(scope).status = failure.status
        record = RequestRecord.of(scope, STREAM_PATH, "GET")
        for observe in self.observers:
            observe(record)
