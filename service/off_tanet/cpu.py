"""How many processor cores this process may use, in a container as well."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath


def available(proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> int:
    """Whole cores that the affinity mask and the control groups' CPU quotas leave, at least 1.

    The part of a core that a quota has above its whole ones is left to the process that answers: a
    worker more than the quota feeds would bring all of them to a stop at the end of each period.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, int(min([cores or 1, *_quotas(proc, cgroups)])))


def _quotas(proc: Path, cgroups: Path) -> Iterator[float]:
    """The quota of each group that this process is in, in cores; those without one are left out."""
    for line in _text(proc / "self" / "cgroup").splitlines():
        _, controllers, group = line.split(":", 2)
        if controllers == "":
            yield from _quotas_v2(cgroups, group)
        elif "cpu" in controllers.split(","):
            yield from _quotas_v1(cgroups / "cpu", group)


def _quotas_v2(root: Path, group: str) -> Iterator[float]:
    """`cpu.max` holds a quota, or `max`, and a period in microseconds."""
    for folder in _folders(root, group):
        quota, _, period = _text(folder / "cpu.max").partition(" ")
        if quota.isdecimal():
            yield int(quota) / int(period)


def _quotas_v1(root: Path, group: str) -> Iterator[float]:
    """`cpu.cfs_quota_us` holds -1 where there is no quota."""
    for folder in _folders(root, group):
        quota = _text(folder / "cpu.cfs_quota_us").strip()
        if quota.isdecimal():
            yield int(quota) / int(_text(folder / "cpu.cfs_period_us"))


def _folders(root: Path, group: str) -> Iterator[Path]:
    """The group's folder and those above it: the tightest quota of them all holds.

    A container sees its own group at the root, whatever path `/proc/self/cgroup` tells.
    """
    inner = PurePosixPath(group.lstrip("/"))
    for path in (inner, *inner.parents):
        if ".." not in path.parts:
            yield root / path


def _text(path: Path) -> str:
    """What a file of the kernel holds; nothing where there is none."""
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return ""
