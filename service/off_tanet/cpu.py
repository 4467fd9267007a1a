"""The number of CPU cores that this process may use, inside a container too."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath


def available(proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> int:
    """Return how many whole cores the affinity mask and the CPU quotas of control groups allow.

    A fraction of a core above the whole ones is left to the server process: one worker more than
    the quota allows would stop all of them at the end of each period.

    Args:
        proc: The proc file system.
        cgroups: The control group file system, version 1 or 2.

    Returns:
        The number of cores, at least 1.
    """
    return max(1, int(min([affinity(), *_quotas(proc, cgroups)])))


def affinity() -> int:
    """Return how many cores this process may run on; all of them where it cannot be restricted."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quotas(proc: Path, cgroups: Path) -> Iterator[float]:
    """Yield the quotas, in cores, of all groups of this process that have one."""
    for line in _read(proc / "self" / "cgroup").splitlines():
        _, controllers, group = line.split(":", 2)
        if controllers == "":
            yield from _quotas_v2(cgroups, group)
        elif "cpu" in controllers.split(","):
            yield from _quotas_v1(cgroups / "cpu", group)


def _quotas_v2(root: Path, group: str) -> Iterator[float]:
    """Read `cpu.max`, which contains a quota (or `max`) and a period, in microseconds."""
    for folder in _folders(root, group):
        quota, _, period = _read(folder / "cpu.max").partition(" ")
        if quota.isdecimal():
            yield int(quota) / int(period)


def _quotas_v1(root: Path, group: str) -> Iterator[float]:
    """Read `cpu.cfs_quota_us`, which is -1 if there is no quota."""
    for folder in _folders(root, group):
        quota = _read(folder / "cpu.cfs_quota_us").strip()
        if quota.isdecimal():
            yield int(quota) / int(_read(folder / "cpu.cfs_period_us"))


def _folders(root: Path, group: str) -> Iterator[Path]:
    """Yield the folder of the group and those above it, whose quotas apply too.

    Inside a container, the group is mounted at the root, whatever path `/proc/self/cgroup` gives.
    """
    inner = PurePosixPath(group.lstrip("/"))
    for path in (inner, *inner.parents):
        if ".." not in path.parts:
            yield root / path


def _read(path: Path) -> str:
    """Return the content of a kernel file, or an empty string if it does not exist."""
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return ""
