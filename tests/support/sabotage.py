"""Faults of a worker process: killed, stopped, or under an attacker's control."""

from __future__ import annotations

import ctypes
import os
import random
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
from off_tanet.workers.messages import REPLY, Failure, Message, PartialResult, Result, Step

_PIDFD_GETFD = 438  # the same on every Linux architecture

_FORGED = Result(msgspec.Raw(msgspec.msgpack.encode({"json": b'{"forged":true}', "stages_ms": {}})))


def frame(message: Message, number: int) -> bytes:
    """A whole message, as a worker writes it."""
    data = msgspec.msgpack.encode(message)
    return REPLY.pack(number, len(data)) + data


GARBAGE: dict[str, Callable[[], bytes]] = {
    "zeros": lambda: bytes(64),
    "noise": lambda: random.randbytes(64),
    "a pickle": lambda: b"\0\0\0\0\0\0\0\4\x80\5N.",
    "half a frame": lambda: REPLY.pack(random.getrandbits(63), 100) + b"half",
    "a length without end": lambda: REPLY.pack(random.getrandbits(63), 1 << 62),
    "another request's result": lambda: frame(_FORGED, random.getrandbits(63)),
    "a result of no request": lambda: frame(_FORGED, 0),
    "another request's failure": lambda: frame(Failure("NoFaceError", ""), random.getrandbits(63)),
    "another request's progress": lambda: frame(Step("work", 0, 1), random.getrandbits(63)),
    "another request's part": lambda: frame(
        PartialResult("expression", "{}"), random.getrandbits(63)
    ),
}
"""Bytes that no parent may accept as an answer."""


def write_as(worker: int, data: bytes) -> None:
    """Write to a worker's parent in the worker's place. Needs its privileges, or root's."""
    process = os.pidfd_open(worker)
    try:
        for entry in Path(f"/proc/{worker}/fd").iterdir():
            if not os.readlink(entry).startswith("socket:"):
                continue
            taken = ctypes.CDLL(None, use_errno=True).syscall(
                _PIDFD_GETFD, process, int(entry.name), 0
            )
            if taken < 0:
                raise OSError(ctypes.get_errno(), "pidfd_getfd")
            with socket.socket(fileno=taken) as its:
                its.send(data, socket.MSG_DONTWAIT)
    finally:
        os.close(process)


def sabotage(worker: int) -> str:
    """Do one of these things to a worker, if there is one; return what was done."""
    if not worker:
        return "nothing"
    with suppress(OSError):  # it has just ended
        if random.random() < 0.5:
            kind = random.choice(sorted(GARBAGE))
            write_as(worker, GARBAGE[kind]())
            return kind
        number = random.choice([signal.SIGKILL, signal.SIGSTOP, signal.SIGSEGV])
        os.kill(worker, number)
        return number.name
    return "nothing"
