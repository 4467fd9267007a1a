"""Multipart forms (RFC 7578), which are parsed in a worker, under the deadline of the request.

In the server process, searching for a boundary in megabytes of near matches would block all other
requests.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from off_tanet.errors import InvalidRequestError
from off_tanet.schemas import compression, encoded, multipart
from off_tanet.schemas.options import ClipOptions, Options, Query, combine, validate


def _file(content: object) -> object:
    if not isinstance(content, bytes) or not encoded.is_data_uri(content):
        return content
    try:
        return encoded.decode(content)
    except encoded.EncodedError as error:
        raise PydanticCustomError("bad_base64", "{reason}", {"reason": str(error)}) from None


File = Annotated[
    bytes,
    BeforeValidator(_file),
    WithJsonSchema({"type": "string", "contentMediaType": "application/octet-stream"}),
]


class _Form(Options):
    files: ClassVar[frozenset[str]]
    options: ClassVar[type[Options]] = Options

    @classmethod
    def parse(cls, body: bytes, boundary: bytes, query: Query | None = None) -> Self:
        """Parse a multipart body, and combine it with the options in the query.

        Args:
            body: The body of the request.
            boundary: The boundary from its Content-Type.
            query: Options that were in the URL.

        Raises:
            MalformedFormError: The body is not a form with this boundary.
            MalformedBase64Error: A file is not valid base64.
            UnsupportedMediaError: The body or a part of it is compressed or encoded.
            InvalidRequestError: A field is missing, unknown or invalid, or differs from the query.
        """
        compression.check_body(body)
        names = multipart.Names(cls.files, cls.model_fields.keys() - cls.files)
        fields = combine(multipart.parts(body, boundary, names), cls, "body")
        form = validate(cls, fields, "body")
        options = validate(cls.options, query or {}, "query")
        for name in options.model_fields_set:
            if name in form.model_fields_set and getattr(form, name) != getattr(options, name):
                raise InvalidRequestError(f"{name}: the query and the form have different values")
        return form.model_copy(update={name: getattr(options, name) for name in query or {}})


class FramesForm(_Form):
    """Two pictures (PNG, JPEG, WebP, BMP or TIFF). The options may also be in the query."""

    files = frozenset({"onset", "apex"})

    onset: File
    apex: File


class ClipForm(_Form, ClipOptions):
    """A clip (MP4, MOV, AVI, WebM, MKV or GIF). The options may also be in the query."""

    files = frozenset({"video"})
    options = ClipOptions

    video: File


class VideoForm(_Form):
    """A long video (MP4, MOV, AVI, WebM, MKV or GIF). The options may also be in the query."""

    files = frozenset({"video"})

    video: File
