"""Compressed bodies, which no route takes: unpacked, they could be of any size."""

from __future__ import annotations

from off_tanet.errors import UnsupportedMediaError

# How a body begins that is compressed although no header says so; neither a form nor JSON does.
_BEGINNINGS = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x78\x9c": "deflate",
    b"\x78\xda": "deflate",
}


def check_header(coding: str) -> None:
    """Raises UnsupportedMediaError where a Content-Encoding says that the body is compressed."""
    if coding.strip().lower() not in ("", "identity"):
        raise UnsupportedMediaError(
            "The body is compressed, as its Content-Encoding says: send it uncompressed."
        )


def check_body(body: bytes) -> None:
    """Raises UnsupportedMediaError for a body that is compressed without a word of it."""
    for beginning, coding in _BEGINNINGS.items():
        if body.startswith(beginning):
            raise UnsupportedMediaError(f"The body is compressed ({coding}): send it uncompressed.")
