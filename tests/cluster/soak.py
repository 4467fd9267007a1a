"""A cluster of two nodes with one core each: it scales with the load, and the death of a node
loses neither a request of a client that retries nor a row of a batch.

    make soak-ray       (about ten minutes with the contract tests; uses loopback only)
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from off_tanet.configuration import ASSETS
from pyarrow import parquet
from ray import serve
from ray.cluster_utils import Cluster

from tests.benchmarks import load
from tests.benchmarks.bench_serve import framed
from tests.cluster.nodes import kill_second, served, two_nodes
from tests.soak.part import Part

REQUESTS = 600
CLIENTS = 6
ROWS = 2000
PATIENCE_S = 300.0  # seconds, until anything that must happen has happened
NAMES = ("negative", "positive", "surprise")


def main() -> int:
    parts = []
    for prove in (scaling, serving_without_a_node, batch_without_a_node):
        started = time.monotonic()
        with two_nodes() as cluster:
            part = prove(cluster)
        verdict = "good" if not part.faults else "; ".join(part.faults)
        print(f"{part.name}: {part.summary} ({time.monotonic() - started:.0f} s): {verdict}")
        parts.append(part)
    return 1 if any(part.faults for part in parts) else 0


def scaling(_: Cluster) -> Part:
    """From one replica to two while six clients send, and back afterwards."""
    part = Part("replicas under load")
    port = served(min_replicas=1, max_replicas=2, upscale_delay_s=1, downscale_delay_s=5)
    part.check(running() == 1, "there was more than one replica at first")
    started = time.monotonic()
    replies = asyncio.run(asked_until(port, lambda: running() == 2))
    grown_s = time.monotonic() - started
    part.check(running() == 2, "there was no second replica under load")
    wrong = {reply.status for reply in replies} - {200, 503}
    part.check(not wrong, f"answers with {wrong}")
    started = time.monotonic()
    until(lambda: running() == 1)
    part.check(running() == 1, "the second replica stayed without load")
    shrunk_s = time.monotonic() - started
    part.summary = f"the second came after {grown_s:.1f} s of load, was gone {shrunk_s:.1f} s later"
    return part


def serving_without_a_node(cluster: Cluster) -> Part:
    """A node is killed during the requests; their clients retry until they are answered."""
    part = Part(f"{REQUESTS} requests, a node killed")
    port = served(min_replicas=2, max_replicas=2)
    tries = asyncio.run(asked_until_answered(port, lambda: kill_second(cluster)))
    part.check(len(tries) == REQUESTS, f"{REQUESTS - len(tries)} requests were not answered")
    again = Counter(count - 1 for count in tries if count > 1)
    part.check(running() < 2, "both replicas run on one core")
    cluster.add_node(num_cpus=1)
    until(lambda: running() == 2)
    part.check(running() == 2, "no replica came to the node in its place")
    part.summary = (
        f"{len(tries)} answered, {sum(again.values())} of them not at the first try, "
        f"at most {max(tries)} tries"
    )
    return part


def batch_without_a_node(cluster: Cluster) -> Part:
    """A node, with half of the workers, is killed when half of the rows are written."""
    part = Part(f"a batch of {ROWS} pairs, a node killed half-way")
    with tempfile.TemporaryDirectory() as name:
        study = Path(name)
        expected = written(study)
        program = str(Path(sys.executable).with_name("off-tanet"))
        batch = subprocess.Popen(
            [program, "batch", "pairs.csv", "--ray", "-o", "scores.parquet", "--json"],
            cwd=study,
            env={**os.environ, "RAY_ADDRESS": cluster.address},
            stdout=subprocess.DEVNULL,
        )
        partial = study / "scores.parquet.partial"
        until(lambda: batch.poll() is not None or lines(partial) >= ROWS // 2)
        killed_at = lines(partial)
        part.check(killed_at < ROWS, "the batch was over before the node was killed")
        kill_second(cluster)
        part.check(batch.wait(PATIENCE_S) == 0, "the batch failed")
        rows = parquet.read_table(study / "scores.parquet").to_pylist()
    found = Counter((row["input.onset"], row["label"]) for row in rows)
    part.check(found == Counter(expected), "rows are missing, wrong or there twice")
    part.summary = f"killed at row {killed_at}, {len(rows)} rows, {len(found)} of them distinct"
    return part


def written(study: Path) -> list[tuple[str, str | None]]:
    """Write a manifest with one bad row; return the expected onsets and labels."""
    expected: list[tuple[str, str | None]] = [("none.jpg", None)]
    manifest = ["onset,apex", "none.jpg,none.jpg"]
    for index in range(ROWS):
        label = NAMES[index % len(NAMES)]
        for frame in ("onset", "apex"):
            (study / f"{index}_{frame}.jpg").symlink_to(ASSETS / "samples" / f"{label}_{frame}.jpg")
        manifest.append(f"{index}_onset.jpg,{index}_apex.jpg")
        expected.append((f"{index}_onset.jpg", label))
    (study / "pairs.csv").write_text("\n".join(manifest), encoding="utf-8")
    return expected


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def running() -> int:
    """The number of replicas that accept requests."""
    (deployment,) = serve.status().applications["default"].deployments.values()
    return int(deployment.replica_states.get("RUNNING", 0))


def until(holds: Callable[[], bool]) -> None:
    """Wait until the condition holds, or a timeout."""
    give_up = time.monotonic() + PATIENCE_S
    while not holds() and time.monotonic() < give_up:
        time.sleep(0.2)


async def asked_until(port: int, holds: Callable[[], bool]) -> list[load.Reply]:
    """Clients send as fast as they are answered until the condition holds; their responses."""
    replies: list[load.Reply] = []
    waiting = asyncio.create_task(asyncio.to_thread(until, holds))
    request = pair()
    while not waiting.done():
        replies += await load.counted_loop(port, request, CLIENTS, 10 * CLIENTS)
    return replies


async def asked_until_answered(port: int, kill: Callable[[], None]) -> list[int]:
    """The number of tries of each request; the kill comes in the middle of them."""
    left, request = iter(range(REQUESTS)), pair()
    tries: list[int] = []
    killing: list[asyncio.Task[None]] = []

    async def client() -> None:
        for index in left:
            if index == REQUESTS // 2:
                killing.append(asyncio.create_task(asyncio.to_thread(kill)))
            tries.append(await answered(port, request))

    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(*(client() for _ in range(CLIENTS)))
        await asyncio.gather(*killing)
    return tries


async def answered(port: int, request: bytes) -> int:
    """Retry until the status is 200, with a pause after any other; return the number of tries."""
    tries = 0
    while True:
        tries += 1
        connection = load.Connection(port)
        try:
            if (await connection.ask(request)).status == 200:
                return tries
        except (OSError, asyncio.IncompleteReadError):
            pass  # closed in the middle of a response
        finally:
            connection.close()
        await asyncio.sleep(0.2)


def pair() -> bytes:
    parts = {"onset": framed("surprise_onset.jpg"), "apex": framed("surprise_apex.jpg")}
    return load.upload("/v1/predictions/frames", parts)


if __name__ == "__main__":
    sys.exit(main())
