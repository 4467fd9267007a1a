"""Decoding of files in base64 (RFC 4648), in all the variants that programs write."""

from __future__ import annotations

import binascii
import re
from urllib.parse import unquote_to_bytes

_DATA_URI = re.compile(rb"data:[^,]{0,200};base64,", re.IGNORECASE)
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_LINE_ENDS = b"\r\n"


class EncodedError(ValueError):
    """The text is not valid base64; the message gives the reason without quoting the text."""


def is_data_uri(content: bytes) -> bool:
    """Whether the content begins like `canvas.toDataURL()`; no picture or video file does."""
    return _DATA_URI.match(content) is not None


def decode(text: bytes) -> bytes:
    """Decode a file in base64.

    Args:
        text: The base64. A `data:` prefix, line ends, the URL-safe alphabet and missing padding are
            accepted.

    Returns:
        The content of the file.

    Raises:
        EncodedError: The text is not valid base64.
    """
    if prefix := _DATA_URI.match(text):
        text = text[prefix.end() :]
        if b"%" in text:  # URIs may escape +, / and = in this way
            text = unquote_to_bytes(text)
    if any(end in text for end in _LINE_ENDS) or text[:1].isspace() or text[-1:].isspace():
        text = text.strip().translate(None, _LINE_ENDS)
    if b" " in text:
        raise EncodedError("must be base64; it contains spaces, to which URL decoding converts +")
    if b"-" in text or b"_" in text:
        text = text.translate(_URL_SAFE)
    if len(text) % 4:
        unpadded = text.rstrip(b"=")
        text = unpadded + b"=" * (-len(unpadded) % 4)
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        raise EncodedError("must be base64 of the file's bytes, not a URL or a path") from None
