"""Refusal before the body is read: under overload, reading what is refused is most of the work."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from off_tanet.api import problems
from off_tanet.api.middleware.client_id import ClientOf
from off_tanet.api.paths import route_path
from off_tanet.errors import EngineError
from off_tanet.workers.engine import Engine


class AdmissionMiddleware:
    """Answers a POST at once where its engine would refuse it; the engine decides again later.

    `others` are the engines of paths that have one of their own.
    """

    def __init__(
        self, app: ASGIApp, engine: Engine, others: Mapping[str, Engine], client_of: ClientOf
    ) -> None:
        self.app = app
        self.client_of = client_of
        self.engine = engine
        self.others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":
            try:
                engine = self.others.get(route_path(scope), self.engine)
                engine.check_admission(self.client_of(scope))
            except EngineError as error:
                await problems.response(scope, error)(scope, receive, send)
                return
        await self.app(scope, receive, send)
