"""An ASGI application that reads a body, waits, and answers with the seconds that it has waited.

What a client measures beyond that is the time of uvicorn, httptools, the kernel and the client,
which no service on them can save. `BARE_WAIT_S` is the wait, as long as a recognition.
"""

from __future__ import annotations

import asyncio
import os
import time

from starlette.types import Receive, Scope, Send

WAIT_S = float(os.environ["BARE_WAIT_S"])


async def app(_: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass
    start = time.perf_counter()
    await asyncio.sleep(WAIT_S)
    body = f"{time.perf_counter() - start:.6f}".encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
