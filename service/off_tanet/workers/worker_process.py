"""The main function of a worker process, which runs one job after another."""

from __future__ import annotations

import multiprocessing
import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import connection
from typing import IO, Any

import cv2
import msgspec
from threadpoolctl import threadpool_limits

from off_tanet.errors import LimitExceededError, OffTanetError
from off_tanet.recognition import flow
from off_tanet.recognition.recognizer import Recognizer
from off_tanet.workers import hardening, malloc
from off_tanet.workers.messages import (
    PIECE,
    REPLY,
    REQUEST,
    WARM_UP,
    Ask,
    Failure,
    Job,
    Message,
    MessageError,
    PartialResult,
    Result,
    Step,
    WorkerInfo,
    decoder,
    reply,
)
from off_tanet.workers.options import WorkerOptions

_NICENESS = 5  # the server process has priority, so that refusals under overload take half as long


def run(parent: socket.socket) -> None:
    """Wait for the options, warm up, then run jobs until the parent closes the socket.

    Args:
        parent: Socket to the server process.
    """
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    hardening.harden()
    _silence_stderr()
    # One core per worker, as for the model and the flow.
    cv2.setNumThreads(1)
    threadpool_limits(1)
    with parent, parent.makefile("rb") as requests:
        options = WorkerOptions.read(requests)
        if options is None:
            return
        if hasattr(os, "nice"):  # not on Windows
            os.nice(_NICENESS + options.niceness)
        reporter = _Reporter(parent, requests, options.message_bytes, WARM_UP)
        try:
            recognizer, info = _loaded(options)
            reporter.send(Step("load", 1, 1))
            options.warm_up(recognizer)
            reporter.send(_result(info))
        except Exception as error:
            reporter.send(Failure.of_any(error))
            return
        job_decoder, heap = decoder(options.jobs), malloc.HeapTrimmer()
        while len(head := requests.read(REQUEST.size)) == REQUEST.size:
            number, job_bytes, body_bytes, progress = REQUEST.unpack(head)
            reporter = _Reporter(parent, requests, options.message_bytes, number, progress)
            # The upload is released before the final message, because the parent then measures the
            # process.
            final = _final_frame(
                reporter,
                job_decoder.decode(requests.read(job_bytes)),
                recognizer,
                requests.read(body_bytes),
            )
            heap.trim()
            parent.sendall(final)


def _loaded(options: WorkerOptions) -> tuple[Recognizer, WorkerInfo]:
    """Load the models and the flow kernel.

    Raises:
        ModelError: A model file is missing, or no such model.
        OffTanetError: The flow kernel cannot be loaded.
    """
    recognizer = Recognizer(options.configuration)
    try:
        return recognizer, WorkerInfo(recognizer.card, flow.build_name())
    except (ImportError, OSError, ValueError) as error:
        raise OffTanetError(str(error)) from None


@dataclass(frozen=True, slots=True)
class _Reporter:
    """The `Report` of one request: sends messages to the parent, and asks it for pieces."""

    parent: socket.socket
    requests: IO[bytes]
    message_bytes: int
    number: int
    progress: bool = False

    def __call__(self, stage: str, done: int, total: int) -> None:
        if self.progress:
            self.send(Step(stage, done, total))

    def partial(self, result: PartialResult) -> None:
        self.send(result)

    def pieces(self) -> Iterator[bytes]:
        while True:
            self.send(Ask())
            number, length = PIECE.unpack(self.requests.read(PIECE.size))
            if number != self.number:
                raise MessageError("the piece belongs to another request")
            if not length:
                return
            yield self.requests.read(length)

    def send(self, message: Message) -> None:
        self.parent.sendall(self.frame(message))

    def frame(self, message: Message) -> bytes:
        """Encode a message; raise LimitExceededError if it is too large."""
        data = reply(self.number, message)
        if len(data) - REPLY.size > self.message_bytes:
            raise LimitExceededError(
                f"The answer has more than {self.message_bytes} bytes.", "answer_bytes"
            )
        return data


def _final_frame(reporter: _Reporter, job: Job[Any], recognizer: Recognizer, body: bytes) -> bytes:
    """Run a job and return the message that ends it."""
    try:
        return reporter.frame(_result(job(recognizer, reporter, body)))
    except Exception as error:
        return reporter.frame(Failure.of_any(error))


def _result(value: object) -> Result:
    return Result(msgspec.Raw(msgspec.msgpack.encode(value)))


def _silence_stderr() -> None:
    """Discard what decoders print about uploads; the parent logs how this process ends."""
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), 2)


def _exit_with_parent() -> None:
    """Exit when the parent has ended; a busy worker would not notice it by its socket."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
