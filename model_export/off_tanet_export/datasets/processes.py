"""Work on several cores that is not lost when the system ends one of the processes."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from typing import TypeVar

import cv2
from tqdm import tqdm

from off_tanet_export.errors import MapsError

_In = TypeVar("_In")
_Out = TypeVar("_Out")


def apply(
    function: Callable[[_In], _Out], values: Sequence[_In], processes: int, what: str
) -> list[_Out | None]:
    """Apply a function to values, in processes, and show the progress.

    When a process is ended, by the system that runs out of memory or by a value that makes it
    crash, what was done is kept, and the rest is done in half as many processes, at last in one:
    then it is known which value ends its process.

    Args:
        function: A function that processes can import.
        values: The values.
        processes: The number of processes; one is this process.
        what: What is done, for the progress bar, which is shown on terminals only.

    Returns:
        The results; None for a value that ends its process.

    Raises:
        MapsError: Not even the first values could be worked on.
    """
    with tqdm(desc=what, total=len(values), unit="clip", disable=None) as bar:
        if processes <= 1:
            return [_counted(function(value), bar.update) for value in values]
        found: dict[int, _Out | None] = {}
        at_once = processes
        while rest := {index: value for index, value in enumerate(values) if index not in found}:
            if _apply_in_pool(function, rest, at_once, found, bar.update):
                break
            if at_once > 1:
                at_once //= 2
            else:  # one value after another
                found[next(index for index in rest if index not in found)] = None
                at_once = processes
                if list(found.values()) == [None, None]:
                    raise MapsError(f"{what}: no process can work here; try --processes 1")
        return [found[index] for index in range(len(values))]


def _counted(result: _Out, count: Callable[[], object]) -> _Out:
    count()
    return result


def _apply_in_pool(
    function: Callable[[_In], _Out],
    values: Mapping[int, _In],
    processes: int,
    found: dict[int, _Out | None],
    count: Callable[[], object],
) -> bool:
    """Add the results to `found`; return whether no process was ended."""
    pool = ProcessPoolExecutor(processes, get_context("spawn"), _prepare)
    try:
        indices = {pool.submit(function, value): index for index, value in values.items()}
        for future in as_completed(indices):
            found[indices[future]] = _counted(future.result(), count)
    except BrokenProcessPool:
        return False
    finally:
        pool.shutdown(cancel_futures=True)
    return True


def _prepare() -> None:
    """Prepare a process: it works on one core, and ends by Ctrl-C or its parent without a word."""
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
