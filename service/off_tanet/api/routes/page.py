"""Serves the web page and its samples from files of the package."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Self

from fastapi import HTTPException, Request
from fastapi.responses import FileResponse, JSONResponse

from off_tanet.configuration import ASSETS
from off_tanet.settings import Settings

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

FACTS_PATH = "/web/service.json"
"""Path of what the page says of the service before anything is sent."""

PATHS = frozenset({"/", *(f"/web/{name}" for name in _FILES)})
"""Paths of the page and its files, which hold no data of clients and need no API key."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the page says of the service: whether it requires a key, and its limits."""

    key_required: bool
    body_bytes: int
    video_bytes: int
    image_pixels: int
    frames: int
    seconds: float
    video_frames: int
    video_seconds: float

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Take them from the settings."""
        return cls(
            key_required=settings.api_keys is not None,
            body_bytes=settings.max_body_bytes,
            video_bytes=settings.max_video_bytes,
            image_pixels=settings.max_image_pixels,
            frames=settings.max_frames,
            seconds=settings.max_seconds,
            video_frames=settings.max_video_frames,
            video_seconds=settings.max_video_seconds,
        )


async def facts(request: Request) -> JSONResponse:
    """Return the facts."""
    return JSONResponse(asdict(request.app.state.page_facts))


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
