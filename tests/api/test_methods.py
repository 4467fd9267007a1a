"""Methods and hosts: HEAD for each GET, other methods refused, no host in any response."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from functools import cache

import httpx
import pytest
from fastapi import FastAPI
from off_tanet.api.app import create_app

from tests.benchmarks import load
from tests.support.requests import CLIP, pair
from tests.support.serving import Server, log_entries, serving
from tests.support.wire import answers, statuses

OWN = {"date", "x-request-id"}  # headers that differ from response to response
CHANGING = {"/metrics"}


@cache
def gets() -> list[str]:
    """The paths of all GET routes, including those of the page and the document."""
    paths = create_app().openapi()["paths"]
    found = [path for path, operations in paths.items() if "get" in operations]
    found += ["/", "/web/clip.mp4", "/web/main.js", "/openapi.json"]
    found += ["/nothing", "/web/nothing", "/v2/models/other"]
    return sorted(path.format(name="off-tanet", version="1.0.0") for path in found)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("methods"), workers=1) as server:
        yield server


@pytest.mark.parametrize("path", gets())
def test_head_is_get_without_its_body(running: Server, path: str) -> None:
    """Load balancers and caches use it; the headers are the same, above all Content-Length."""
    with running.client() as http:
        get, head = http.get(path), http.head(path)
    assert (head.status_code, head.content) == (get.status_code, b"")
    own = OWN | {"content-length"} if path in CHANGING else OWN
    assert set(head.headers) == set(get.headers)
    assert all(head.headers[name] == get.headers[name] for name in set(get.headers) - own)
    assert "content-length" in head.headers


@pytest.mark.parametrize("path", gets())
def test_nothing_follows_the_headers(running: Server, path: str) -> None:
    """A byte of a body would be read as the start of the next response."""
    request = load.get(path).replace(b"GET", b"HEAD") + load.get("/health/live")
    head, _, rest = answers(running, request).partition(b"\r\n\r\n")
    assert statuses(head)[0] < 500
    assert rest.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"])
def test_other_methods_are_refused_with_the_allowed_ones(running: Server, method: str) -> None:
    with running.client() as http:
        for path in ("/", "/web/main.js", "/health/live", "/metrics", "/v1/model", "/v2"):
            answer = http.request(method, path)
            assert answer.status_code == 405, path
            assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}
        answer = http.head("/v1/predictions")
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_head_has_its_own_name_in_metrics_and_log(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with serving(tmp_path_factory.mktemp("head"), workers=1) as server, server.client() as http:
        for path in ("/web/main.js", "/v2/models/off-tanet"):
            assert http.head(path).status_code == 200
        metrics = http.get("/metrics").text
    for route in ("/web/{name}", "/v2/models/{name}"):
        assert f'{{code="200",method="HEAD",route="{route}"}} 1.0' in metrics
        assert [line["method"] for line in log_entries(server) if line.get("route") == route] == [
            "HEAD"
        ]


def test_the_document_lists_no_operation_twice() -> None:
    """A generated client has a function for each operation; HEAD needs none."""
    operations = [
        (method, operation["operationId"])
        for path in create_app().openapi()["paths"].values()
        for method, operation in path.items()
    ]
    assert {method for method, _ in operations} == {"get", "post"}
    assert len({name for _, name in operations}) == len(operations)


BAD_HOSTS = {
    "none": b"",
    "two": b"Host: x\r\nHost: y\r\n",
    "the same twice": b"Host: x\r\nhost: x\r\n",
    "a path": b"Host: x/y\r\n",
    "a user": b"Host: user@x\r\n",
    "a list": b"Host: x, y\r\n",
    "a port that is none": b"Host: x:http\r\n",
    "bytes": b"Host: \xff\xfe\r\n",
    "an open bracket": b"Host: [::1\r\n",
    "a space": b"Host: x y\r\n",
    "a bad escape": b"Host: %zz\r\n",
}
GOOD_HOSTS = ("", "x", "x:80", "x:", "127.0.0.1:8000", "[::1]", "[::1]:8000", "b%C3%BCro.example")


@pytest.mark.parametrize("path", ["/health/live", "/", "/v1/predictions", "/nothing", "/v2"])
@pytest.mark.parametrize("host", BAD_HOSTS)
def test_a_request_names_one_host(running: Server, host: str, path: str) -> None:
    """A proxy and a server that use different hosts of a request can be exploited."""
    answered = answers(running, b"GET %s HTTP/1.1\r\n%s\r\n" % (path.encode(), BAD_HOSTS[host]))
    assert statuses(answered) == [400]
    assert json.loads(answered.partition(b"\r\n\r\n")[2])["code"] == "bad_host"


@pytest.mark.parametrize("host", GOOD_HOSTS)
def test_any_host_is_accepted(running: Server, host: str) -> None:
    """The service does not know its own host name."""
    request = f"GET /health/live HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    assert statuses(answers(running, request)) == [200]


def test_old_clients_need_no_host(running: Server) -> None:
    """HTTP/1.0 has no Host header; two are wrong there, too."""
    request = b"GET /health/live HTTP/1.0\r\n%s\r\n"
    assert statuses(answers(running, request % b"")) == [200]
    assert statuses(answers(running, request % BAD_HOSTS["two"])) == [400]


NEARLY = [
    *("//evil.example/..", "//evil.example/", "//evil.example/v1/model/", "/v1/model/", "/v2/"),
    *(
        "/health/live/",
        "/web/main.js/",
        "/web",
        "/metrics/",
        "/\\evil.example/",
        "/v1/predictions/",
    ),
    *("/%2fevil.example/", "/%5cevil.example/", "/.//evil.example/..", "/v1/model//"),
]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("path", NEARLY)
def test_no_path_is_redirected(running: Server, path: str, method: str) -> None:
    """A redirect would contain the host of the request, or one at the start of its path."""
    request = f"{method} {path} HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 0\r\n\r\n"
    answered = answers(running, request.encode())
    assert statuses(answered)[0] in {200, 404, 405, 415}
    assert b"evil" not in answered.partition(b"\r\n\r\n")[0]
    assert b"location:" not in answered.lower()


@pytest.mark.parametrize("path", [path for path in gets() if path != "/"])
def test_a_trailing_slash_names_the_same_route(running: Server, path: str) -> None:
    """Many frameworks append one; a redirect would lose the body or name a wrong host."""
    with running.client() as http:
        bare, slashed = http.get(path), http.get(f"{path}/")
    assert slashed.status_code == bare.status_code
    assert slashed.headers["content-type"] == bare.headers["content-type"]
    if bare.status_code == 200 and path not in CHANGING:
        assert slashed.content == bare.content
    with running.client() as http:
        assert http.get(f"{path}//").status_code == 404


def test_a_prediction_works_with_a_trailing_slash(running: Server) -> None:
    """Limits, workers, metrics and the document treat both paths alike."""
    with running.client() as http:
        for kind, files in (
            ("frames", dict(zip(("onset", "apex"), pair("positive"), strict=True))),
            ("clip", {"video": CLIP.read_bytes()}),
        ):
            bare, slashed = (
                http.post(f"/v1/predictions/{kind}{end}", files=files) for end in ("", "/")
            )
            assert (bare.status_code, slashed.status_code) == (200, 200)
            assert bare.json()["probabilities"] == slashed.json()["probabilities"]
        counted = http.get("/metrics/").text
        assert 'code="200",method="POST",route="/v1/predictions/clip"} 2.0' in counted
        assert not [path for path in http.get("/openapi.json/").json()["paths"] if path[-1] == "/"]


def test_paths_work_under_a_prefix() -> None:
    """Mounted in another application, behind any server."""
    outer = FastAPI()
    outer.mount("/face", create_app())

    async def ask(method: str, path: str, hosts: tuple[str, ...] = ("x",)) -> httpx.Response:
        transport = httpx.ASGITransport(outer)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            request = client.build_request(method, f"/face{path}")
            others = [pair for pair in request.headers.multi_items() if pair[0] != "host"]
            request.headers = httpx.Headers([*others, *(("host", host) for host in hosts)])
            return await client.send(request)

    for path in ("/", "/health/live", "/openapi.json", "/metrics", "/web/main.js", "/v2"):
        assert asyncio.run(ask("HEAD", path)).status_code == 200
    for path in (path for path in NEARLY if ".." not in path):  # which httpx resolves
        answer = asyncio.run(ask("GET", path.replace("\\", "%5c")))
        assert answer.status_code in {200, 404, 405, 503}, path  # no worker has started
        assert "location" not in answer.headers
    for hosts in ((), ("x", "y"), ("x/y",)):
        answer = asyncio.run(ask("GET", "/health/live", hosts))
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_host")
