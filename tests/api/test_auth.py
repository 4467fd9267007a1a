"""API keys: without one, only health, the page and preflights are served."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from off_tanet.api.app import OPEN_PATHS, create_app
from off_tanet.api.middleware.auth import digest, new_key
from off_tanet.api.routes.table import routes
from off_tanet.settings import Settings
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tests.support.requests import check_problem
from tests.support.serving import Server, serving


@pytest.fixture(scope="module")
def key() -> str:
    return new_key()


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory, key: str) -> Iterator[Server]:
    file = tmp_path_factory.mktemp("keys") / "keys"
    file.write_text(f"# ours\n{digest(key)} clinic\n", encoding="utf-8")
    with serving(tmp_path_factory.mktemp("locked"), workers=1, api_keys=file) as running:
        yield running


def every_path() -> set[str]:
    """The paths of all routes, including those that the OpenAPI document omits."""
    app = create_app()
    found = (*app.routes, *routes().routes)
    paths = {route.path for route in found if isinstance(route, Route)}
    assert set(app.openapi()["paths"]) < paths
    return paths


METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND")


@pytest.mark.parametrize("path", sorted(every_path()))
def test_every_route_and_method_requires_the_key(locked: Server, path: str) -> None:
    """New routes require the key by default."""
    path = path.format(name="off-tanet", version="1.0.0")  # no file of the page has this name
    slashed = {f"{open_path}/" for open_path in OPEN_PATHS if open_path != "/"}
    near = (path, path + "/", path + "//", path.upper(), path.replace("/", "//", 1), path + "%00")
    with locked.client() as http:
        for target in near:
            for method in METHODS:
                answer = http.request(method, f"{locked.url}{target}")
                if target in OPEN_PATHS or target in slashed:
                    assert answer.status_code in {200, 405}
                else:
                    assert answer.status_code == 401
            # The HTTP parser rejects unknown methods before the application is called.
            assert http.request("MADEUP", f"{locked.url}{target}").status_code == 400


def test_only_health_and_the_page_are_open() -> None:
    """The other tests take the open paths from this list."""
    page = {path for path in OPEN_PATHS if "/health/" not in path}
    assert {path for path in page if not path.startswith(("/web/", "/docs/"))} == {"/", "/docs"}
    assert OPEN_PATHS - page < every_path()


def test_the_page_loads_without_a_key_but_nothing_near_it(locked: Server) -> None:
    """The page has the field for the key, and its files are public in the package."""
    with locked.client() as http:
        for path in sorted(OPEN_PATHS - {"/v2/health/live", "/v2/health/ready"}):
            assert http.get(path).status_code == 200, path
        for near in ("/web/", "/web/none.js", "/web/..%2fapi%2fapp.py", "/web/%2e%2e/cli.py"):
            check_problem(http.get(near), 401, "unauthorized")


def test_only_a_preflight_passes_without_a_key(tmp_path: Path, key: str) -> None:
    """Browsers send preflights without a key; the response contains only the CORS settings."""
    file = tmp_path / "keys"
    file.write_text(f"{digest(key)} clinic\n", encoding="utf-8")
    app = create_app(Settings(api_keys=file, cors_origins="https://clinic.example"))

    async def options(**headers: str) -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as http:
            return await http.options("/v1/model", headers=headers)

    origin = {"Origin": "https://clinic.example"}
    preflight = asyncio.run(options(**origin, **{"Access-Control-Request-Method": "GET"}))
    assert (preflight.status_code, preflight.text) == (200, "OK")
    check_problem(asyncio.run(options(**origin)), 401, "unauthorized")


@pytest.mark.parametrize("path", ["/v1/model", "/openapi.json", "/v1/predictions/frames", "/nope"])
def test_other_paths_than_health_are_refused_without_a_key(locked: Server, path: str) -> None:
    with locked.client() as http:
        for headers in ({}, {"X-API-Key": "ot_guess"}, {"Authorization": "Bearer ot_guess"}):
            answer = http.get(path, headers=headers)
            check_problem(answer, 401, "unauthorized")
            assert answer.headers["www-authenticate"] == "Bearer"
        for protocol in ("", "/v2"):
            assert http.get(f"{protocol}/health/live").status_code == 200
            assert http.get(f"{protocol}/health/ready").status_code == 200


def test_either_header_carries_the_key(locked: Server, key: str) -> None:
    with locked.client() as http:
        for headers in ({"X-API-Key": key}, {"Authorization": f"Bearer {key}"}):
            assert http.get("/v1/model", headers=headers).status_code == 200


ODD_KEYS = [b"\xff\xfe", b"ot_\x80", "ключ".encode(), b"%00", b"'", b"a" * 4000]


@pytest.mark.parametrize("odd", ODD_KEYS)
def test_any_bytes_for_a_key_are_refused(locked: Server, odd: bytes) -> None:
    """Header values are bytes in any encoding."""
    with locked.client() as http:
        for headers in ({b"X-API-Key": odd}, {b"Authorization": b"Bearer " + odd}):
            check_problem(http.get("/v1/model", headers=headers), 401, "unauthorized")


def test_one_of_two_keys_must_be_valid(locked: Server, key: str) -> None:
    """A proxy may use `Authorization` for itself, and pass it on."""
    with locked.client() as http:
        for authorization in (
            "Bearer ot_guess",
            "Basic b3Q6Z3Vlc3M=",
            "Bearer",
            "",
            f"bearer {key}",
        ):
            for given in (key, "ot_guess"):
                headers = {"Authorization": authorization, "X-API-Key": given}
                known = key in (given, authorization.partition(" ")[2])
                status = http.get("/v1/model", headers=headers).status_code
                assert status == (200 if known else 401), headers


def test_the_openapi_document_declares_where_a_key_is_required(locked: Server, key: str) -> None:
    """Generated clients send only what the document declares."""
    with locked.client() as http:
        document = http.get("/openapi.json", headers={"X-API-Key": key}).json()
    assert set(document["components"]["securitySchemes"]) == {"bearer", "header"}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            is_open = "health" in path
            assert ("security" in operation, "401" in operation["responses"]) == (not is_open,) * 2


def test_no_key_is_required_by_default(http: httpx.Client) -> None:
    assert http.get("/v1/model").status_code == 200


class OuterState(dict[str, object]):
    """The state of an outer application, which this one must neither read nor write."""

    def _refuse(self, *_: object) -> Any:
        raise AssertionError("the outer state was used")

    __getitem__ = __setitem__ = __contains__ = get = setdefault = _refuse


def test_the_state_of_an_outer_application_is_not_used(tmp_path: Path) -> None:
    """What its lifespan yields is in the state of every request, under any name."""
    file, key = tmp_path / "keys", new_key()
    file.write_text(f"{digest(key)} clinic\n", encoding="utf-8")
    service = create_app(Settings(api_keys=file, quota="1/hour"))
    outer = FastAPI()
    outer.mount("/face", service)

    async def outer_app(scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"] = OuterState(client=object(), request_id="one for all")
        await outer(scope, receive, send)

    async def posts() -> list[httpx.Response]:
        transport = httpx.ASGITransport(outer_app)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as http:
            paths = ("/face/", "/face/health/live", "/face/v1/predictions")
            headers: tuple[dict[str, str], ...] = ({}, {"X-API-Key": key})
            return [await http.post(path, headers=each) for path in paths for each in headers]

    answers = asyncio.run(posts())
    assert {answer.status_code for answer in answers} <= {401, 405, 503}  # no worker has started
    assert "one for all" not in {answer.headers["x-request-id"] for answer in answers}
