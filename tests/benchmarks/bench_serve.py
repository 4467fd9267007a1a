"""The cost of HTTP and the engine, the throughput of two workers, and behaviour under overload.

    make bench-serve        (about two minutes; uses loopback only)

All figures come from one run, against one in-process Recognizer with the same requests: pairs of
640 x 480 JPEG images with a face in them, detection on. A bare application on the same HTTP server,
which waits as long as the work takes, shows what HTTP costs at least: its code has left the caches
of the processor in between.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from off_tanet.configuration import ASSETS
from off_tanet.recognition.recognizer import Recognizer
from off_tanet.types import Pixels
from off_tanet.workers import malloc
from threadpoolctl import threadpool_limits

from tests.benchmarks import load
from tests.support.processes import resident_bytes, workers_of
from tests.support.serving import Server, free_port, serving

WORKERS = 2


def framed(name: str) -> bytes:
    """A sample image on a 640 x 480 canvas, as from a webcam."""
    face = cv2.imread(str(ASSETS / "samples" / name))
    assert face is not None
    canvas: Pixels = np.full((480, 640, 3), 128, np.uint8)
    canvas[:, 80:560] = face
    return cv2.imencode(".jpg", canvas, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()


def in_process(onset: bytes, apex: bytes, count: int) -> list[float]:
    """Seconds of each request in this process, on one core."""
    cv2.setNumThreads(1)
    malloc.keep_freed()  # as in a worker, like the limit of threads
    recognizer = Recognizer()
    recognizer.warm_up()
    seconds = []
    with threadpool_limits(1):
        for _ in range(count):
            start = time.perf_counter()
            recognizer.frames(onset, apex)
            seconds.append(time.perf_counter() - start)
    return seconds


def bare(request: bytes, wait_s: float) -> list[float]:
    """Seconds that HTTP alone adds to a wait as long as the work, by `bare_app`."""
    port = free_port()
    options = ["--http", "httptools", "--loop", "asyncio", "--lifespan", "off"]
    command = [sys.executable, "-m", "uvicorn", "tests.benchmarks.bare_app:app", *options]
    with subprocess.Popen(
        [*command, "--port", str(port), "--log-level", "warning"],
        env={**os.environ, "BARE_WAIT_S": str(wait_s)},
    ) as server:
        try:
            while not accepts(port):
                time.sleep(0.05)
            replies = asyncio.run(load.closed_loop(port, request, 1, 5))
        finally:
            server.terminate()
    return [reply.seconds - float(reply.body) for reply in replies[5:]]


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def spread(seconds: list[float]) -> str:
    low, middle, high = np.percentile(np.array(seconds) * 1e3, [5, 50, 95])
    return f"{middle:.2f} ms ({low:.2f} to {high:.2f})"


def around(reply: load.Reply) -> float:
    """Seconds of a request outside the recognition, whose time the answer tells."""
    return reply.seconds - float(json.loads(reply.body)["timings_ms"]["total"]) / 1e3


async def overload(server: Server, port: int, request: bytes, rate: float, seconds: float) -> None:
    """Send five times the possible load, and request the health route meanwhile."""
    health: list[load.Reply] = []

    async def watch() -> None:
        connection = load.Connection(port)
        while True:
            health.append(await connection.ask(load.get("/health/live")))
            await asyncio.sleep(0.1)

    watching = asyncio.create_task(watch())
    start, spent = time.perf_counter(), time.process_time()
    replies = await load.open_loop(port, request, 5 * rate, seconds)
    took, spent = time.perf_counter() - start, time.process_time() - spent
    watching.cancel()
    accepted = [reply for reply in replies if reply.status == 200]
    refused = [reply.seconds for reply in replies if reply.status == 503 and reply.retry_after]
    others = len(replies) - len(accepted) - len(refused)
    print(f"overload: {5 * rate:.0f} requests/s for {seconds:.0f} s")
    print(f"  200: {len(accepted)}, 503 with Retry-After: {len(refused)}, others: {others}")
    print(
        f"  throughput {len(accepted) / took:.1f}/s = {len(accepted) / took / rate:.2f} of the peak"
    )
    print(f"  making the load took {spent / took:.2f} of the two cores it shares with the service")
    print(
        f"  refused in {spread(refused)}, 99th percentile {np.percentile(refused, 99) * 1e3:.1f} ms"
    )
    print(f"  accepted in {spread([reply.seconds for reply in accepted])}")
    print(f"  /health/live slowest {max(reply.seconds for reply in health) * 1e3:.1f} ms")
    held = [resident_bytes(worker) / 1e6 for worker in workers_of(server.process.pid)]
    print(f"  workers' memory {', '.join(f'{size:.0f} MB' for size in held)}")


def impatience(request: bytes) -> None:
    """40 clients that come back 20 ms after a refusal, in turn with 4 that fit into the queue."""
    with tempfile.TemporaryDirectory() as home, serving(Path(home), workers=WORKERS) as server:
        shares = []
        for _ in range(6):
            rates = []
            for clients in (2 * WORKERS, 40):
                start = time.perf_counter()
                sent = load.closed_loop(server.port, request, clients, 5, retry_s=0.02)
                replies = asyncio.run(sent)
                good = sum(reply.status == 200 for reply in replies)
                rates.append(good / (time.perf_counter() - start))
            shares.append(rates[1] / rates[0])
    low, middle, high = np.percentile(shares, [0, 50, 100])
    print(
        "40 clients that come back 20 ms after a refusal: "
        f"{middle:.2f} of the answers of {2 * WORKERS} ({low:.2f} to {high:.2f})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of overload")
    options = parser.parse_args()
    onset, apex = framed("surprise_onset.jpg"), framed("surprise_apex.jpg")
    request = load.upload("/v1/predictions/frames", {"onset": onset, "apex": apex})
    alone = in_process(onset, apex, 100)
    single = 1 / float(np.median(alone))
    print(f"in process: {spread(alone)} a request, {single:.1f}/s")
    print(f"a bare application adds {spread(bare(request, 1 / single))} to a wait as long")
    with (
        tempfile.TemporaryDirectory() as home,
        serving(Path(home), workers=WORKERS, queue_size=4) as server,
    ):
        port = server.port
        one = asyncio.run(load.closed_loop(port, request, 1, 5))
        seconds = [reply.seconds for reply in one[5:]]
        added = float(np.median(seconds) - np.median(alone)) * 1e3
        print(f"over HTTP, one client: {spread(seconds)} a request, {added:+.2f} ms")
        print(f"  outside the recognition {spread([around(reply) for reply in one[5:]])}")
        many = asyncio.run(load.closed_loop(port, request, 2 * WORKERS, 10))
        rate = len(many) / (max(r.ended for r in many) - min(r.ended - r.seconds for r in many))
        share = rate / (WORKERS * single)
        print(f"{WORKERS} workers, {2 * WORKERS} clients: {rate:.1f}/s, {share:.2f} of twice one")
        asyncio.run(overload(server, port, request, rate, options.seconds))
    impatience(request)


if __name__ == "__main__":
    main()
