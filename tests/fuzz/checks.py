"""The state of a server after the cases: its answers, its workers, its memory."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

from tests.fuzz.sender import Tally
from tests.support.processes import resident_bytes, workers_of
from tests.support.requests import CLIP, ask_clip, ask_frames, check_complete, pair
from tests.support.serving import Server

WORKERS = 2
_ROUNDS = 4


def check_sample(server: Server) -> None:
    """The sample pair and clip are answered as usual, by every worker."""

    def ask(_: int) -> None:
        with server.client() as http:
            answers = ask_frames(http, *pair("positive")), ask_clip(http, CLIP.read_bytes())
        for answer, label in zip(answers, ("positive", "surprise"), strict=True):
            assert answer.status_code == 200, answer.text
            check_complete(answer.json())
            assert answer.json()["label"] == label

    with ThreadPoolExecutor(WORKERS) as threads:
        list(threads.map(ask, range(_ROUNDS * WORKERS)))


def resident_megabytes(server: Server) -> list[float]:
    """Resident memory (VmRSS) of the server and of each worker."""
    pid = server.process.pid
    return [resident_bytes(process) / 1e6 for process in (pid, *workers_of(pid))]


def unexplained(server: Server, tally: Tally) -> list[str]:
    """Errors in the log, and workers that ended other than by a deadline or a disconnect."""
    lines = [json.loads(line) for line in server.log if line.startswith("{")]
    faults = [f"in the log: {line['message']}" for line in lines if line["level"] == "error"]
    left = sum(line.get("problem") == "client_gone" for line in lines)
    replaced, late = _restarts(server), tally.total(504)
    if replaced > left + late:
        faults.append(f"{replaced} workers replaced: {late} deadlines, {left} clients that left")
    return faults


def _restarts(server: Server) -> int:
    name = "off_tanet_worker_restarts_total "
    with server.client() as http:
        lines = http.get("/metrics").text.splitlines()
    return int(sum(float(line.split()[1]) for line in lines if line.startswith(name)))
