"""Decoding in a thread of its own, while the frames before are processed.

FFmpeg and OpenCV decode without the interpreter lock, and so do the networks compute: with a second
core that is free, decoding takes no time. Two frames wait at most.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable
from queue import Queue
from typing import TypeVar

T = TypeVar("T")

_WAITING = 1  # items besides the latest; each frame of 1920 x 1080 takes 6 MB


def read_ahead(items: Iterable[T]) -> Generator[T]:
    """Iterate in a thread of its own.

    Args:
        items: What is iterated once, in the order of its items.

    Yields:
        The items. An exception of the iteration is raised here, after the items before it. When the
        generator is closed, the thread ends after the item that it is working on.
    """
    # None is the end; the exception that ended the iteration, if any, is in `failed`.
    queue: Queue[tuple[T] | None] = Queue()
    free = threading.Semaphore(_WAITING)
    closed = threading.Event()
    failed: list[BaseException] = []

    def run() -> None:
        try:
            for item in items:
                queue.put((item,))
                free.acquire()
                if closed.is_set():
                    return
        except BaseException as error:
            failed.append(error)
        finally:
            queue.put(None)

    thread = threading.Thread(target=run, name="off-tanet-decoding", daemon=True)
    thread.start()
    try:
        while (waiting := queue.get()) is not None:
            free.release()
            yield waiting[0]
        if failed:
            raise failed[0]
    finally:
        closed.set()
        free.release()
        thread.join()
