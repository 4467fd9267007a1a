"""Forms (RFC 7578), parsed in a worker: their cost is bounded by a request's own deadline there.

The process that answers everybody would answer nobody while it looked for a boundary in megabytes
of almost-boundaries.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from off_tanet.errors import InvalidRequestError
from off_tanet.schemas import compression, encoded, multipart
from off_tanet.schemas.options import ClipOptions, Options, Query, joined, parsed


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
        """Of a multipart body, and of the options in the query.

        Raises MalformedFormError, MalformedBase64Error, UnsupportedMediaError and
        InvalidRequestError, also where query and form disagree.
        """
        compression.check_body(body)
        names = multipart.Names(cls.files, cls.model_fields.keys() - cls.files)
        form = parsed(cls, joined(multipart.parts(body, boundary, names), cls, "body"), "body")
        asked = parsed(cls.options, query or {}, "query")
        for name in asked.model_fields_set:
            if name in form.model_fields_set and getattr(form, name) != getattr(asked, name):
                raise InvalidRequestError(f"{name}: the query and the form disagree")
        return form.model_copy(update={name: getattr(asked, name) for name in query or {}})


class FramesForm(_Form):
    """Two pictures (PNG, JPEG, WebP, BMP or TIFF), and options that the query has, too."""

    files = frozenset({"onset", "apex"})

    onset: File
    apex: File


class ClipForm(_Form, ClipOptions):
    """A clip (MP4, MOV, AVI, WebM, MKV or GIF), and options that the query has, too."""

    files = frozenset({"video"})
    options = ClipOptions

    video: File


class VideoForm(_Form):
    """A long video (MP4, MOV, AVI, WebM, MKV or GIF), and options that the query has, too."""

    files = frozenset({"video"})

    video: File
