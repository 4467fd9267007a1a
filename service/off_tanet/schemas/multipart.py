"""Parsing of multipart bodies (RFC 7578)."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from off_tanet.errors import MalformedBase64Error, MalformedFormError, UnsupportedMediaError
from off_tanet.schemas import encoded, plain_forms
from off_tanet.schemas.validation import shorten

_MAX_PARTS = 16  # more than any route has
_MAX_PART_HEADERS, _MAX_PART_HEADER_BYTES = 8, 4096
_MAX_FIELD_BYTES = 64  # of a part that is not a file; all words of `include` take 61
_CHARSET = "_charset_"  # to which browsers assign the charset of the form (HTML, section 4.10.22.4)
_IDENTITIES = frozenset({"", "7bit", "8bit", "binary"})  # RFC 2045, section 6.1


@dataclass(frozen=True, slots=True)
class Names:
    """The names of the parts of a form.

    Attributes:
        files: Names of files, which may be sent with or without a file name.
        fields: Names of all other parts.
    """

    files: Collection[str]
    fields: Collection[str]


@dataclass(slots=True)
class _Part:
    name: str = ""
    disposition: bytes = b""
    transfer_encoding: str = ""
    max_bytes: float = 0
    content: bytearray = field(default_factory=bytearray)


def parts(body: bytes, boundary: bytes, names: Names) -> list[tuple[str, bytes]]:
    """Parse a multipart body.

    Args:
        body: The body of the request.
        boundary: The boundary from its Content-Type.
        names: The known names. The content of parts with other names is discarded.

    Returns:
        The name and the content of each part, in order.

    Raises:
        MalformedFormError: The body is not a form with this boundary.
        MalformedBase64Error: A part is not valid base64, although its headers say so.
        UnsupportedMediaError: A part has another encoding.
    """
    plain = plain_forms.split(body, boundary, names.files, _MAX_PARTS)
    return parse(body, boundary, names) if plain is None else plain


def parse(body: bytes, boundary: bytes, names: Names) -> list[tuple[str, bytes]]:
    """Parse a multipart body however it is written; arguments and errors as of `parts`."""
    reader = _Reader(names)
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": reader.begin,
                "on_header_field": reader.header_name,
                "on_header_value": reader.header_value,
                "on_headers_finished": reader.headers_finished,
                "on_part_data": reader.data,
                "on_end": reader.finish,
            },
            max_header_count=_MAX_PART_HEADERS,
            max_header_size=_MAX_PART_HEADER_BYTES,
        )
        parser.write(_without_preamble(body, boundary))
    except FormParserError:
        raise MalformedFormError(
            "The body is not the form that its Content-Type declares."
        ) from None
    if not reader.finished:
        raise MalformedFormError("The form is incomplete: its closing boundary is missing.")
    return [(part.name, _decode(part)) for part in reader.parts if part.name != _CHARSET]


def _without_preamble(body: bytes, boundary: bytes) -> bytes:
    """Return the body from its first boundary on."""
    delimiter = b"--" + boundary
    lines_end_with_lf = MalformedFormError("The form's lines end with LF; RFC 7578 requires CRLF.")
    if body.startswith(delimiter + b"\n"):
        raise lines_end_with_lf
    if body.startswith(delimiter):
        return body
    begin = body.find(b"\r\n" + delimiter)
    if begin >= 0:
        return body[begin + 2 :]
    if b"\n" + delimiter in body:
        raise lines_end_with_lf
    raise MalformedFormError(
        "The boundary of the Content-Type is not in the body: "
        "let the HTTP client that creates the form set this header."
    )


def _decode(part: _Part) -> bytes:
    encoding, name = part.transfer_encoding, shorten(part.name)
    if encoding == "base64":
        try:
            return encoded.decode(bytes(part.content))
        except encoded.EncodedError as error:
            raise MalformedBase64Error(f"body.{name}: {error}") from None
    if encoding not in _IDENTITIES:
        raise UnsupportedMediaError(
            f"body.{name}: its Content-Transfer-Encoding is neither binary nor base64."
        )
    return bytes(part.content)


class _Reader:
    """The callbacks of the parser, which collect the parts."""

    def __init__(self, names: Names) -> None:
        self.parts: list[_Part] = []
        self.finished = False
        self._names = names
        self._header = b""

    def begin(self) -> None:
        if len(self.parts) == _MAX_PARTS:
            raise MalformedFormError(f"The form has more than {_MAX_PARTS} parts.")
        self.parts.append(_Part())

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._header = data[start:end].lower()

    def header_value(self, data: bytes, start: int, end: int) -> None:
        if self._header == b"content-disposition":
            self.parts[-1].disposition = data[start:end]
        elif self._header == b"content-transfer-encoding":
            self.parts[-1].transfer_encoding = data[start:end].decode("latin-1").strip().lower()

    def headers_finished(self) -> None:
        part = self.parts[-1]
        _, options = parse_options_header(part.disposition.decode("latin-1"))
        part.name = options.get(b"name", b"").decode("utf-8", "replace")
        if not part.name:
            raise MalformedFormError("A part of the form has no name.")
        name = part.name.removesuffix("[]")
        if name in self._names.files:
            part.max_bytes = math.inf
        elif name in self._names.fields:
            part.max_bytes = _MAX_FIELD_BYTES
        else:
            part.transfer_encoding = ""

    def data(self, data: bytes, start: int, end: int) -> None:
        part = self.parts[-1]
        if part.max_bytes == 0:
            return
        if len(part.content) + end - start > part.max_bytes:
            raise MalformedFormError(f"{part.name} has more than {_MAX_FIELD_BYTES} bytes.")
        part.content += memoryview(data)[start:end]

    def finish(self) -> None:
        self.finished = True
