"""Detection of compressed bodies, which are refused because their real size is unbounded."""

from __future__ import annotations

from off_tanet.errors import UnsupportedMediaError

# First bytes of a body that is compressed without a header that says so. No form or JSON begins so.
_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x78\x9c": "deflate",
    b"\x78\xda": "deflate",
}


def check_header(coding: str) -> None:
    """Raise UnsupportedMediaError if a Content-Encoding means that the body is compressed."""
    if coding.strip().lower() not in ("", "identity"):
        raise UnsupportedMediaError(
            "The body is compressed according to its Content-Encoding: send it uncompressed."
        )


def check_body(body: bytes) -> None:
    """Raise UnsupportedMediaError if the first bytes of a body show that it is compressed."""
    for magic, coding in _MAGIC.items():
        if body.startswith(magic):
            raise UnsupportedMediaError(f"The body is compressed ({coding}): send it uncompressed.")
