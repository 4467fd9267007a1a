"""What the server and its workers say to each other: numbered frames of typed data, never code.

A worker decodes what strangers upload, so what it writes is read as a stranger's, too.

    to a worker:    number, length of the job, length of the body | job | body
    from a worker:  number, length of the message | message

Jobs and messages are msgpack of the types below. The number is drawn at random for each request and
comes back with every message that belongs to it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import (
    Annotated,
    Any,
    Generic,
    Protocol,
    TypeAlias,
    TypeVar,
    Union,
    get_args,
    get_origin,
)

import msgspec

from off_tanet.errors import LimitExceededError, OffTanetError, QuotaError
from off_tanet.recognition.recognizer import Recognizer
from off_tanet.recognition.stopwatch import Stage
from off_tanet.types import ModelCard

T = TypeVar("T")

_LONGEST_MS = 1e9
_STAGES = get_args(Stage)
_MOST_CHARACTERS = 2000

_Name = Annotated[str, msgspec.Meta(pattern=r"\A[a-z_]{1,32}\Z")]
_Text = Annotated[str, msgspec.Meta(max_length=_MOST_CHARACTERS)]
_StageName = Annotated[str, msgspec.Meta(pattern=rf"\A({'|'.join(_STAGES)})\Z")]
StagesMs: TypeAlias = Annotated[
    dict[_StageName, Annotated[float, msgspec.Meta(ge=0, le=_LONGEST_MS)]],
    msgspec.Meta(max_length=len(_STAGES)),
]
"""Milliseconds of each stage: the server's metrics have a series for each name."""

REQUEST = struct.Struct(">QQQ")
REPLY = struct.Struct(">QQ")

WARM_UP = 0
"""The number of what a worker says before its first request."""


class MessageError(Exception):
    """Bytes that are no message, or not the one that was due."""


class Step(msgspec.Struct, frozen=True, tag=True):
    """Progress of the work: `done` of `total` in a `stage`."""

    stage: _Name
    done: int
    total: int


class PartialResult(msgspec.Struct, frozen=True, tag=True):
    """A part of an answer that is ready before the rest: its kind, and itself as JSON."""

    kind: _Name
    json: str


class Result(msgspec.Struct, frozen=True, tag=True):
    """The end of good work; `value` is msgpack of the job's answer."""

    value: msgspec.Raw

    def answer(self, kind: type[T]) -> T:
        """The job's answer. Raises MessageError for anything of another type."""
        try:
            return msgspec.msgpack.decode(self.value, type=kind)
        except Exception:  # its decoder has several
            raise MessageError("the answer is of another type") from None


class Failure(msgspec.Struct, frozen=True, tag=True):
    """The end of other work: the class of an error and what it was made of.

    `cause` tells the server's log of an error of ours; a worker has no log.
    """

    error: _Text
    detail: _Text
    limit: _Text = ""
    cause: _Text = ""

    @classmethod
    def of(cls, error: OffTanetError, cause: str = "") -> Failure:
        """The message that tells of `error`."""
        limit = error.limit if isinstance(error, LimitExceededError) else ""
        return cls(
            type(error).__name__, error.detail[:_MOST_CHARACTERS], limit, cause[:_MOST_CHARACTERS]
        )

    def exception(self) -> OffTanetError:
        """The error that it tells of. Raises MessageError for a class that is none of ours."""
        kind = _kinds(OffTanetError).get(self.error)
        if kind is None or issubclass(kind, QuotaError):  # no worker knows of quotas
            raise MessageError("a failure names no error of a worker's")
        if issubclass(kind, LimitExceededError):
            return kind(self.detail, self.limit)
        return kind(self.detail)


Message: TypeAlias = Step | PartialResult | Result | Failure


class WorkerInfo(msgspec.Struct, frozen=True):
    """What a warm worker tells of itself."""

    card: ModelCard
    flow_build: str


class Report(Protocol):
    """What a job tells while it works: its progress, and parts of its answer."""

    def __call__(self, stage: str, done: int, total: int, /) -> None: ...

    def part(self, part: PartialResult, /) -> None: ...


class Job(msgspec.Struct, Generic[T], frozen=True, tag=True):
    """The parameters of a request, which a worker carries out; `Job[Answer]` gives an Answer."""

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> T:
        """Do the work; `body` is what was uploaded with the request."""
        raise NotImplementedError


def answer_type(job: Job[T]) -> type[T]:
    """The type of a job's answer, as its class or one above it declares it."""
    bases = (base for kind in type(job).__mro__ for base in vars(kind).get("__orig_bases__", ()))
    declared: type[T] = next(get_args(base)[0] for base in bases if get_origin(base) is Job)
    return declared


def decoder(kinds: Sequence[type]) -> msgspec.msgpack.Decoder[Any]:
    """Of messages of these types and no others."""
    return msgspec.msgpack.Decoder(Union[tuple(kinds)])  # noqa: UP007 # made at run time


def _kinds(kind: type[OffTanetError]) -> dict[str, type[OffTanetError]]:
    """An error's class and all below it, by their names."""
    found = {kind.__name__: kind}
    for below in kind.__subclasses__():
        found |= _kinds(below)
    return found
