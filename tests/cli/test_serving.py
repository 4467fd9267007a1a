"""`off-tanet serve` from its start to its end: errors end it before it listens, and every signal
lets the admitted work be answered."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import onnx
import pytest
from off_tanet.configuration import ASSETS, Configuration
from off_tanet.setting_names import variable

from tests.support.processes import family, wait_for_end, workers_of
from tests.support.requests import CLIP, STREAM
from tests.support.serving import SERVE, logging_to, serving, started

ENDS = [(signal.SIGTERM, 0), (signal.SIGHUP, 0), (signal.SIGINT, 130)]


def failed_start(
    *options: str, limits: str = "", home: Path | None = None, **settings: object
) -> tuple[int, str]:
    """The exit code and the one line of a service that must not start."""
    environment = {name: text for name, text in os.environ.items() if "OFF_TANET" not in name}
    environment |= {variable(name): str(value) for name, value in settings.items()}
    command = ["bash", "-c", f'{limits}\nexec "$0" "$@"', *SERVE, *options]
    ran = subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=home, timeout=60, check=False
    )
    assert ran.stdout == ""
    assert re.fullmatch(r"off-tanet: .+\n", ran.stderr)
    return ran.returncode, ran.stderr


def missing(_: Path) -> None: ...


def garbage(path: Path) -> None:
    path.write_bytes(b"garbage" * 100)


def cut(path: Path) -> None:
    path.write_bytes(Configuration().model.read_bytes()[:-1000])


def no_text(path: Path) -> None:
    """ONNX Runtime's Python prints it to standard output."""
    path.write_bytes(Configuration().model.read_bytes().replace(b"strain", b"\xf2train"))


def of_another_network(path: Path) -> None:
    path.write_bytes((ASSETS / "face" / "mesh.onnx").read_bytes())


def of_too_few_classes(path: Path) -> None:
    model = onnx.load(Configuration().model)
    (classes,) = [each for each in model.metadata_props if each.key == "classes"]
    classes.value = '["yes", "no"]'
    onnx.save(model, path)


def pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize(
    "make",
    [
        missing,
        garbage,
        cut,
        no_text,
        of_another_network,
        of_too_few_classes,
        pipe,
        Path.mkdir,
        Path.touch,
    ],
)
def test_an_unusable_model_is_2(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """Its workers would restart without end, while a load balancer waits."""
    model = tmp_path / "model.onnx"
    make(model)
    code, line = failed_start(model=model)
    assert code == 2
    assert line.startswith("off-tanet: OFF_TANET_MODEL: ")


@pytest.mark.parametrize(
    ("old", "new"),
    [("queue", "OFF_TANET_QUEUE_SIZE"), ("max_held_bytes", "OFF_TANET_MAX_INFLIGHT_BODY_BYTES")],
)
def test_an_old_name_of_a_setting_is_2(old: str, new: str) -> None:
    """An ignored limit of 0.1.0 would silently become the default."""
    given: dict[str, Any] = {old: 1}
    code, line = failed_start(**given)
    assert code == 2
    assert line == f"off-tanet: unknown setting OFF_TANET_{old.upper()}, which is now {new}\n"


def test_the_old_name_of_the_collector_ends_every_start() -> None:
    """The new one has no prefix; servers other than `serve` refuse the old one, too."""
    old, new = "OFF_TANET_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"
    message = f"unknown setting {old}, which is now {new}\n"
    environment = {**os.environ, old: "http://127.0.0.1:4318"}
    application = ("off_tanet.api.app:create_app", "--factory", "--port", "0")
    for command in (SERVE, (sys.executable, "-m", "uvicorn", *application)):
        ran = subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=60, check=False
        )
        assert ran.returncode != 0
        assert ran.stderr.endswith(message)


def test_an_unknown_flow_build_is_2() -> None:
    code, line = failed_start(flow_build="none")
    assert (code, "OFF_TANET_FLOW_BUILD" in line) == (2, True)


@pytest.mark.parametrize(
    ("limits", "settings"),
    [
        ("ulimit -n 64", {}),
        ("ulimit -n 500", {}),
        ("ulimit -n 1024", {"max_connections": 1000}),
        ("ulimit -n 1024", {"workers": 200, "max_connections": 500}),
        ("", {"max_connections": 10**12}),
        ("", {"max_connections": 10**30}),
    ],
)
def test_too_few_open_files_are_2(limits: str, settings: dict[str, Any]) -> None:
    """Under load there would be no descriptors for connections and new workers."""
    code, line = failed_start(limits=limits, **settings)
    assert code == 2
    assert "open files" in line
    assert "OFF_TANET_MAX_CONNECTIONS" in line


