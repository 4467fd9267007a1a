"""Serves the web page and its samples from files of the package."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

from fastapi import HTTPException
from fastapi.responses import FileResponse

from off_tanet.configuration import ASSETS

_WEB = Path(__file__).parents[2] / "web"
_FILES = MappingProxyType(
    {file.name: file for folder in (_WEB, ASSETS / "samples") for file in folder.iterdir()}
)
_TYPES = MappingProxyType(
    {
        ".css": "text/css",
        ".html": "text/html",
        ".jpg": "image/jpeg",
        ".js": "text/javascript",
        ".mp4": "video/mp4",
        ".svg": "image/svg+xml",
    }
)
_HEADERS = MappingProxyType(
    {
        "Content-Security-Policy": "; ".join(
            (
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self'",
                "connect-src 'self'",
                "img-src 'self' data: blob:",  # results are data URLs, previews are blobs
                "media-src blob:",
                "base-uri 'none'",
                "form-action 'none'",
                "frame-ancestors 'none'",
                "require-trusted-types-for 'script'",
            )
        ),
        "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    }
)

PATHS = frozenset({"/", *(f"/web/{name}" for name in _FILES)})
"""Paths of the page and its files, which hold no data of clients and need no API key."""


async def index() -> FileResponse:
    """Return the page."""
    return _answer(_FILES["index.html"])


async def file(name: str) -> FileResponse:
    """Return a file of the page, or 404."""
    if name not in _FILES:
        raise HTTPException(404)
    return _answer(_FILES[name])


def _answer(path: Path) -> FileResponse:
    return FileResponse(path, headers=dict(_HEADERS), media_type=_TYPES[path.suffix])
