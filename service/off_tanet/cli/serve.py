"""`off-tanet serve`."""

from __future__ import annotations

import errno
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from off_tanet.cli.bootstrap import configured
from off_tanet.cli.exit_codes import Code, EndError
from off_tanet.workers.signals import ENDING

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

    from off_tanet.settings import Settings

log = logging.getLogger(__name__)

_BACKLOG = 2048  # connections that wait to be accepted


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0: any that is free.")
    ] = 8000,
) -> None:
    """Answer over HTTP until stopped.

    Ctrl-C, SIGTERM and SIGHUP let the admitted work end.
    """
    with _ended_by_signal() as ending:
        settings = configured()
        app = _application(settings)
        if not ending.signal:
            with _listening(host, port) as sockets:
                _run(app, settings, sockets, ending)
    if ending.signal == signal.SIGINT:
        sys.exit(Code.STOPPED)  # the log says so already


@dataclass(slots=True)
class _Ending:
    """Keeps the first signal that asked for the end, and tells the server; others change nothing.

    A signal handler that raises would do so anywhere: in a module that is half imported, in the
    event loop, or while the interpreter ends.
    """

    signal: int = 0
    server: uvicorn.Server | None = None

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        self.signal = self.signal or number
        if self.server is not None:
            self.server.should_exit = True

    def of(self, server: uvicorn.Server) -> None:
        """End this server, at once where the signal has come already."""
        self.server = server
        server.should_exit = bool(self.signal)


@contextmanager
def _ended_by_signal() -> Iterator[_Ending]:
    """Handle what asks for an end; afterwards, when the process ends, nothing else does."""
    ending, before = _Ending(), {}
    for number in ENDING:
        if number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
            continue  # it was started by nohup
        before[number] = signal.signal(number, ending)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)  # the command's first lines blocked them
    try:
        yield ending
    except BaseException:
        for number, handler in before.items():
            signal.signal(number, handler)
        raise
    for number in before:
        signal.signal(number, signal.SIG_IGN)


def _application(settings: Settings) -> FastAPI:
    """The service, when all is there that it needs."""
    from off_tanet import startup
    from off_tanet.settings import SettingsError

    try:
        app = startup.application(settings)
        startup.reserve_files(settings)
    except SettingsError as error:
        raise EndError(str(error), Code.USAGE) from None
    return app


@contextmanager
def _listening(host: str, port: int) -> Iterator[list[socket.socket]]:
    """A socket for each address of `host`; the server by itself would try after it has started."""
    with ExitStack() as opened:
        try:
            sockets = [opened.enter_context(each) for each in _opened(host, port)]
        except (OSError, ValueError) as error:  # ValueError: what can be no name of a host
            reason = getattr(error, "strerror", None) or "it is no address"
            raise EndError(
                f"cannot listen on {host} port {port}: {reason}", Code.ENVIRONMENT
            ) from None
        yield sockets


def _opened(host: str, port: int) -> Iterator[socket.socket]:
    """Those of addresses that this machine has: `localhost` may mean one of IPv6, too."""
    found = socket.getaddrinfo(
        host or None,
        port,
        type=socket.SOCK_STREAM,
        proto=socket.IPPROTO_TCP,
        flags=socket.AI_PASSIVE,
    )
    foreign: list[OSError] = []
    for family, _, _, _, address in found:
        try:
            yield _bound(family, address)
        except OSError as error:
            if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                raise
            foreign.append(error)
    if len(foreign) == len(found):
        raise foreign[0]


def _bound(family: int, address: Any) -> socket.socket:
    # With the protocol named, without which asyncio leaves Nagle's algorithm on.
    opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind(address)
        opened.listen(_BACKLOG)
    except BaseException:
        opened.close()
        raise
    return opened


def _run(app: FastAPI, settings: Settings, sockets: list[socket.socket], ending: _Ending) -> None:
    import uvicorn

    from off_tanet import logs
    from off_tanet.api.http_protocol.protocol import bounded_protocol
    from off_tanet.api.http_protocol.server import DrainingServer

    logs.configure(settings.log_format, settings.log_queue_size)
    logging.getLogger("uvicorn.error").addFilter(_without_promise)
    config = uvicorn.Config(
        app,
        server_header=False,
        http=bounded_protocol(settings.connection_limits),
        backlog=_BACKLOG,
        log_config=None,
        access_log=False,  # its lines hold the query string
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies or None,
        # The engines end what they admitted in their own time; this ends what is left.
        timeout_graceful_shutdown=int(
            max(settings.shutdown_timeout_s, settings.video_shutdown_timeout_s)
        )
        + 2,
    )
    server = DrainingServer(config, app.state.drain)
    ending.of(server)
    for each in sockets:
        log.info("Uvicorn running on %s (Press CTRL+C to quit)", _url(each))
    server.run(sockets)
    if ending.signal:
        log.info("ended by %s", signal.Signals(ending.signal).name)


def _without_promise(record: logging.LogRecord) -> bool:
    """A second Ctrl-C ends nothing sooner: what sends one may well send two."""
    record.msg = str(record.msg).removesuffix(" (CTRL+C to force quit)")
    return True


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
