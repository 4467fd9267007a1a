"""The door of live streams: handshakes, origins and keys."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from off_tanet.api.middleware.auth import digest, new_key
from websockets.exceptions import InvalidStatus

from tests.benchmarks import load
from tests.support import factories
from tests.support.live import STREAM_ROUTE, streaming, whole
from tests.support.paths import ROOT
from tests.support.raw_socket import START, handshake, message
from tests.support.requests import check_problem
from tests.support.serving import Server, log_entries, serving, started
from tests.support.wire import answers, connected, statuses

FACE = factories.jpeg(factories.portrait())
KEY, OTHER = new_key(), new_key()
LIVE = load.get("/health/live")


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that requires a key, and lets the pages of one other origin in."""
    home = tmp_path_factory.mktemp("keyed")
    file = tmp_path_factory.mktemp("keys") / "keys"
    file.write_text(f"{digest(KEY)} clinic\n{digest(OTHER)} other\n", encoding="utf-8")
    with serving(
        home,
        workers=1,
        api_keys=file,
        quota="40/hour",
        cors_origins="https://lab.example",
        max_stream_frame_bytes=300_000,
        header_timeout_s=3,
        write_timeout_s=1,
        stream_idle_timeout_s=100,
    ) as running:
        yield running


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"Sec_WebSocket_Key": None}, 426),
        ({"Sec_WebSocket_Key": "short"}, 426),
        ({"Sec_WebSocket_Version": "8"}, 426),
        ({"Upgrade": "h2c"}, 426),
        ({"Upgrade": "websocket, h2c"}, 426),
        ({"Connection": "keep-alive"}, 426),
        ({"Connection": 'Upgrade, "x"'}, 426),
        ({"Connection": ","}, 426),
        ({"Sec_WebSocket_Protocol": "@"}, 426),
        ({"Origin": "http://x\r\nOrigin: http://y"}, 426),
        ({"Content_Length": "0", "Expect": "100-continue"}, 426),
        ({"method": "POST"}, 405),
        ({"path": "/v1/model"}, 200),
        ({"path": "/v1/streams"}, 404),
        ({"path": "/v1/stream/x"}, 404),
        ({"X_API_Key": None, "path": "/v1/model"}, 401),
    ],
)
def test_whatever_is_no_handshake_is_a_request(
    keyed: Server, changed: dict[str, str | None], status: int
) -> None:
    """Its wish for an upgrade is ignored as before, and the next request is answered.

    They arrive apart: what follows at once would be reason enough.
    """
    request = handshake(**{"X_API_Key": KEY, **changed})  # type: ignore[arg-type]
    assert statuses(answers(keyed, request, LIVE)) == [status, 200]


def test_what_follows_a_handshake_at_once_is_a_request(keyed: Server) -> None:
    """A proxy that does not know WebSockets would take it for one."""
    assert statuses(answers(keyed, handshake(X_API_Key=KEY) + LIVE)) == [426, 200]


def test_a_handshake_with_a_body_is_a_request(keyed: Server) -> None:
    smuggled = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
    request = handshake(X_API_Key=KEY, Content_Length=str(len(smuggled)))
    assert statuses(answers(keyed, request, smuggled, LIVE)) == [426, 200]


def test_a_handshake_may_follow_requests(keyed: Server) -> None:
    """In one connection, after their responses."""
    with connected(keyed) as client:
        client.sendall(LIVE + handshake(X_API_Key=KEY))
        answered = b""
        while b"sec-websocket-accept" not in answered.lower():
            answered += client.recv(4096)
        assert statuses(answered) == [200, 101]
        client.sendall(message(START))
        assert b'{"event":"ready"' in client.recv(4096)


