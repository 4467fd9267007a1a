"""The allocator settings of a worker."""

from __future__ import annotations

import resource
import subprocess
import sys

import numpy as np
import pytest
from off_tanet.workers import malloc

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs glibc")

_BLOCK = 8_000_000
_PAGES = _BLOCK / 4096
_KEPT = 64 << 20

# Three threads at once, each of which allocates and frees 56 MB; prints by how much the process
# has grown. In a process of its own, as the heap of a thread outlives it.
_THREADS = """
from off_tanet.workers import malloc
malloc.keep_freed()
import threading
import numpy as np
before, together = malloc.resident_bytes(), threading.Barrier(3)
def work():
    blocks = [np.ones(8_000_000, np.uint8) for _ in range(7)]
    together.wait()
threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(malloc.resident_bytes() - before)
"""


def _faults() -> int:
    """Page faults of a block that is allocated and freed."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(_BLOCK, np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def test_freed_memory_is_kept() -> None:
    """A block that is allocated again after it was freed must cost no page faults, which were 2 ms
    of a request."""
    malloc.keep_freed()
    _faults()
    assert _faults() < _PAGES / 10


def test_a_large_process_is_not_trimmed() -> None:
    """What a process holds anyway, such as the libraries of an application that mounts the service,
    must not make each request return its memory."""
    malloc.keep_freed()
    others = np.ones(400_000_000, np.uint8)
    heap = malloc.HeapTrimmer()
    _faults()
    heap.trim()
    assert _faults() < _PAGES / 10
    assert others[-1]


def test_a_grown_process_is_trimmed() -> None:
    """A request that needed much memory must not leave too little for the next one, and the
    requests after it must not be trimmed again."""
    malloc.keep_freed()
    heap = malloc.HeapTrimmer()
    before = malloc.resident_bytes()
    blocks = [np.ones(_BLOCK, np.uint8) for _ in range(40)]
    last = blocks.pop()  # stays above them in the heap
    del blocks
    grown = malloc.resident_bytes()
    heap.trim()
    assert malloc.resident_bytes() - before < (grown - before) / 4
    _faults()
    heap.trim()
    assert _faults() < _PAGES / 10
    assert last[-1]


def test_threads_keep_no_more_than_a_process() -> None:
    """The thread that decodes a clip kept 64 MB of its own for ever, which no trimming returned."""
    done = subprocess.run(
        [sys.executable, "-c", _THREADS], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < _KEPT + _BLOCK
