"""Files as text: base64 (RFC 4648) in the spellings that programs write it in."""

from __future__ import annotations

import binascii
import re
from urllib.parse import unquote_to_bytes

_DATA_URI = re.compile(rb"data:[^,]{0,200};base64,", re.IGNORECASE)
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_LINE_ENDS = b"\r\n"


class EncodedError(ValueError):
    """Text that is no base64; the message says why, and quotes nothing of it."""


def is_data_uri(content: bytes) -> bool:
    """Whether it begins as `canvas.toDataURL()` does, which no picture and no video does."""
    return _DATA_URI.match(content) is not None


def decode(text: bytes) -> bytes:
    """The bytes of a file in base64.

    Taken are a `data:` prefix, line ends, the URL-safe alphabet and missing padding. Raises
    EncodedError.
    """
    if prefix := _DATA_URI.match(text):
        text = text[prefix.end() :]
        if b"%" in text:  # as URIs may have it for + / and =
            text = unquote_to_bytes(text)
    if any(end in text for end in _LINE_ENDS) or text[:1].isspace() or text[-1:].isspace():
        text = text.strip().translate(None, _LINE_ENDS)
    if b" " in text:
        raise EncodedError("must be base64; it has spaces, which URL decoding makes of +")
    if b"-" in text or b"_" in text:
        text = text.translate(_URL_SAFE)
    if len(text) % 4:
        bare = text.rstrip(b"=")
        text = bare + b"=" * (-len(bare) % 4)
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        raise EncodedError("must be base64 of the file's bytes, not a URL or a path") from None
