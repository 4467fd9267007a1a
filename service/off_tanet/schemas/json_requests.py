"""Prediction requests in JSON: the media in base64, for clients that speak nothing else."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from off_tanet.errors import InvalidRequestError, MalformedJsonError
from off_tanet.schemas import compression, encoded
from off_tanet.schemas.validation import invalid

_MAX_COMMAS = 100
_UTF_8_MARK = b"\xef\xbb\xbf"
_OTHER_MARKS = (b"\xff\xfe", b"\xfe\xff")  # of UTF-16, and of UTF-32 that is little-endian
_SHAPE = (
    'The body is {"input": {"type": "frames", "onset": BASE64, "apex": BASE64}} or '
    '{"input": {"type": "clip", "video": BASE64}}, with the files\' bytes in base64.'
)


def _decode(text: object) -> bytes:
    if not isinstance(text, str):
        raise PydanticCustomError("string_type", "not a string")
    try:
        return encoded.decode(text.encode("ascii", "replace"))
    except encoded.EncodedError as error:
        raise PydanticCustomError("bad_base64", "{reason}", {"reason": str(error)}) from None


Base64 = Annotated[
    bytes,
    BeforeValidator(_decode, json_schema_input_type=str),
    Field(description="base64 of the file's bytes; `data:` URIs are taken, too"),
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FramesInput(_Strict):
    """Two pictures (PNG, JPEG, WebP, BMP or TIFF) in base64."""

    type: Literal["frames"]
    onset: Base64
    apex: Base64


class ClipInput(_Strict):
    """A clip (MP4, MOV, AVI, WebM, MKV or GIF) in base64."""

    type: Literal["clip"]
    video: Base64
    onset_index: int | None = Field(None, ge=0)
    apex_index: int | None = Field(None, ge=0)


class PredictionRequest(_Strict):
    """The same as the multipart routes, for clients that speak only JSON."""

    input: Annotated[FramesInput | ClipInput, Field(discriminator="type")]

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Of JSON.

        Raises MalformedJsonError, MalformedBase64Error, InvalidRequestError, and
        UnsupportedMediaError for a body that is compressed.
        """
        compression.check_body(body)
        text = _utf_8(body)
        # A parsed list of millions takes twenty times its memory, so commas are counted before.
        if text.count(b",") > _MAX_COMMAS:
            raise InvalidRequestError(
                f"body: The JSON has more members than any request needs. {_SHAPE}"
            )
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise invalid(error, "body", hint=_SHAPE) from None


def _utf_8(body: bytes) -> bytes:
    """The body without a byte order mark. Raises MalformedJsonError for UTF-16 and UTF-32."""
    # JSON begins with two characters of ASCII, which have zeros beside them in these alone.
    if body.startswith(_OTHER_MARKS) or b"\0" in body[:4]:
        raise MalformedJsonError("The JSON is in UTF-16 or UTF-32; RFC 8259 asks for UTF-8.")
    return body.removeprefix(_UTF_8_MARK)
