"""The protocol between the server and its workers: numbered frames of typed data, never code.

A worker decodes untrusted uploads, therefore its messages are treated as untrusted too.

    to a worker:    number, length of the job, length of the body, progress | job | body
    from a worker:  number, length of the message | message
    to a worker that asked for it:  number, length of the piece | piece

Jobs and messages are the types below as msgpack. Each request has a random number, which every
message of its answer repeats. A worker sends progress only if the request says that somebody
follows it: each message costs the server's process a tenth of a millisecond. A job may ask for
pieces that arrive while it runs, one at a time; an empty one is the end.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import (
    TYPE_CHECKING,
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

from off_tanet import logs
from off_tanet.errors import LimitExceededError, OffTanetError, QuotaError
from off_tanet.types import ModelCard

if TYPE_CHECKING:
    from off_tanet.recognition.recognizer import Recognizer

T = TypeVar("T")

_MAX_CHARACTERS = 2000

_Name = Annotated[str, msgspec.Meta(pattern=r"\A[a-z_]{1,32}\Z")]
_Text = Annotated[str, msgspec.Meta(max_length=_MAX_CHARACTERS)]
REQUEST = struct.Struct(">QQQ?")
REPLY = struct.Struct(">QQ")
PIECE = struct.Struct(">QQ")

WARM_UP = 0
"""The number of the message that a worker sends before its first request."""


class MessageError(Exception):
    """The bytes are not a message, or not the expected one."""


class Step(msgspec.Struct, frozen=True, tag=True):
    """Progress: `done` of `total` steps of a `stage`."""

    stage: _Name
    done: int
    total: int


class PartialResult(msgspec.Struct, frozen=True, tag=True):
    """A part of an answer that is ready before the final result.

    Attributes:
        kind: Name of its event.
        json: The part as JSON.
    """

    kind: _Name
    json: str


class Ask(msgspec.Struct, frozen=True, tag=True):
    """The worker waits for the next piece."""


class Result(msgspec.Struct, frozen=True, tag=True):
    """The final message of a job that succeeded.

    Attributes:
        value: The answer of the job as msgpack.
    """

    value: msgspec.Raw

    def answer(self, kind: type[T]) -> T:
        """Decode the answer of the job.

        Args:
            kind: The expected type.

        Raises:
            MessageError: The answer has another type.
        """
        try:
            return msgspec.msgpack.decode(self.value, type=kind)
        except Exception:  # the decoder raises several
            raise MessageError("the answer is of another type") from None


class Failure(msgspec.Struct, frozen=True, tag=True):
    """The final message of a job that failed.

    Attributes:
        error: Class name of the error.
        detail: Its detail.
        limit: Its limit, if it is a LimitExceededError.
        cause: Type and place of an unexpected error, for the log of the server; workers have none.
    """

    error: _Text
    detail: _Text
    limit: _Text = ""
    cause: _Text = ""

    @classmethod
    def of(cls, error: OffTanetError, cause: str = "") -> Failure:
        """Create the message from an error and, if it was unexpected, its cause."""
        limit = error.limit if isinstance(error, LimitExceededError) else ""
        return cls(
            type(error).__name__, error.detail[:_MAX_CHARACTERS], limit, cause[:_MAX_CHARACTERS]
        )

    @classmethod
    def of_any(cls, error: Exception) -> Failure:
        """Create the message from an error of any kind; what was unexpected is only its cause."""
        if isinstance(error, OffTanetError):
            return cls.of(error)
        return cls.of(
            OffTanetError("The service failed on this request."), logs.describe_error(error)
        )

    def exception(self) -> OffTanetError:
        """Create the error again.

        Raises:
            MessageError: The class is not an error that a worker may raise.
        """
        kind = _kinds(OffTanetError).get(self.error)
        if kind is None or issubclass(kind, QuotaError):  # quotas are checked by the server
            raise MessageError("the failure has no error class of a worker")
        if issubclass(kind, LimitExceededError):
            return kind(self.detail, self.limit)
        return kind(self.detail)


Message: TypeAlias = Step | PartialResult | Ask | Result | Failure


def reply(number: int, message: Message) -> bytes:
    """Encode a message of a worker to the request with this number."""
    data = msgspec.msgpack.encode(message)
    return REPLY.pack(number, len(data)) + data


class WorkerInfo(msgspec.Struct, frozen=True):
    """Description of a warm worker.

    Attributes:
        card: Metadata of its model.
        flow_build: Build of the flow kernel that it uses.
    """

    card: ModelCard
    flow_build: str


class Report(Protocol):
    """Connects a job to the server while it runs."""

    def __call__(self, stage: str, done: int, total: int, /) -> None:
        """Report progress: `done` of `total` steps of a `stage`."""

    def partial(self, result: PartialResult, /) -> None:
        """Report a partial result."""

    def pieces(self) -> Iterator[bytes]:
        """Ask for each piece that arrives while the job runs, up to the last one."""
        ...


class Job(msgspec.Struct, Generic[T], frozen=True, tag=True):
    """The parameters of a request and its implementation; a `Job[Answer]` returns an Answer."""

    def __call__(self, recognizer: Recognizer, report: Report, body: bytes, /) -> T:
        """Do the work, in a worker process.

        Args:
            recognizer: The recognizer of the worker.
            report: Receives progress and partial results.
            body: The body of the request.
        """
        raise NotImplementedError


def answer_type(job: Job[T]) -> type[T]:
    """Return the type of a job's answer, which its class or a base class declares."""
    bases = (base for kind in type(job).__mro__ for base in vars(kind).get("__orig_bases__", ()))
    declared: type[T] = next(get_args(base)[0] for base in bases if get_origin(base) is Job)
    return declared


def decoder(kinds: Sequence[type]) -> msgspec.msgpack.Decoder[Any]:
    """Return a decoder that accepts only messages of these types."""
    return msgspec.msgpack.Decoder(Union[tuple(kinds)])  # noqa: UP007 # built at run time


def _kinds(kind: type[OffTanetError]) -> dict[str, type[OffTanetError]]:
    """Return a class of errors and all its subclasses by their names."""
    kinds = {kind.__name__: kind}
    for subclass in kind.__subclasses__():
        kinds |= _kinds(subclass)
    return kinds
