"""Serves the documentation of the API as a page: Swagger UI, from files of the package."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import FileResponse, HTMLResponse, Response

_FOLDER = Path(__file__).parents[2] / "docs_page"
_NAMES = ("start.js", "style.css", "swagger_ui/swagger-ui-bundle.js", "swagger_ui/swagger-ui.css")
_FILES = MappingProxyType({Path(name).name: _FOLDER / name for name in _NAMES})
_TYPES = MappingProxyType({".css": "text/css", ".html": "text/html", ".js": "text/javascript"})
_HEADERS = MappingProxyType(
    {
        "Content-Security-Policy": "; ".join(
            (
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self'",
                "connect-src 'self'",
                "img-src 'self' data:",  # symbols in the style sheet of Swagger UI
                "base-uri 'self'",
                "form-action 'none'",
                "frame-ancestors 'none'",
            )
        )
    }
)

PATH = "/docs"
PATHS = frozenset({PATH, *(f"{PATH}/{name}" for name in _FILES)})
"""Paths of the page and its files; the document that it shows may need an API key."""


def routes() -> APIRouter:
    """Create the routes of the page."""
    table = APIRouter()
    for path, route in ((PATH, index), (f"{PATH}/{{name}}", file)):
        table.api_route(path, methods=["GET", "HEAD"], include_in_schema=False)(route)
    return table


async def index(request: Request) -> Response:
    """Return the page. Its addresses are relative to a path without a slash at the end."""
    page = _FOLDER / "index.html"
    if not request.scope.get("raw_path", b"").endswith(b"/"):
        return _answer(page)
    text = page.read_text(encoding="utf-8").replace("<head>", '<head><base href="../">', 1)
    return HTMLResponse(text, headers=dict(_HEADERS))


async def file(name: str) -> Response:
    """Return a file of the page, or 404."""
    if name not in _FILES:
        raise HTTPException(404)
    return _answer(_FILES[name])


def _answer(path: Path) -> FileResponse:
    return FileResponse(path, headers=dict(_HEADERS), media_type=_TYPES[path.suffix])
