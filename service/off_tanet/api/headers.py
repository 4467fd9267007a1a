"""Headers of requests."""

from __future__ import annotations

from starlette.types import Scope


def header(scope: Scope, name: bytes) -> str:
    """Return the first header with a name in lower case, or an empty string.

    It is called several times for each request. The framework's class would copy and decode the
    names of all headers each time.
    """
    for given, value in scope["headers"]:
        if given == name:
            text: str = value.decode("latin-1")
            return text
    return ""
