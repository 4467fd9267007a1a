"""The cost of Ray for a request, and the throughput of one and two replicas.

    make bench-ray        (about three minutes; uses loopback only)

Pairs of 640 x 480 JPEG images, one worker in each replica. The plain server and the cluster take
turns with one client; processor time is that of all their processes, the cluster's own included.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import numpy as np

from tests.benchmarks import load
from tests.benchmarks.bench_serve import framed, spread
from tests.cluster.serving import on_cluster
from tests.support.processes import family, processor_seconds, resident_bytes
from tests.support.serving import Server, serving

TURNS = 8
TURN_S = 4.0
FULL_S = 15.0


def main() -> None:
    parts = {"onset": framed("surprise_onset.jpg"), "apex": framed("surprise_apex.jpg")}
    request = load.upload("/v1/predictions/frames", parts)
    with tempfile.TemporaryDirectory() as home:
        single = {"min_replicas": 1, "max_replicas": 1}
        with serving(Path(home), workers=1) as plain, on_cluster(Path(home), **single) as ray:
            take_turns({"plain": plain, "Ray": ray}, request)
            throughput("plain, 1 worker", plain, request, 1)
            throughput("Ray, 1 replica", ray, request, 1)
        with on_cluster(Path(home)) as ray:
            throughput("Ray, 2 replicas", ray, request, 2)
            for line in memory(ray):
                print(line)


def take_turns(servers: dict[str, Server], request: bytes) -> None:
    """One client: the median of each turn, and the processor time of a request."""
    medians: dict[str, list[float]] = {name: [] for name in servers}
    spent: dict[str, list[float]] = {name: [] for name in servers}
    for server in servers.values():
        asyncio.run(load.counted_loop(server.port, request, 1, 30))
    for _ in range(TURNS):
        for name, server in servers.items():
            before = processor_time(server)
            replies = asyncio.run(load.closed_loop(server.port, request, 1, TURN_S))
            spent[name].append((processor_time(server) - before) / len(replies))
            medians[name].append(float(np.median([reply.seconds for reply in replies])))
    for name in servers:
        print(f"{name}, one client: medians of {TURNS} turns {spread(medians[name])}")
        print(f"{name}: processor time of a request {spread(spent[name])}")
    for what, figures in (("time", medians), ("processor time", spent)):
        added = np.array(figures["Ray"]) - np.array(figures["plain"])
        print(f"Ray adds {what}: {spread(list(added))} a request")


def throughput(name: str, server: Server, request: bytes, workers: int) -> None:
    """Throughput with four clients for each worker."""
    before = processor_time(server)
    replies = asyncio.run(load.closed_loop(server.port, request, 4 * workers, FULL_S))
    spent = processor_time(server) - before
    good = [reply for reply in replies if reply.status == 200]
    print(
        f"{name}: {len(good) / FULL_S:.1f}/s, {len(replies) - len(good)} refused, "
        f"processor time {spent / len(good) * 1e3:.1f} ms a request, {spent / FULL_S:.2f} cores"
    )


def memory(server: Server) -> list[str]:
    """The memory of each relevant process, and their sum."""
    sizes = [(words(pid), resident_bytes(pid) / 1e6) for pid in family(server.process.pid)]

    def megabytes_of(word: str) -> list[int]:
        return [round(size) for name, size in sizes if word in name]

    workers = megabytes_of("spawn_main")
    return [
        f"memory in MB: replicas {megabytes_of('ServeReplica')}, their workers {workers}, "
        f"proxy {megabytes_of('ProxyActor')}, controller {megabytes_of('ServeController')}",
        f"all of a cluster of two nodes: {sum(size for _, size in sizes):.0f} MB",
    ]


def processor_time(server: Server) -> float:
    return sum(processor_seconds(pid) for pid in family(server.process.pid))


def words(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text(encoding="latin-1")


if __name__ == "__main__":
    main()
