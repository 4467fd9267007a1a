"""The OpenAPI document, with what the framework cannot derive from the routes."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from off_tanet.api.openapi_examples import components, failures, inference_failures
from off_tanet.api.paths import HEALTH_PATHS

_FRAMEWORK_ERRORS = ("HTTPValidationError", "ValidationError")
_KEYS = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


class DocumentedApp(FastAPI):
    """Its document has the bodies that only a worker parses, no error but ours, and the keys."""

    keyed = False
    """Whether an API key is asked for."""

    def openapi(self) -> dict[str, Any]:
        document = super().openapi()
        document["components"]["schemas"] |= components()
        for name in _FRAMEWORK_ERRORS:
            document["components"]["schemas"].pop(name, None)
        for path, operations in document["paths"].items():
            for operation in operations.values():
                _drop_framework_422(operation["responses"])
                if self.keyed and path not in HEALTH_PATHS:
                    _ask_for_key(operation, path)
        if self.keyed:
            document["components"]["securitySchemes"] = _KEYS
        return document


def _drop_framework_422(responses: dict[str, Any]) -> None:
    """The framework promises one wherever there is a parameter, even one that takes any text."""
    if "application/json" in responses.get("422", {}).get("content", {}):
        del responses["422"]


def _ask_for_key(operation: dict[str, Any], path: str) -> None:
    operation["security"] = [{name: []} for name in _KEYS]
    told = inference_failures if path.startswith("/v2") else failures
    refusals = (401, 429) if "requestBody" in operation else (401,)
    operation["responses"] |= {str(status): told(status)[status] for status in refusals}
