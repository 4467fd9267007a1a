"""The command `off-tanet`."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence

import uvicorn

from service import logs, settings
from service.api.app import create_app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code is 2 when the command or a setting is wrong."""
    options = _parser().parse_args(arguments)
    try:
        configured = settings.load()
    except settings.SettingsError as error:
        print(f"off-tanet: {error}", file=sys.stderr)
        return 2
    if options.command == "settings":
        print(settings.table())
        return 0
    # The server ends its work on SIGTERM, then raises it again: this makes that a good end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    logs.configure(configured.log_format)
    uvicorn.run(
        create_app(configured),
        host=options.host,
        port=options.port,
        server_header=False,
        log_config=None,
        access_log=False,  # its lines hold the query string
        timeout_graceful_shutdown=int(configured.grace_s) + 1,
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="off-tanet", description="Micro-expression recognition over HTTP."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="answer over HTTP until stopped")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on")
    serve.add_argument("--port", type=int, default=8000, help="port to listen on")
    commands.add_parser("settings", help="list every OFF_TANET_* setting")
    return parser
