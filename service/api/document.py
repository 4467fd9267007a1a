"""The OpenAPI document, with what the framework cannot derive from the routes."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from service.api.examples import components

_FRAMEWORK_ERRORS = ("HTTPValidationError", "ValidationError")


class DocumentedApp(FastAPI):
    """Its document has the bodies that only a worker parses, and no error but ours."""

    def openapi(self) -> dict[str, Any]:
        document = super().openapi()
        document["components"]["schemas"] |= components()
        for name in _FRAMEWORK_ERRORS:
            document["components"]["schemas"].pop(name, None)
        for path in document["paths"].values():
            for operation in path.values():
                _drop_framework_422(operation["responses"])
        return document


def _drop_framework_422(responses: dict[str, Any]) -> None:
    """The framework promises one wherever there is a parameter, even one that takes any text."""
    if "application/json" in responses.get("422", {}).get("content", {}):
        del responses["422"]
