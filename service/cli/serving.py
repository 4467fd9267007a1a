"""`off-tanet serve`."""

from __future__ import annotations

import signal
import sys
from typing import Annotated

import typer

from service.cli.ending import Code, EndError
from service.cli.loading import configured


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0: any that is free.")
    ] = 8000,
) -> None:
    """Answer over HTTP until stopped."""
    import uvicorn

    from service import logs
    from service.api.app import create_app
    from service.api.connections import bounded
    from service.settings import SettingsError

    settings = configured()
    try:
        app = create_app(settings)
    except (SettingsError, OSError, ValueError) as error:
        raise EndError(str(error), Code.USAGE) from None
    # The server ends its work on SIGTERM, then raises it again: this makes that a good end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    logs.configure(settings.log_format, settings.log_queue)
    uvicorn.run(
        app,
        host=host,
        port=port,
        server_header=False,
        http=bounded(settings.head_s, settings.head_limits.server_bytes, settings.max_connections),
        log_config=None,
        access_log=False,  # its lines hold the query string
        timeout_graceful_shutdown=int(settings.grace_s) + 1,
    )
