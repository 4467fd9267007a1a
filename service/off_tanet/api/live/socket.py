"""One WebSocket of a client: what is awaited from it has a limit in time."""

from __future__ import annotations

import asyncio

from starlette.websockets import WebSocket, WebSocketDisconnect

from off_tanet.errors import ClientGoneError, OffTanetError


class LiveSocket:
    """Receives messages, and sends events until the client has left.

    Args:
        websocket: The accepted connection.
    """

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._gone = False
        self._refusal: OffTanetError | None = None
        self._timeout: asyncio.Timeout | None = None  # set while waiting for a message

    async def receive(self, within_s: float, late: OffTanetError) -> str | bytes:
        """Return the next message.

        Args:
            within_s: Seconds to wait for it.
            late: Raised if it does not come in time.

        Raises:
            ClientGoneError: The client closed the connection.
            OffTanetError: As `late`, or as passed to `refuse`.
        """
        if self._refusal or within_s <= 0:
            raise self._refusal or late
        self._timeout = asyncio.timeout(within_s)
        try:
            async with self._timeout:
                message = await self._websocket.receive()
        except TimeoutError:
            raise self._refusal or late from None
        finally:
            self._timeout = None
        if message["type"] == "websocket.disconnect":
            self._gone = True
            raise ClientGoneError("The client closed the connection.")
        text: str | None = message.get("text")
        content: bytes = message.get("bytes") or b""
        return content if text is None else text

    def refuse(self, error: OffTanetError) -> None:
        """Make the current or next call of `receive` fail with `error`."""
        self._refusal = error
        if self._timeout is not None and not self._timeout.expired():
            self._timeout.reschedule(asyncio.get_running_loop().time())

    async def send(self, event: bytes) -> None:
        """Send an event; do nothing if the client has left."""
        if not self._gone:
            try:
                await self._websocket.send_text(event.decode())
            except WebSocketDisconnect:
                self._gone = True

    async def close(self, code: int, reason: str = "") -> None:
        """Close the connection.

        Args:
            code: The code of RFC 6455.
            reason: The reason in a word.
        """
        if not self._gone:
            try:
                await self._websocket.close(code, reason)
            except WebSocketDisconnect:
                self._gone = True


def event(name: str, json: str) -> bytes:
    """Return the message of an event.

    Args:
        name: Its name.
        json: Its data.
    """
    return f'{{"event":"{name}","data":{json}}}'.encode()
