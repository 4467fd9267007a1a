"""Configuration of memory allocation and garbage collection, and memory in use."""

from __future__ import annotations

import ctypes
import gc
import mmap
import os
import sys

# <malloc.h> of glibc, whose defaults for both adapt to the blocks that a process frees first.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_KEPT_BYTES = 64 << 20
_KEPT_BLOCK_BYTES = 32 << 20  # glibc's maximum; larger blocks are returned at once
_STATM_BYTES = 256  # more than seven numbers
_MAX_GROWTH_BYTES = 128 << 20  # twice what may be kept at the top of the heap


def keep_loaded() -> None:
    """Exempt all objects that exist now from garbage collection, because they will stay.

    Visiting the objects of the loaded modules took a seventh of the server's time under overload.
    """
    gc.collect()
    gc.freeze()


def keep_freed() -> None:
    """Keep up to 64 MB of freed memory instead of returning it to the system.

    Each request allocates and frees the same few megabytes. When a worker returned them in between,
    the same request took 744 more page faults and 2 ms of 17 more; the server process copies a body
    four times. Without glibc, this does nothing.

    Call it before the first thread is started, because all threads then share one heap. With a heap
    of its own, each thread that decodes would keep up to 64 MB more, and `HeapTrimmer` could not
    return them: `malloc_trim` does not shorten the heaps of threads.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
        mallopt(_MMAP_THRESHOLD, _KEPT_BLOCK_BYTES)
        mallopt(_ARENA_MAX, 1)


def resident_bytes(process: int | str = "self") -> int:
    """Return the resident memory of a process in bytes; 0 if it is not known.

    Args:
        process: Its process id.
    """
    if sys.platform != "linux":
        return _resident_bytes_elsewhere(process)
    try:
        statm = os.open(f"/proc/{process}/statm", os.O_RDONLY)
    except OSError:
        return 0
    try:
        return int(os.read(statm, _STATM_BYTES).split()[1]) * mmap.PAGESIZE
    except (OSError, IndexError):  # the process has just ended
        return 0
    finally:
        os.close(statm)


def _resident_bytes_elsewhere(process: int | str) -> int:
    import psutil

    try:
        return int(psutil.Process(None if process == "self" else int(process)).memory_info().rss)
    except psutil.Error:
        return 0


class HeapTrimmer:
    """Returns freed memory to the system when this process holds much more than before.

    Otherwise a request that needed much memory would leave too little for the next one. What the
    process held when this was created does not count: in a worker whose main module had imported
    PyTorch, trimming after each request cost 1,200 page faults, 3 ms of 20.
    """

    def __init__(self) -> None:
        self._held = resident_bytes()

    def trim(self) -> None:
        """Return freed memory if the process has grown by more than 128 MB."""
        held = resident_bytes()
        if held > self._held + _MAX_GROWTH_BYTES and _malloc_trim():
            self._held = resident_bytes()
        else:
            self._held = min(self._held, held)


def _malloc_trim() -> bool:
    """Return all freed memory to the system; return whether the C library can."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
    return trim is not None
