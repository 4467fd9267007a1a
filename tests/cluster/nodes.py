"""A Ray cluster on this machine, of two nodes with one core each; it leaves nothing behind."""

from __future__ import annotations

import os
import secrets
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import ray
from off_tanet.ray_serve import app
from ray import serve
from ray.cluster_utils import Cluster
from ray.serve.config import HTTPOptions, ProxyLocation

from tests.support.processes import family
from tests.support.serving import free_port

_STORE_BYTES = 150_000_000


@contextmanager
def two_nodes() -> Iterator[Cluster]:
    """Both nodes, with this process connected to them. Ray writes into the nodes' own folder."""
    node = {"num_cpus": 1, "object_store_memory": _STORE_BYTES}
    # Short: socket paths contain it, and their length is limited.
    with tempfile.TemporaryDirectory(prefix="ray", dir="/tmp", ignore_cleanup_errors=True) as home:
        os.environ |= surroundings(home)
        cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
        try:
            cluster.add_node(**node)
            ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
            yield cluster
        finally:
            ray.shutdown()
            cluster.shutdown()


def kill_second(cluster: Cluster) -> None:
    """Kill all processes of the node at once, as in a power failure."""
    (node,) = cluster.worker_nodes
    for pid in family(node.all_processes["raylet"][0].process.pid):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    cluster.remove_node(node, allow_graceful=False)


def surroundings(home: str) -> dict[str, str]:
    """Options that keep Ray small, silent and in its folder."""
    return {
        "RAY_TMPDIR": home,
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_AUTH_TOKEN": os.environ.get("RAY_AUTH_TOKEN", secrets.token_hex()),
        "RAY_DEFAULT_OBJECT_STORE_MAX_MEMORY_BYTES": str(_STORE_BYTES),
        "RAY_raylet_start_wait_time_s": "120",  # on a busy machine
    }


def served(**settings: object) -> int:
    """Run the application on the cluster of this process; return the port when it is ready."""
    port = free_port()
    serve.start(ProxyLocation.HeadOnly, HTTPOptions(host="127.0.0.1", port=port))
    serve.run(app({name: str(value) for name, value in settings.items()}))
    return port
