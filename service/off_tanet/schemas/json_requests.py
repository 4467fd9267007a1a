"""Prediction requests in JSON with the media in base64, for clients that cannot send forms."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from off_tanet.errors import InvalidRequestError, MalformedJsonError
from off_tanet.schemas import compression, encoded
from off_tanet.schemas.options import APEX_INDEX, ONSET_INDEX
from off_tanet.schemas.validation import invalid

_MAX_COMMAS = 100
_UTF_8_BOM = b"\xef\xbb\xbf"
_OTHER_BOMS = (b"\xff\xfe", b"\xfe\xff")  # of UTF-16, and of little-endian UTF-32
_SHAPE = (
    'The body must be {"input": {"type": "frames", "onset": BASE64, "apex": BASE64}} or '
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
    Field(description="The content of the file in base64, or as a `data:` URI."),
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
    onset_index: int | None = Field(None, ge=0, description=ONSET_INDEX)
    apex_index: int | None = Field(None, ge=0, description=APEX_INDEX)


class PredictionRequest(_Strict):
    """Two pictures or a clip, for clients that cannot send forms."""

    input: Annotated[FramesInput | ClipInput, Field(discriminator="type")]

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Parse a JSON body.

        Args:
            body: The body of the request, in UTF-8.

        Raises:
            MalformedJsonError: The body is not valid JSON.
            MalformedBase64Error: A file is not valid base64.
            UnsupportedMediaError: The body is compressed.
            InvalidRequestError: A member is missing, unknown or invalid.
        """
        compression.check_body(body)
        text = _utf_8(body)
        # Commas are counted first, because a parsed list of millions takes twenty times its memory.
        if text.count(b",") > _MAX_COMMAS:
            raise InvalidRequestError(
                f"body: The JSON has more members than any request can have. {_SHAPE}"
            )
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise invalid(error, "body", hint=_SHAPE) from None


def _utf_8(body: bytes) -> bytes:
    """Return the body without a byte order mark, unless it is in UTF-16 or UTF-32."""
    # JSON begins with two ASCII characters, which only these encodings combine with null bytes.
    if body.startswith(_OTHER_BOMS) or b"\0" in body[:4]:
        raise MalformedJsonError("The JSON is in UTF-16 or UTF-32; RFC 8259 requires UTF-8.")
    return body.removeprefix(_UTF_8_BOM)
