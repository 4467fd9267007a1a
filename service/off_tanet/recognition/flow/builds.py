"""The kernel's builds, one for each instruction set, and the choice among them."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path

NAMES = ("avx512", "avx2", "generic")
"""Fastest first. Every machine has `generic`."""

OVERRIDE = "OFF_TANET_FLOW_BUILD"
"""The environment variable that names the build to take instead of the fastest."""


class Kernel:
    """One build's library, loaded."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        # A CDLL, unlike a PyDLL, lets go of the interpreter lock for the time of a call.
        library = ctypes.CDLL(str(path))
        pointer, integer = ctypes.c_void_p, ctypes.c_int
        self.tvl1 = library.off_tanet_tvl1
        self.tvl1.argtypes = (pointer, pointer, integer, integer, integer, integer, pointer)
        self.tvl1.restype = integer
        self._runs = library.off_tanet_runs
        self._runs.argtypes = (ctypes.c_char_p,)
        self._runs.restype = integer

    def runs(self, build: str) -> bool:
        """Whether this processor can run the build of that name; any build can tell."""
        return bool(self._runs(build.encode()))


def runnable(places: Sequence[str]) -> dict[str, Path]:
    """The builds installed in `places` that this processor can run, fastest first."""
    found = {name: path for name in NAMES for path in _libraries(places, name)}
    if "generic" not in found:
        raise ImportError(f"no optical flow library in {', '.join(places)}")
    generic = Kernel("generic", found["generic"])
    return {name: path for name, path in found.items() if generic.runs(name)}


@cache
def kernel(places: tuple[str, ...]) -> Kernel:
    """The kernel to use: the fastest, or the one that `OFF_TANET_FLOW_BUILD` names.

    Raises `ValueError` if that is no build that this processor can run.
    """
    builds = runnable(places)
    name = os.environ.get(OVERRIDE) or next(iter(builds))
    if name not in builds:
        raise ValueError(f"{OVERRIDE} is {name!r}; this machine has {', '.join(builds)}")
    return Kernel(name, builds[name])


def _libraries(places: Sequence[str], name: str) -> list[Path]:
    return [path for place in places for path in Path(place).glob(f"libtvl1_{name}.*")]
