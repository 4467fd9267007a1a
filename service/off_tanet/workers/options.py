"""Options of a worker, which the server sends to it first."""

from __future__ import annotations

import pickle
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Self

from off_tanet.configuration import Configuration
from off_tanet.workers.messages import Job

if TYPE_CHECKING:
    from off_tanet.recognition.recognizer import Recognizer

_OPTIONS = struct.Struct(">Q")  # their size


def warm_up(recognizer: Recognizer) -> None:
    """Warm up a Recognizer, if there is nothing else to do before the first job."""
    recognizer.warm_up()


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """Options of all workers of an engine.

    Attributes:
        configuration: Configuration of the Recognizer.
        jobs: The types of jobs that it accepts.
        memory_bytes: Memory that it may hold while it works.
        message_bytes: Maximum size of a message.
        niceness: Added to the niceness that all workers have.
        warm_up: Called once before the first job.
    """

    configuration: Configuration
    jobs: Sequence[type[Job[Any]]]
    memory_bytes: int
    message_bytes: int
    niceness: int = 0
    warm_up: Callable[[Recognizer], None] = warm_up

    def packed(self) -> bytes:
        """Return them as the first bytes on the socket to a worker."""
        data = pickle.dumps(self)
        return _OPTIONS.pack(len(data)) + data

    @classmethod
    def read(cls, requests: IO[bytes]) -> Self | None:
        """Return the options that the parent has sent; None if it has closed the socket."""
        head = requests.read(_OPTIONS.size)
        if len(head) < _OPTIONS.size:
            return None
        options: Self = pickle.loads(requests.read(*_OPTIONS.unpack(head)))  # nosec B301 # the parent's own
        return options
