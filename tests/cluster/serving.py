"""The application on a cluster of two nodes, as a command like `off-tanet serve`: for tests that
use a server over HTTP and do not depend on its kind."""

from __future__ import annotations

import signal
import sys
from contextlib import AbstractContextManager
from pathlib import Path

from tests.support.paths import ROOT
from tests.support.serving import Server, started

_COMMAND = ("env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "tests.cluster.serving")

_NOT_SHARED = "it uses no server, or one of its own"
_THE_SERVER = "Ray's proxy reads request heads, and closes the connection"
LEFT_OUT = {
    "test_a_head_without_end": _THE_SERVER,
}
"""Tests that use the shared server but do not apply to a cluster, with the reason."""


def reason_to_leave_out(name: str, fixtures: set[str]) -> str | None:
    """Why a test does not apply to a cluster; None if it does."""
    if "server" not in fixtures:
        return _NOT_SHARED
    return LEFT_OUT.get(name)


def on_cluster(home: Path, **settings: object) -> AbstractContextManager[Server]:
    """A cluster of two nodes with a replica on each, and these settings."""
    return started(_COMMAND, home, True, {"min_replicas": 2, "max_replicas": 2, **settings})


def main() -> None:
    from tests.cluster.nodes import served, two_nodes

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with two_nodes():
        port = served()
        print(f"running on http://127.0.0.1:{port}\nready: 2 replicas", file=sys.stderr, flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
