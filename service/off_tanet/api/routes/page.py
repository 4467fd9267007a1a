"""Serves the web page and its samples from files of the package."""

from __future__ import annotations

import gzip
import re
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Self

from fastapi import HTTPException, Request
from fastapi.responses import FileResponse, JSONResponse, Response

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
_TEXTS = frozenset({".css", ".html", ".js", ".svg"})
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
    """What the page says of the service: whether it requires a key, what it has, and its limits."""

    key_required: bool
    docs: bool
    streams: bool
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
            docs=settings.docs,
            streams=settings.stream_workers > 0,
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


async def index(request: Request) -> Response:
    """Return the page."""
    return _answer(request, _FILES["index.html"])


async def file(request: Request, name: str) -> Response:
    """Return a file of the page, or 404."""
    if name not in _FILES:
        raise HTTPException(404)
    return _answer(request, _FILES[name])


def _answer(request: Request, path: Path) -> Response:
    """Return a file, text compressed if the browser accepts it: on a phone, it is shown earlier."""
    headers, media_type = dict(_HEADERS), _TYPES[path.suffix]
    if path.suffix not in _TEXTS:
        return FileResponse(path, headers=headers, media_type=media_type)
    headers["Vary"] = "Accept-Encoding"
    if not _accepts_gzip(request.headers.get("accept-encoding", "")):
        return FileResponse(path, headers=headers, media_type=media_type)
    headers["Content-Encoding"] = "gzip"
    return Response(_compressed(path), headers=headers, media_type=media_type)


def _accepts_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding header names gzip; a weight of 0 excludes it."""
    found = re.search(r"(?:^|[\s,])gzip\s*(?:;\s*q=([\d.]+))?\s*(?:,|$)", accepted.lower())
    return found is not None and found[1] not in ("0", "0.0", "0.00", "0.000")


@cache
def _compressed(path: Path) -> bytes:
    return gzip.compress(path.read_bytes(), 9, mtime=0)
