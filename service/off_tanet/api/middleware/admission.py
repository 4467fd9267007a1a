"""Refusal of requests that the engine would not admit, before their bodies are read.

Under overload, reading the bodies of refused requests would be most of the server's work. A client
that is refused and comes back at once would be most of what remains; therefore a refusal waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from off_tanet.api.middleware.base import HttpMiddleware
from off_tanet.api.middleware.client_id import ClientOf
from off_tanet.api.paths import route_path
from off_tanet.errors import QueueFullError
from off_tanet.workers.engine import Engine


class AdmissionMiddleware(HttpMiddleware):
    """Refuses (503) a POST request that its engine would refuse now.

    If the queue is full, the request waits for `refusal_delay_s` seconds with nothing but its head,
    and is refused only if the queue is full then, too.

    The engine checks again when the body has arrived. `others` maps paths to engines of their own.
    """

    def __init__(
        self,
        app: ASGIApp,
        engine: Engine,
        others: Mapping[str, Engine],
        client_of: ClientOf,
        refusal_delay_s: float,
    ) -> None:
        super().__init__(app)
        self.client_of = client_of
        self.engine = engine
        self.others = others
        self.refusal_delay_s = refusal_delay_s

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if its engine would admit it."""
        if scope["method"] == "POST":
            engine = self.others.get(route_path(scope), self.engine)
            client = self.client_of(scope)
            try:
                engine.check_admission(client)
            except QueueFullError:
                await asyncio.sleep(self.refusal_delay_s)
                engine.check_admission(client)
        await self.app(scope, receive, send)