def test_a_browser_that_looks_is_told_what_this_is(keyed: Server) -> None:
    with keyed.client() as http:
        answer = http.get(STREAM_ROUTE, headers={"X-API-Key": KEY})
        check_problem(answer, 426, "upgrade_required")
        assert answer.headers["upgrade"] == "websocket"


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://127.0.0.1:{port}", True),
        ("https://127.0.0.1:{port}", True),  # a proxy has added TLS
        ("https://lab.example", True),
        ("http://lab.example", False),
        ("https://evil.example", False),
        ("http://127.0.0.1", False),
        ("http://127.0.0.1:{port}.evil.example", False),
        ("//127.0.0.1:{port}", False),
        ("app://127.0.0.1:{port}", False),
        ("null", False),
        ("", False),
    ],
)
def test_only_pages_of_known_origins_may_stream(keyed: Server, origin: str, allowed: bool) -> None:
    """CORS does not protect WebSockets: any page could use the service of an intranet."""
    given = origin.format(port=keyed.port)
    if allowed:
        with streaming(keyed, Origin=given) as stream:
            stream.start(key="wrong")
            assert stream.problem() == ("unauthorized", 1008)
        return
    with pytest.raises(InvalidStatus) as refused, streaming(keyed, Origin=given):
        pass
    response = refused.value.response
    assert response.status_code == 403
    assert response.headers["content-type"] == "application/problem+json"
    assert b'"code":"origin_not_allowed"' in response.body
    assert response.headers["x-request-id"].encode() in response.body


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("clinic.example:443", "https://clinic.example", 101),  # as nginx's `$host:$server_port`
        ("clinic.example:80", "http://clinic.example", 101),
        ("clinic.example", "https://clinic.example:443", 101),
        ("CLINIC.example", "https://clinic.Example", 101),
        ("[::1]:443", "https://[::1]", 101),
        ("clinic.example:443", "http://clinic.example", 403),
        ("clinic.example:8443", "https://clinic.example", 403),
        ("clinic.example", "https://clinic.example:8443", 403),
        ("[::1]", "https://[::2]", 403),
    ],
)
def test_the_port_of_the_scheme_is_no_other_origin(
    keyed: Server, host: str, origin: str, status: int
) -> None:
    """Browsers leave it out, and proxies may name it."""
    with connected(keyed) as client:
        client.sendall(handshake(Host=host, Origin=origin))
        assert statuses(client.recv(4096)) == [status]


def test_the_head_of_a_handshake_has_limits(keyed: Server) -> None:
    """As that of any request."""
    refused = handshake(X_Long="x" * 7000, X_Longer="x" * 7000, X_Longest="x" * 7000)
    with connected(keyed) as client:
        client.sendall(refused)
        assert statuses(client.recv(4096)) == [431]
    with connected(keyed) as client:
        client.sendall(handshake(Host="a b"))
        assert statuses(client.recv(4096)) == [400]


def test_a_key_is_in_a_header_or_in_the_first_message(keyed: Server) -> None:
    """Browsers cannot set headers; other clients can."""
    for headers, options in (
        ({"X_API_Key": KEY}, {}),
        ({"Authorization": f"Bearer {KEY}"}, {"key": "wrong"}),
        ({}, {"key": KEY}),
    ):
        with streaming(keyed, **headers) as stream:
            stream.begin(**options)
            ((name, _),) = stream.ask(0, FACE)
            assert name == "frame"
    for options in ({}, {"key": "wrong"}, {"key": ""}):
        with streaming(keyed) as stream:
            stream.start(**options)
            assert stream.problem() == ("unauthorized", 1008)


def test_streams_count_for_the_quota(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"{digest(KEY)} clinic\n", encoding="utf-8")
    home = tmp_path / "home"
    home.mkdir()
    with serving(home, workers=1, api_keys=file, quota="1/hour") as server:
        with streaming(server) as stream:
            stream.begin(key=KEY)
        with streaming(server) as stream:
            stream.start(key=KEY)
            assert stream.problem() == ("quota_exceeded", 1008)


def test_a_client_that_says_nothing_is_let_go(keyed: Server) -> None:
    with streaming(keyed) as stream:
        assert stream.problem() == ("slow_request", 1008)


def test_mounted_in_another_application(tmp_path: Path) -> None:
    """There, another server speaks the protocol."""
    command = ["env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "tests.web.mounted"]
    with started(command, tmp_path, True, {"workers": 1}) as server:
        with streaming(server, f"/face{STREAM_ROUTE}") as stream:
            assert whole(stream, [(n / 50, FACE) for n in range(3)])[-1][0] == "spotting"
        with (
            pytest.raises(InvalidStatus) as refused,
            streaming(server, f"/face{STREAM_ROUTE}", Origin="http://evil.example"),
        ):
            pass
        assert refused.value.response.status_code == 403
        for path in ("/face/v1/model", "/face/v1/streams", "/face/"):
            with pytest.raises(InvalidStatus) as refused, streaming(server, path):
                pass
            assert refused.value.response.status_code == 403


def test_the_log_knows_no_client(tmp_path: Path) -> None:
    """The library would log addresses and URLs."""
    with serving(tmp_path, workers=1) as server:
        with streaming(server, f"{STREAM_ROUTE}?secret=1") as stream:
            assert stream.problem() == ("invalid_request", 1008)
        with pytest.raises(InvalidStatus), streaming(server, Origin="http://secret.example"):
            pass
    entries = [entry for entry in log_entries(server) if entry.get("route")]
    assert {entry["status"] for entry in entries} == {422, 403}
    assert "secret" not in "".join(server.log)
    assert {entry["route"] for entry in entries} == {STREAM_ROUTE}
