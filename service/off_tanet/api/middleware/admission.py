"""Refusal of requests that the engine would not admit, before their bodies are read.

Under overload, reading the bodies of refused requests would be most of the server's work. A client
that is refused and comes back at once would be most of what remains; therefore a request waits for
a place before it is refused.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from off_tanet.api.middleware.base import HttpMiddleware
from off_tanet.api.middleware.client_id import ClientOf
from off_tanet.api.paths import route_path
from off_tanet.workers.engine import Engine


class AdmissionMiddleware(HttpMiddleware):
    """Refuses (503) a POST request that its engine does not admit.

    While the queue is full, requests wait for a place with nothing but their heads.

    The engine checks again when the body has arrived. `others` maps paths to engines of their own.
    """

    def __init__(
        self, app: ASGIApp, engine: Engine, others: Mapping[str, Engine], client_of: ClientOf
    ) -> None:
        super().__init__(app)
        self.client_of = client_of
        self.engine = engine
        self.others = others

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on as soon as its engine admits it."""
        if scope["method"] == "POST":
            engine = self.others.get(route_path(scope), self.engine)
            await engine.admission(self.client_of(scope))
        await self.app(scope, receive, send)
