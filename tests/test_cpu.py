"""The cores that a container may use: one worker too many slows all of them down."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from off_tanet import cpu

V1 = "9:name=systemd:/\n4:cpu,cpuacct:{0}\n3:memory:{0}\n"
V2 = "0::{0}\n"


@pytest.fixture(autouse=True)
def _machine_of_eight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))


def available(home: Path, groups: str, files: Mapping[str, str]) -> int:
    """The result if the kernel shows this process's `groups` and these `files`."""
    tree = {"proc/self/cgroup": groups} | {f"cgroup/{name}": text for name, text in files.items()}
    for name, text in tree.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text, encoding="ascii")
    return cpu.available(home / "proc", home / "cgroup")


def v1(folder: str, quota: int, period: int = 100_000) -> dict[str, str]:
    return {
        f"cpu/{folder}/cpu.cfs_quota_us": f"{quota}\n",
        f"cpu/{folder}/cpu.cfs_period_us": f"{period}\n",
    }


def v2(folder: str, quota: str, period: int = 100_000) -> dict[str, str]:
    return {f"{folder}/cpu.max": f"{quota} {period}\n"}


@pytest.mark.parametrize(
    ("groups", "files", "cores"),
    [
        (V1.format("/"), v1("", 300_000), 3),
        (V1.format("/"), v1("", 300_000, 50_000), 6),
        (V1.format("/"), v1("", -1), 8),
        (V1.format("/pod/box"), v1("pod", 200_000) | v1("pod/box", 400_000), 2),
        (V1.format("/docker/0123"), v1("", 200_000), 2),
        (V2.format("/"), v2("", "300000"), 3),
        (V2.format("/"), v2("", "max"), 8),
        (V2.format("/pod/box"), v2("pod", "200000") | v2("pod/box", "max"), 2),
        (V2.format("/pod/box"), v2("pod", "400000") | v2("pod/box", "100000"), 1),
        (V2.format("/../../init"), v2("", "200000"), 2),
        (V1.format("/") + V2.format("/"), v1("", 200_000), 2),
        ("", {}, 8),
    ],
    ids=[
        "v1",
        "v1, a period of its own",
        "v1, no quota",
        "v1, the tightest of nested groups",
        "v1, a container whose path is the host's",
        "v2",
        "v2, no quota",
        "v2, a quota above",
        "v2, a quota within",
        "v2, outside of the group that is shown",
        "both, as systemd mounts them",
        "no control groups",
    ],
)
def test_the_tightest_quota_holds(
    tmp_path: Path, groups: str, files: dict[str, str], cores: int
) -> None:
    assert available(tmp_path, groups, files) == cores


@pytest.mark.parametrize(("quota", "cores"), [(50_000, 1), (199_000, 1), (2_000_000, 8)])
def test_cores_are_whole_and_real(tmp_path: Path, quota: int, cores: int) -> None:
    """A part of a core does not suffice for a worker, but one worker must run; and a quota does not
    add cores to the machine."""
    assert available(tmp_path, V2.format("/"), v2("", str(quota))) == cores


def test_the_affinity_mask_holds_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cpuset has no quota."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1, 5})
    assert available(tmp_path, V2.format("/"), v2("", "400000")) == 2
