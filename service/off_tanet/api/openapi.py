"""The OpenAPI document, completed with what the framework cannot derive from the routes."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from off_tanet.api.openapi_answers import EXAMPLES
from off_tanet.api.openapi_examples import components, failures, inference_failures
from off_tanet.api.openapi_model import of_model
from off_tanet.api.paths import HEALTH_PATHS
from off_tanet.workers.messages import WorkerInfo

_FRAMEWORK_ERRORS = ("HTTPValidationError", "ValidationError")
_KEYS = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


class DocumentedApp(FastAPI):
    """Adds to the document the bodies that workers parse and the API keys.

    It also removes the framework's validation errors, which are never sent.
    """

    requires_key = False
    """Whether requests need an API key."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        document = super().openapi()
        document["components"]["schemas"] |= components()
        document["components"]["examples"] = EXAMPLES
        for name in _FRAMEWORK_ERRORS:
            document["components"]["schemas"].pop(name, None)
        for path, operations in document["paths"].items():
            for operation in operations.values():
                _drop_framework_422(operation["responses"])
                if self.requires_key and path not in HEALTH_PATHS:
                    _require_key(operation, path)
        if self.requires_key:
            document["components"]["securitySchemes"] = _KEYS
        info: WorkerInfo | None = self.state.engine.info
        return document if info is None else of_model(document, info.card)


def _drop_framework_422(responses: dict[str, Any]) -> None:
    """Remove the 422 that the framework adds wherever there is a parameter, even free text."""
    if "application/json" in responses.get("422", {}).get("content", {}):
        del responses["422"]


def _require_key(operation: dict[str, Any], path: str) -> None:
    operation["security"] = [{name: []} for name in _KEYS]
    describe = inference_failures if path.startswith("/v2") else failures
    refusals = (401, 429) if "requestBody" in operation else (401,)
    operation["responses"] |= {str(status): describe(status)[status] for status in refusals}