@pytest.mark.parametrize("limits", ["ulimit -n 1024", "ulimit -Sn 64"])
def test_the_usual_limits_of_linux_suffice(tmp_path: Path, limits: str) -> None:
    """1,024 open files; a lower soft limit is raised by the service."""
    command = ["bash", "-c", f'{limits}\nexec "$0" "$@"', *SERVE]
    with started(command, tmp_path, True, {"workers": 2}) as server, server.client() as http:
        assert http.get("/health/ready").status_code == 200
        assert server.stop() == 0


def test_an_address_in_use_is_3() -> None:
    with socket.create_server(("127.0.0.1", 0)) as used:
        port = str(used.getsockname()[1])
        code, line = failed_start("--port", port)
    assert code == 3
    assert line == f"off-tanet: cannot listen on 127.0.0.1 port {port}: Address already in use\n"


@pytest.mark.parametrize(
    "host", ["192.0.2.1", "no.such.host.invalid", "a b", "a" * 70, "::g", "..."]
)
def test_a_foreign_address_is_3(host: str) -> None:
    code, line = failed_start("--host", host)
    assert code == 3
    assert line.startswith(f"off-tanet: cannot listen on {host} port 0: ")


@pytest.mark.parametrize("host", ["localhost", "", "::1"])
def test_other_names_of_this_machine_are_served(tmp_path: Path, host: str) -> None:
    if host == "::1" and not os.path.exists("/proc/net/if_inet6"):
        pytest.skip("this machine has no IPv6")
    with started((*SERVE, "--host", host), tmp_path, False, {}) as server, server.client() as http:
        assert http.get("/health/live").status_code == 200


def send(number: signal.Signals, processes: list[int]) -> None:
    """Wait until none of these processes is alive."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, number)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), ENDS)
@pytest.mark.parametrize(("times", "to_all"), [(1, False), (3, True)])
def test_a_signal_lets_the_admitted_work_end(
    tmp_path: Path, number: signal.Signals, code: int, times: int, to_all: bool
) -> None:
    """From any sender, and repeatedly: a terminal signals all processes of a group, a service
    manager those of a control group, and wrappers forward a signal once more."""
    with serving(tmp_path, workers=1) as server, server.client() as http:
        processes = family(server.process.pid)
        files = {"video": CLIP.read_bytes()}
        with http.stream("POST", "/v1/predictions/clip", files=files, headers=STREAM) as stream:
            lines = stream.iter_lines()
            assert next(lines) == "event: progress"  # the work has started
            for _ in range(times):
                send(number, processes if to_all else processes[:1])
            assert "event: prediction" in list(lines)
        assert server.process.wait(30) == code
        for process in processes[1:]:
            wait_for_end(process)
    assert "Traceback" not in "".join(server.log)


@pytest.mark.parametrize(("number", "code"), ENDS)
def test_a_signal_ends_it_while_it_warms_up(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """Workers that still import their modules ignore signals to their group."""
    with serving(tmp_path, ready=False, workers=2) as server:
        for _ in range(3):
            send(number, family(server.process.pid))
        assert server.process.wait(30) == code
    assert "Traceback" not in "".join(server.log)


@pytest.mark.parametrize(("number", "code"), ENDS)
def test_a_signal_before_it_listens_ends_it(number: signal.Signals, code: int) -> None:
    """During imports, an exception of a signal handler could be raised anywhere."""
    program = (
        "import signal, sys, off_tanet.startup, off_tanet.cli as cli;"
        "create = off_tanet.startup.create_app;"
        "off_tanet.startup.create_app = "
        f"lambda *a: signal.raise_signal({int(number)}) or create(*a);"
        "sys.exit(cli.main(['serve', '--port', '0']))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (code, "", "")


def test_under_nohup_a_hangup_is_ignored(tmp_path: Path) -> None:
    """This is the purpose of nohup."""
    command = ("bash", "-c", 'trap "" HUP; exec "$0" "$@"', *SERVE)
    with started(command, tmp_path, True, {"workers": 1}) as server, server.client() as http:
        server.process.send_signal(signal.SIGHUP)
        (worker,) = workers_of(server.process.pid)
        os.kill(worker, signal.SIGHUP)
        assert http.get("/health/ready").status_code == 200
        assert workers_of(server.process.pid) == [worker]
        assert server.stop() == 0


@pytest.mark.slow
def test_closed_standard_streams_do_not_fail(tmp_path: Path) -> None:
    """As a daemon is started. Files that get their descriptors must not receive their output."""
    closing = ("bash", "-c", 'exec "$0" "$@" <&- >&- 2>&-')
    with logging_to(subprocess.DEVNULL, tmp_path, *closing, workers=1) as server:
        streams = [os.readlink(f"/proc/{server.process.pid}/fd/{number}") for number in range(3)]
        assert streams == ["/dev/null"] * 3
        with server.client() as http:
            assert http.get("/v1/model").status_code == 200
        assert server.stop() == 0
