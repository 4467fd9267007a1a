"""The builds of the flow kernel, one for each instruction set, and the selection among them."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from off_tanet.native import libraries

NAMES = ("avx512", "avx2", "generic")
"""All builds, fastest first. Every machine runs `generic`."""

OVERRIDE = "OFF_TANET_FLOW_BUILD"
"""The environment variable that selects a build instead of the fastest one."""


class Kernel:
    """The loaded library of one build.

    Args:
        name: The name of the build.
        path: The path of its library.
    """

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        # A CDLL, unlike a PyDLL, releases the interpreter lock during a call.
        library = ctypes.CDLL(str(path))
        pointer, integer = ctypes.c_void_p, ctypes.c_int
        self.tvl1 = library.off_tanet_tvl1
        self.tvl1.argtypes = (pointer, pointer, integer, integer, pointer)
        self.tvl1.restype = integer
        self.fit_light = library.off_tanet_fit_light
        self.fit_light.argtypes = (pointer,) * 8
        self.fit_light.restype = integer
        self._runs = library.off_tanet_runs
        self._runs.argtypes = (ctypes.c_char_p,)
        self._runs.restype = integer

    def runs(self, build: str) -> bool:
        """Return whether this processor can run the build of that name, which may be another."""
        return bool(self._runs(build.encode()))


def runnable(folders: Sequence[str]) -> dict[str, Path]:
    """Find the builds that this processor can run.

    Args:
        folders: The folders that are searched for libraries.

    Returns:
        The path of each library by the name of its build, fastest first.

    Raises:
        ImportError: If the folders do not contain the generic build.
    """
    found = {name: path for name in NAMES for path in libraries(folders, f"tvl1_{name}")}
    if "generic" not in found:
        raise ImportError(f"no optical flow library in {', '.join(folders)}")
    generic = Kernel("generic", found["generic"])
    return {name: path for name, path in found.items() if generic.runs(name)}


@cache
def kernel(folders: tuple[str, ...]) -> Kernel:
    """Load the fastest build, or the one that `OFF_TANET_FLOW_BUILD` selects.

    Args:
        folders: The folders that are searched for libraries.

    Returns:
        The kernel; the same object in each call.

    Raises:
        ValueError: If `OFF_TANET_FLOW_BUILD` names no build that this processor can run.
    """
    builds = runnable(folders)
    name = os.environ.get(OVERRIDE) or next(iter(builds))
    if name not in builds:
        raise ValueError(f"{OVERRIDE} is {name!r}; this machine has {', '.join(builds)}")
    return Kernel(name, builds[name])
