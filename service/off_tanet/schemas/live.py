"""The messages of a live stream, in both directions."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from off_tanet.errors import InvalidRequestError
from off_tanet.schemas.options import Options, Query, validate
from off_tanet.schemas.validation import invalid
from off_tanet.types import Moment

if TYPE_CHECKING:
    from off_tanet.recognition.live import LiveFrame

TIME_BYTES = 8
"""The bytes of a frame before its picture."""

_TIME = struct.Struct("<d")
_HEAD = struct.Struct("<Qd")
_MAX_CHARACTERS = 1000

M = TypeVar("M", bound=BaseModel)


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid")


class StartMessage(_Message):
    """The first message of a client: the options of the video's route, and its API key."""

    event: Literal["start"]
    data: dict[str, Annotated[str, Field(max_length=_MAX_CHARACTERS)]] = Field(default_factory=dict)


class EndMessage(_Message):
    """The last message of a client: no further frame will come."""

    event: Literal["end"]


@dataclass(frozen=True, slots=True)
class Start:
    """What the first message says.

    Attributes:
        key: The API key; empty if there is none.
        options: The checked options, still as text.
    """

    key: str
    options: Query

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse and check the message.

        Raises:
            MalformedJsonError: It is not JSON.
            InvalidRequestError: It is not a start message, or an option is unknown or invalid.
        """
        data = _parsed(StartMessage, text).data
        key = data.pop("key", "")
        validate(Options, data, "data")
        return cls(key, data)


def check_end(text: str) -> None:
    """Raise MalformedJsonError or InvalidRequestError if a message is not that of the end."""
    _parsed(EndMessage, text)


def _parsed(model: type[M], text: str) -> M:
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        raise invalid(error, "message", known=model.model_fields) from None


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """A frame of a stream as it came.

    Attributes:
        index: Its index among all frames that came.
        time_s: Seconds from the start of the stream.
        picture: The picture as a file.
    """

    index: int
    time_s: float
    picture: bytes

    @classmethod
    def of_message(cls, index: int, message: bytes) -> Self:
        """Split a client's message: the time as a little-endian float64, then the picture.

        Raises:
            InvalidRequestError: The message has no picture, or its time is not a number from 0 on.
        """
        if len(message) <= TIME_BYTES:
            raise InvalidRequestError(
                f"A frame is its time in {TIME_BYTES} bytes, and a picture after it."
            )
        (time_s,) = _TIME.unpack_from(message)
        if not (math.isfinite(time_s) and time_s >= 0):
            raise InvalidRequestError("The time of a frame is a number of seconds from 0 on.")
        return cls(index, time_s, message[TIME_BYTES:])

    def pack(self) -> bytes:
        """Return the bytes for a worker."""
        return _HEAD.pack(self.index, self.time_s) + self.picture

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Return the frame that `pack` has packed."""
        index, time_s = _HEAD.unpack_from(data)
        return cls(index, time_s, data[_HEAD.size :])

    @property
    def moment(self) -> Moment:
        """Its index and time."""
        return Moment(self.index, self.time_s)


class ReadyBody(BaseModel):
    """The data of a `ready` event: a worker waits for frames, within these limits."""

    max_frame_bytes: int = Field(description="Bytes of a picture.")
    max_pixels: int = Field(description="Width x height of a picture.")
    max_seconds: float = Field(description="Duration of a stream in seconds.")
    idle_timeout_s: float = Field(description="Seconds without a frame after which a stream ends.")
    low_frame_rate: float = Field(
        description="Frames per second below which times are given with their uncertainty."
    )


class LiveFaceBody(BaseModel):
    """The face that is followed, on one frame."""

    box: tuple[float, float, float, float] = Field(
        description="x, y, width and height in pixels of the frame."
    )


class LiveFrameBody(BaseModel):
    """The data of a `frame` event: what is known of a frame at once."""

    index: int = Field(description="The index of the frame among all that were sent, from 0.")
    time_s: float
    face: LiveFaceBody | None = Field(description="The face; null if none is found.")
    motion_px: float | None = Field(
        description="How far the face is from its rest of the last four seconds, in pixels at "
        "112 x 112; null without a face, and in the first moments of one. A first estimate of the "
        "motion curve."
    )
    warnings: list[str] = Field(description="Those warnings that apply to this frame.")
    dropped: int = Field(
        description="How many frames were left out so far, because newer ones came before they "
        "could be processed."
    )

    @classmethod
    def of(cls, frame: LiveFrame, dropped: int) -> Self:
        """Create the body from a frame and the number of frames that were left out."""
        box, motion_px = frame.box, frame.motion_px
        return cls.model_validate(
            {
                "index": frame.moment.index,
                "time_s": round(frame.moment.time_s, 6),
                "face": None if box is None else {"box": [round(value, 1) for value in box]},
                "motion_px": None if motion_px is None else round(motion_px, 3),
                "warnings": frame.warnings,
                "dropped": dropped,
            }
        )
