"""The answer to requests that ask for a live stream without opening a WebSocket."""

from __future__ import annotations

from off_tanet.errors import OffTanetError


class NoSocketError(OffTanetError):
    """The path is that of a WebSocket."""

    status = 426
    code = "upgrade_required"


async def no_socket() -> None:
    """Refuse the request."""
    raise NoSocketError("This is a WebSocket: open it with wss:// or ws://.")
