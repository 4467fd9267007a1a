"""A real server in a process of its own, as a user starts it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import httpx
from off_tanet.setting_names import variable

from tests.support.processes import workers_of


@dataclass
class Server:
    """A running service; `log` is all it has printed, `home` its working and temporary folder."""

    process: subprocess.Popen[str]
    home: Path
    log: list[str] = field(default_factory=list)
    url: str = ""

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=60)

    def stop(self) -> int:
        """End it as an operator does; return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


SERVE = (str(Path(sys.executable).with_name("off-tanet")), "serve", "--port", "0")


def serving(
    home: Path, *, ready: bool = True, **settings: object
) -> AbstractContextManager[Server]:
    """`off-tanet serve` on a free port, with these settings; ended afterwards."""
    return started(SERVE, home, ready, settings)


@contextmanager
def started(
    command: Sequence[str], home: Path, ready: bool, settings: Mapping[str, object]
) -> Iterator[Server]:
    """The same for another command that serves."""
    environment = {name: text for name, text in os.environ.items() if "OFF_TANET" not in name}
    environment |= {variable(name): str(value) for name, value in settings.items()}
    environment |= {"TMPDIR": str(home)}
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=home,
        env=environment,
    )
    server = Server(process, home)
    assert process.stderr is not None
    reader = threading.Thread(target=server.log.extend, args=[process.stderr], daemon=True)
    try:
        _read_until(r"running on (http://\S+)", process.stderr, server)
        if ready:
            _read_until(r"ready: ", process.stderr, server)
        reader.start()
        yield server
    finally:
        process.terminate()
        process.wait(30)
        if reader.ident:
            reader.join(30)
        process.stderr.close()


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


@contextmanager
def logging_to(
    stderr: IO[bytes] | int, home: Path, *before: str, **settings: object
) -> Iterator[Server]:
    """A service that is ready, on a port that was free, whose log goes to `stderr`."""
    port = free_port()
    environment = {variable(name): str(value) for name, value in settings.items()}
    process = subprocess.Popen(
        [*before, SERVE[0], "serve", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        text=True,
        env={**os.environ, "TMPDIR": str(home), **environment},
    )
    server = Server(process, home, url=f"http://127.0.0.1:{port}")
    try:
        while not is_ready(server.url):
            assert process.poll() is None
        yield server
    finally:
        process.kill()
        process.wait()


def is_ready(url: str) -> bool:
    """Whether a service accepts requests there."""
    try:
        return httpx.get(f"{url}/health/ready").status_code == 200
    except httpx.TransportError:
        return False


@contextmanager
def warming_up(home: Path, **settings: object) -> Iterator[Server]:
    """A service whose only worker hangs at its start."""
    with serving(home, ready=False, workers=1, **settings) as server:
        while not (starting := workers_of(server.process.pid)):
            assert server.process.poll() is None
        os.kill(starting[0], signal.SIGSTOP)
        yield server


def signal_workers(server: Server, number: signal.Signals) -> None:
    for worker in workers_of(server.process.pid):
        os.kill(worker, number)


def wait_for_metric(server: Server, metric: str, value: float) -> None:
    """Poll the metrics until one has this value."""
    with server.client() as http:
        for _ in range(10_000):
            if f"{metric} {value}\n" in http.get("/metrics").text:
                return
    raise AssertionError(f"{metric} never became {value}")


def log_entries(server: Server) -> list[dict[str, Any]]:
    """All lines that a stopped server has printed; a line that is not JSON fails the test."""
    return [json.loads(line) for line in server.log]


def _read_until(pattern: str, lines: IO[str], server: Server) -> None:
    """Read the log up to the line that matches; a server that ends before fails the test."""
    for line in lines:
        server.log.append(line)
        if found := re.search(pattern, line):
            if found.groups():
                server.url = found[1]
            return
    raise AssertionError("the server ended before it was up:\n" + "".join(server.log))
