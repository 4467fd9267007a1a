"""The HTTP server of the application, by the settings."""

from __future__ import annotations

import uvicorn
from fastapi import FastAPI

from off_tanet.api.http_protocol.protocol import bounded_protocol
from off_tanet.api.http_protocol.server import DrainingServer
from off_tanet.api.http_protocol.websocket import bounded_socket
from off_tanet.api.http_protocol.writing import Backlog
from off_tanet.api.middleware.forwarded import ForwardedMiddleware
from off_tanet.api.paths import STREAM_PATH
from off_tanet.settings import Settings


def server_of(app: FastAPI, settings: Settings, backlog: int) -> DrainingServer:
    """Create the server.

    Args:
        app: The application.
        settings: The settings of the service.
        backlog: Number of connections that may wait to be accepted.
    """
    trusted = settings.trusted_proxies
    connections = settings.connection_limits
    unsent = Backlog(connections.unsent_bytes)
    config = uvicorn.Config(
        ForwardedMiddleware(app, trusted) if trusted else app,
        server_header=False,
        http=bounded_protocol(connections, unsent, {STREAM_PATH.encode()}),
        ws=bounded_socket(connections, settings.socket_limits, unsent),
        ws_per_message_deflate=False,  # pictures do not get smaller, and a bomb could be in it
        ws_ping_interval=settings.stream_idle_timeout_s,
        ws_ping_timeout=settings.stream_idle_timeout_s,
        backlog=backlog,
        log_config=None,
        access_log=False,  # it would log query strings
        proxy_headers=False,  # ForwardedMiddleware also applies the prefix
        # The engines end admitted work within their own limits; this limit comes after both.
        timeout_graceful_shutdown=int(
            max(settings.shutdown_timeout_s, settings.video_shutdown_timeout_s)
        )
        + 2,
    )
    return DrainingServer(config, app.state.drain)
