"""The command `off-tanet`.

Each command imports what it needs itself: a worker process imports this module again, as every
spawned process does its parent's main module, and would carry the server's modules for nothing.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code is 2 when the command or a setting is wrong."""
    options = _parser().parse_args(arguments)
    code: int = options.run(options)
    return code


def _serve(options: argparse.Namespace) -> int:
    import uvicorn

    from service import logs, settings
    from service.api.app import create_app
    from service.api.connections import bounded

    try:
        configured = settings.load()
        app = create_app(configured)
    except (settings.SettingsError, OSError, ValueError) as error:
        print(f"off-tanet: {error}", file=sys.stderr)
        return 2
    # The server ends its work on SIGTERM, then raises it again: this makes that a good end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    logs.configure(configured.log_format)
    uvicorn.run(
        app,
        host=options.host,
        port=options.port,
        server_header=False,
        http=bounded(
            configured.head_s, configured.head_limits.server_bytes, configured.max_connections
        ),
        log_config=None,
        access_log=False,  # its lines hold the query string
        timeout_graceful_shutdown=int(configured.grace_s) + 1,
    )
    return 0


def _settings(_options: argparse.Namespace) -> int:
    from service import settings

    print(settings.table())
    return 0


def _key(options: argparse.Namespace) -> int:
    from service.api import security

    key = security.new_key()
    print(f"{key}\n{security.digest(key)} {options.name}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="off-tanet", description="Micro-expression recognition over HTTP."
    )
    commands = parser.add_subparsers(required=True)
    serve = commands.add_parser("serve", help="answer over HTTP until stopped")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on")
    serve.add_argument("--port", type=int, default=8000, help="port to listen on")
    serve.set_defaults(run=_serve)
    listing = commands.add_parser("settings", help="list every OFF_TANET_* setting")
    listing.set_defaults(run=_settings)
    key = commands.add_parser("key", help="make an API key: prints it, and its line for the file")
    key.add_argument("name", help="whose key it is")
    key.set_defaults(run=_key)
    return parser
