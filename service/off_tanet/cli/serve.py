"""`off-tanet serve`."""

from __future__ import annotations

import errno
import logging
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from off_tanet.cli.bootstrap import load_settings
from off_tanet.cli.console import ConfigPath
from off_tanet.cli.exit_codes import CommandError, ExitCode
from off_tanet.workers.signals import CAN_BLOCK, ENDING

if TYPE_CHECKING:
    from off_tanet.api.http_protocol.server import DrainingServer
    from off_tanet.settings import Settings

log = logging.getLogger(__name__)

_BACKLOG = 2048  # connections waiting to be accepted


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0: any free port.")
    ] = 8000,
    config: ConfigPath = None,
) -> None:
    """Start the HTTP service.

    Ctrl-C, SIGTERM and SIGHUP stop it after the admitted work has ended.
    """
    if not CAN_BLOCK:
        raise CommandError(
            "serve needs the signals of Linux or macOS; on Windows, use WSL 2 or a container",
            ExitCode.ENVIRONMENT,
        )
    from off_tanet.workers import forked

    with _signals_handled() as shutdown:
        forked.prepare()
        from off_tanet.workers import early

        try:
            settings = load_settings(config)
            early.start(settings.engine_limits.workers)
            shutdown.calls(early.kill)  # ends the wait for them
            server = _load(settings)
            if not shutdown.signal:
                with _listening(host, port) as sockets:
                    _run(server, settings, sockets, shutdown)
        finally:
            early.discard()
    if shutdown.signal == signal.SIGINT:
        sys.exit(ExitCode.STOPPED)  # the log has reported it


@dataclass(slots=True)
class _Shutdown:
    """A signal handler that stops the server on the first signal and ignores later ones.

    It does not raise: an exception could come up anywhere, such as in a half-imported module, in
    the event loop, or while the interpreter exits.
    """

    signal: int = 0
    stop: Callable[[], None] = lambda: None

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        self.signal = self.signal or number
        self.stop()

    def calls(self, stop: Callable[[], None]) -> None:
        """Register what stops the present work; call it now if a signal has already arrived."""
        self.stop = stop
        if self.signal:
            stop()


@contextmanager
def _signals_handled() -> Iterator[_Shutdown]:
    """Handle the signals that end the service, and ignore them once the process exits."""
    shutdown, before = _Shutdown(), {}
    for number in ENDING:
        if number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
            continue  # started by nohup
        before[number] = signal.signal(number, shutdown)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)  # blocked by `off_tanet.cli`
    try:
        yield shutdown
    except BaseException:
        for number, handler in before.items():
            signal.signal(number, handler)
        raise
    for number in before:
        signal.signal(number, signal.SIG_IGN)


def _load(settings: Settings) -> DrainingServer:
    """Create the application and its server while the first workers load, and wait for one.

    Reserve open files. A wrong setting ends the command.
    """
    from off_tanet import startup
    from off_tanet.api.http_protocol.setup import server_of
    from off_tanet.settings import SettingsError
    from off_tanet.workers import malloc

    try:
        app = startup.create(settings)
        server = server_of(app, settings, _BACKLOG)
        malloc.keep_loaded()
        startup.check_model(app)
        startup.reserve_files(settings)
    except SettingsError as error:
        raise CommandError(str(error), ExitCode.USAGE) from None
    return server


@contextmanager
def _listening(host: str, port: int) -> Iterator[list[socket.socket]]:
    """Open a socket for each address of `host`, before the application starts.

    The server itself would open them only after that.
    """
    with ExitStack() as stack:
        try:
            sockets = [stack.enter_context(each) for each in _open_sockets(host, port)]
        except (OSError, ValueError) as error:  # ValueError: an invalid host name
            reason = getattr(error, "strerror", None) or "not an address"
            raise CommandError(
                f"cannot listen on {host} port {port}: {reason}", ExitCode.ENVIRONMENT
            ) from None
        yield sockets


def _open_sockets(host: str, port: int) -> Iterator[socket.socket]:
    """Skip addresses that this machine lacks: `localhost` may also name an IPv6 address."""
    addresses = socket.getaddrinfo(
        host or None,
        port,
        type=socket.SOCK_STREAM,
        proto=socket.IPPROTO_TCP,
        flags=socket.AI_PASSIVE,
    )
    errors: list[OSError] = []
    for family, _, _, _, address in addresses:
        try:
            yield _bind(family, address)
        except OSError as error:
            if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                raise
            errors.append(error)
    if len(errors) == len(addresses):
        raise errors[0]


def _bind(family: int, address: Any) -> socket.socket:
    # asyncio turns Nagle's algorithm off only where the protocol is named.
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


def _run(
    server: DrainingServer, settings: Settings, sockets: list[socket.socket], shutdown: _Shutdown
) -> None:
    from off_tanet import logs
    from off_tanet.workers import malloc

    malloc.keep_freed()
    logs.configure(settings.log_format, settings.log_queue_size)
    logging.getLogger("uvicorn.error").addFilter(_without_force_quit)
    shutdown.calls(server.stop)
    for each in sockets:
        log.info("Uvicorn running on %s (Press CTRL+C to quit)", _url(each))
    if sys.stderr.isatty():
        log.info("Open %s in a browser", _browsable(_url(sockets[0])))
    server.run(sockets)
    if shutdown.signal:
        log.info("ended by %s", signal.Signals(shutdown.signal).name)


def _without_force_quit(record: logging.LogRecord) -> bool:
    """Remove uvicorn's hint: here a second Ctrl-C changes nothing, as many senders repeat it."""
    record.msg = str(record.msg).removesuffix(" (CTRL+C to force quit)")
    return True


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _browsable(url: str) -> str:
    """Return the URL for a browser on this machine: all addresses include the loopback one."""
    return url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
