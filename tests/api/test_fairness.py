"""Under overload, clients share the service equally, however many connections they open."""

from __future__ import annotations

import asyncio
import select
import socket
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest
from off_tanet.api.middleware.auth import digest

from tests.benchmarks import load
from tests.support.requests import pair
from tests.support.serving import serving

pytestmark = pytest.mark.slow

GREEDY_CONNECTIONS = 20
ANSWERS = 12


class From(load.Connection):
    """A connection from another address of this machine."""

    def __init__(self, port: int, address: str) -> None:
        super().__init__(port)
        self._address = address

    async def ask(self, request: bytes) -> load.Reply:
        if self._streams is None:
            self._streams = await asyncio.open_connection(
                "127.0.0.1", self._port, local_addr=(self._address, 0)
            )
        return await super().ask(request)


async def shares(
    port: int, clients: dict[str, tuple[int, str, bytes]], answers: int = ANSWERS
) -> Counter[str]:
    """Count each client's good answers until the polite one has enough of them.

    A client is its number of connections, its address and its request.
    """
    served: Counter[str] = Counter()

    async def connection(name: str, address: str, request: bytes) -> None:
        link = From(port, address)
        while served["polite"] < answers:
            reply = await link.ask(request)
            served[name] += reply.status == 200
            if reply.status != 200:
                assert (reply.status, reply.retry_after) == (503, True)
                await asyncio.sleep(0.02)
        link.close()

    await asyncio.gather(
        *(
            connection(name, address, request)
            for name, (count, address, request) in clients.items()
            for _ in range(count)
        )
    )
    return served


def request(key: str | None = None) -> bytes:
    onset, apex = pair("positive")
    request = load.upload("/v1/predictions/frames", {"onset": onset, "apex": apex})
    header = f"X-API-Key: {key}\r\n".encode() if key else b""
    return request.replace(b"Host: localhost\r\n", b"Host: localhost\r\n" + header, 1)


def check(served: Counter[str]) -> None:
    """Its equal share is a half; the guarantee is half of that."""
    assert served["polite"] >= served.total() / 4, served


def test_a_polite_address_has_its_share(tmp_path: Path) -> None:
    with serving(tmp_path, workers=1, queue_size=4) as server:
        clients = {
            "greedy": (GREEDY_CONNECTIONS, "127.0.0.2", request()),
            "polite": (1, "127.0.0.3", request()),
        }
        check(asyncio.run(shares(server.port, clients)))


def test_a_polite_key_has_its_share(tmp_path: Path) -> None:
    """Behind a proxy, all clients have one address; API keys tell them apart."""
    keys = tmp_path / "keys"
    lines = (f"{digest(name)} {name}\n" for name in ("greedy", "polite"))
    keys.write_text("".join(lines), encoding="utf-8")
    with serving(tmp_path, workers=1, queue_size=4, api_keys=keys) as server:
        clients = {
            "greedy": (GREEDY_CONNECTIONS, "127.0.0.1", request("greedy")),
            "polite": (1, "127.0.0.1", request("polite")),
        }
        check(asyncio.run(shares(server.port, clients)))


@pytest.mark.parametrize("trusted", [True, False])
def test_a_trusted_proxy_names_its_clients(tmp_path: Path, trusted: bool) -> None:
    """From any other sender, the header could claim any number of shares."""
    forwarded = {
        name: request().replace(b"Host: ", b"X-Forwarded-For: 10.0.0.%d\r\nHost: " % number, 1)
        for number, name in enumerate(("greedy", "polite"))
    }
    proxies = "127.0.0.1" if trusted else ""
    with serving(tmp_path, workers=1, queue_size=4, trusted_proxies=proxies) as server:
        clients = {
            "greedy": (GREEDY_CONNECTIONS, "127.0.0.1", forwarded["greedy"]),
            "polite": (1, "127.0.0.1", forwarded["polite"]),
        }
        served = asyncio.run(shares(server.port, clients))
    if trusted:
        check(served)
    else:
        assert served["polite"] < served.total() / 4


def test_unfinished_bodies_of_one_client_leave_room_for_others(tmp_path: Path) -> None:
    """One client used to hold all the body memory, each time for as long as the body timeout."""
    half = b"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 90000\r\n\r\n"
    begun = b"POST /v1/predictions/frames HTTP/1.1\r\nHost: x\r\n" + half + bytes(45_000)
    with (
        serving(tmp_path, workers=1, max_inflight_body_bytes=90_000, body_timeout_s=600) as server,
        ExitStack() as on,
    ):

        def connected(address: str) -> socket.socket:
            whole = ("127.0.0.1", server.port)
            return on.enter_context(socket.create_connection(whole, 60, (address, 0)))

        greedy = [connected("127.0.0.2") for _ in range(3)]
        for link in greedy:
            link.sendall(begun)
        refused, _, _ = select.select(greedy, [], [], 60)
        polite = connected("127.0.0.3")
        polite.sendall(request())
        assert polite.recv(12) == b"HTTP/1.1 200"
        assert refused[0].recv(12) == b"HTTP/1.1 503"
