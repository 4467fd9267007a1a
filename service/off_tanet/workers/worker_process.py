"""What runs in a worker process: a Recognizer of its own, one request after another."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import connection
from typing import Any

import cv2
import msgspec
from threadpoolctl import threadpool_limits

from off_tanet import logs
from off_tanet.configuration import Configuration
from off_tanet.errors import LimitExceededError, OffTanetError
from off_tanet.recognition import flow
from off_tanet.recognition.recognizer import Recognizer
from off_tanet.workers import hardening, malloc
from off_tanet.workers.messages import (
    REPLY,
    REQUEST,
    WARM_UP,
    Failure,
    Job,
    Message,
    PartialResult,
    Result,
    Step,
    WorkerInfo,
    decoder,
)

_NICENESS = 5  # the process that answers everybody goes first: refusals under overload take half


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """What every worker of an engine is started with.

    `jobs` are the types of job that it can carry out, `memory_bytes` what it may hold while it
    works, `message_bytes` the length of one answer; `niceness` is added to that of all workers.
    `warm_up` is what it does once before its first job.
    """

    configuration: Configuration
    jobs: Sequence[type[Job[Any]]]
    memory_bytes: int
    message_bytes: int
    niceness: int = 0
    warm_up: Callable[[Recognizer], None] = Recognizer.warm_up


def run(parent: socket.socket, options: WorkerOptions) -> None:
    """Warm up, then carry out jobs until the parent closes the socket."""
    # A terminal's Ctrl-C reaches the whole group; the parent decides when work ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    hardening.harden()
    _silence()
    # One core for each worker, as everywhere else.
    cv2.setNumThreads(1)
    threadpool_limits(1)
    os.nice(_NICENESS + options.niceness)
    malloc.keep_freed()
    with parent, parent.makefile("rb") as requests:
        conversation = _Conversation(parent, WARM_UP, options.message_bytes)
        try:
            recognizer = Recognizer(options.configuration)
            options.warm_up(recognizer)
            conversation.send(_result(WorkerInfo(recognizer.card, flow.build_name())))
        except Exception as error:
            conversation.send(_failure(error))
            return
        jobs_of = decoder(options.jobs)
        while len(head := requests.read(REQUEST.size)) == REQUEST.size:
            number, job_bytes, body_bytes = REQUEST.unpack(head)
            conversation = _Conversation(parent, number, options.message_bytes)
            # The upload is let go before the final message: the parent measures the process then.
            final = _final_frame(
                conversation,
                jobs_of.decode(requests.read(job_bytes)),
                recognizer,
                requests.read(body_bytes),
            )
            malloc.give_back()
            parent.sendall(final)


@dataclass(frozen=True, slots=True)
class _Conversation:
    """A job's `Report`: all that is said of one request, to the parent."""

    parent: socket.socket
    number: int
    message_bytes: int

    def __call__(self, stage: str, done: int, total: int) -> None:
        self.send(Step(stage, done, total))

    def part(self, part: PartialResult) -> None:
        self.send(part)

    def send(self, message: Message) -> None:
        self.parent.sendall(self.frame(message))

    def frame(self, message: Message) -> bytes:
        """The bytes of a message. Raises LimitExceededError where they are too many."""
        data = msgspec.msgpack.encode(message)
        if len(data) > self.message_bytes:
            raise LimitExceededError(
                f"The answer has more than {self.message_bytes} bytes.", "answer_bytes"
            )
        return REPLY.pack(self.number, len(data)) + data


def _final_frame(
    conversation: _Conversation, job: Job[Any], recognizer: Recognizer, body: bytes
) -> bytes:
    """Do the work; the message that ends it."""
    try:
        return conversation.frame(_result(job(recognizer, conversation, body)))
    except Exception as error:
        return conversation.frame(_failure(error))


def _result(value: object) -> Result:
    return Result(msgspec.Raw(msgspec.msgpack.encode(value)))


def _failure(error: Exception) -> Failure:
    if isinstance(error, OffTanetError):
        return Failure.of(error)
    return Failure.of(OffTanetError("The service failed on this request."), logs.told(error))


def _silence() -> None:
    """Decoders print what they find in an upload; how this process ends, the parent tells."""
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), 2)


def _end_with_parent() -> None:
    """A parent that was killed closes no pipe of a worker that is busy; its end is seen here."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
