"""Refusal of requests that the engine would not admit, before their bodies are read.

Under overload, reading the bodies of refused requests would be most of the server's work.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import ASGIApp, Scope

from off_tanet.api.middleware.client_id import ClientOf
from off_tanet.api.middleware.guard import GuardMiddleware
from off_tanet.api.paths import route_path
from off_tanet.workers.engine import Engine


class AdmissionMiddleware(GuardMiddleware):
    """Answers 503 to a POST request that its engine would refuse now.

    The engine checks again when the body has arrived. `others` maps paths to engines of their own.
    """

    def __init__(
        self, app: ASGIApp, engine: Engine, others: Mapping[str, Engine], client_of: ClientOf
    ) -> None:
        super().__init__(app)
        self.client_of = client_of
        self.engine = engine
        self.others = others

    def check(self, scope: Scope) -> None:
        """Raise the EngineError with which the engine would refuse this request."""
        if scope["method"] == "POST":
            engine = self.others.get(route_path(scope), self.engine)
            engine.check_admission(self.client_of(scope))
