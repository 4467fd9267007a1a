"""A server's processes and their memory, read from /proc."""

from __future__ import annotations

import os
import re
import select
from pathlib import Path


def workers_of(pid: int) -> list[int]:
    """The worker processes of a server."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    children = " ".join((thread / "children").read_text(encoding="ascii") for thread in threads)
    return sorted(
        int(child)
        for child in children.split()
        if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text(encoding="latin-1")
    )


def family(pid: int) -> list[int]:
    """A process and all its descendants, without those that end meanwhile."""
    children: dict[int, list[int]] = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            fields = Path(f"/proc/{entry}/stat").read_text(encoding="latin-1").rpartition(") ")[2]
        except OSError:
            continue
        children.setdefault(int(fields.split()[1]), []).append(int(entry))
    found = [pid]
    for member in found:
        found += children.get(member, [])
    return found


def wait_for_end(process: int, seconds: float = 30) -> None:
    """Wait until a process that is not a child of this one has ended."""
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return
    ended, _, _ = select.select([handle], [], [], seconds)
    os.close(handle)
    assert ended, f"process {process} lives"


def resident_bytes(pid: int) -> int:
    """The resident memory of a process (VmRSS)."""
    return _status_bytes(pid, "VmRSS")


def peak_bytes(pid: int) -> int:
    """The peak memory of a process (VmHWM) since it began or `forget_peak`."""
    return _status_bytes(pid, "VmHWM")


def forget_peak(pid: int) -> None:
    """Reset the peak to the current memory."""
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


def processor_seconds(pid: int, *, with_ended: bool = False) -> float:
    """Processor time of all its threads so far, in steps of a hundredth of a second.

    With `with_ended`, also that of its children that have ended.
    """
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
    times = fields[11:15] if with_ended else fields[11:13]
    return sum(map(int, times)) / os.sysconf("SC_CLK_TCK")


def _status_bytes(pid: int, name: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(rf"^{name}:\s+(\d+) kB$", status, re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024
