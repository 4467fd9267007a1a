"""Forms (RFC 7578), parsed in a worker: their cost is bounded by a request's own deadline there.

The process that answers everybody would answer nobody while it looked for a boundary in megabytes
of almost-boundaries.
"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, BeforeValidator, Field, ValidationError, WithJsonSchema
from pydantic_core import PydanticCustomError
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from service.api.faults import error_of
from service.recognition.errors import MalformedFormError

_MOST_PARTS = 4  # no route has more
_MOST_PART_HEADERS, _MOST_PART_HEADER_BYTES = 8, 4096
_MOST_FIELD_BYTES = 64  # of a part that is no file: an index

File = Annotated[
    bytes, WithJsonSchema({"type": "string", "contentMediaType": "application/octet-stream"})
]


def _text(content: object) -> object:
    if not isinstance(content, bytes):
        return content
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise PydanticCustomError("not_utf8", "not UTF-8") from None


Index = Annotated[int | None, BeforeValidator(_text), Field(ge=0)]


class _Form(BaseModel):
    files: ClassVar[frozenset[str]]

    @classmethod
    def parse(cls, body: bytes, boundary: bytes) -> Self:
        """Of a multipart body. Raises MalformedFormError and InvalidRequestError."""
        try:
            return cls.model_validate(_parts(body, boundary, cls.files))
        except ValidationError as error:
            faults = error.errors(include_url=False, include_input=False)
            raise error_of({**fault, "loc": ("body", *fault["loc"])} for fault in faults) from None


class FramesForm(_Form):
    """Two pictures (PNG, JPEG, WebP, BMP or TIFF)."""

    files = frozenset({"onset", "apex"})

    onset: File
    apex: File


class ClipForm(_Form):
    """A clip (MP4, MOV, AVI, WebM, MKV or GIF), and what is not to be sought in it."""

    files = frozenset({"video"})

    video: File
    onset_index: Index = None
    apex_index: Index = None


class VideoForm(_Form):
    """A long video (MP4, MOV, AVI, WebM, MKV or GIF)."""

    files = frozenset({"video"})

    video: File


def _parts(body: bytes, boundary: bytes, files: frozenset[str]) -> dict[str, bytes]:
    """The contents of the parts by their names; those of `files` are files, with a name or not."""
    reader = _Reader(files)
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
            max_header_count=_MOST_PART_HEADERS,
            max_header_size=_MOST_PART_HEADER_BYTES,
        )
        parser.write(body)
    except FormParserError:
        raise MalformedFormError("The body is not the form that its Content-Type names.") from None
    if not reader.finished:
        raise MalformedFormError("The form has no end.")
    return {name: bytes(content) for name, content in reader.found.items()}


class _Reader:
    """What the parser calls as it goes through a body."""

    def __init__(self, files: frozenset[str]) -> None:
        self.found: dict[str, bytearray] = {}
        self.finished = False
        self._files = files
        self._header = b""
        self._disposition = b""
        self._content = bytearray()
        self._most_bytes: float = 0

    def begin(self) -> None:
        if len(self.found) == _MOST_PARTS:
            raise MalformedFormError(f"The form has more than {_MOST_PARTS} parts.")
        self._disposition = b""

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._header = data[start:end].lower()

    def header_value(self, data: bytes, start: int, end: int) -> None:
        if self._header == b"content-disposition":
            self._disposition = data[start:end]

    def headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition.decode("latin-1"))
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if not name or name in self.found:
            raise MalformedFormError("A part of the form has no name, or another one's.")
        is_file = b"filename" in options or name in self._files
        self._most_bytes = math.inf if is_file else _MOST_FIELD_BYTES
        self._content = self.found[name] = bytearray()

    def data(self, data: bytes, start: int, end: int) -> None:
        if len(self._content) + end - start > self._most_bytes:
            raise MalformedFormError(f"A field has more than {_MOST_FIELD_BYTES} bytes.")
        self._content += memoryview(data)[start:end]

    def finish(self) -> None:
        self.finished = True
