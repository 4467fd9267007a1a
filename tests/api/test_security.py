"""API keys: without one a request reaches nothing but health."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.routing import Route

from service.api.app import _routes, create_app
from service.api.security import OPEN_PATHS, KeyFile, digest, new_key
from service.cli import main
from service.settings import Settings
from tests.api.test_bad_input import check_problem
from tests.serving import Server, serving


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
    """The paths of all routes, those included that the OpenAPI document does not show."""
    app = create_app()
    routes = (*app.routes, *_routes().routes)
    paths = {route.path for route in routes if isinstance(route, Route)}
    assert set(app.openapi()["paths"]) < paths
    return paths


METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND")


@pytest.mark.parametrize("path", sorted(every_path()))
def test_every_route_and_method_asks_for_the_key(locked: Server, path: str) -> None:
    """A route that is added one day is behind the key without anybody's thinking of it."""
    path = path.format(name="off-tanet", version="1.0.0")  # no file of the page is called so
    near = (path, path + "/", path + "//", path.upper(), path.replace("/", "//", 1), path + "%00")
    with locked.client() as http:
        for asked in near:
            for method in METHODS:
                answer = http.request(method, f"{locked.url}{asked}")
                if asked in OPEN_PATHS:
                    assert answer.status_code in {200, 405}
                else:
                    assert answer.status_code == 401
            # The parser knows no such method and answers by itself: no application hears of it.
            assert http.request("MADEUP", f"{locked.url}{asked}").status_code == 400


def test_nothing_is_open_but_health_and_the_page() -> None:
    """What this list says is what the tests above and below let pass."""
    page = {path for path in OPEN_PATHS if "/health/" not in path}
    assert {path for path in page if not path.startswith("/web/")} == {"/"}
    assert OPEN_PATHS - page < every_path()


def test_the_page_loads_without_a_key_and_nothing_beside_it(locked: Server) -> None:
    """It has the field for the key; what it holds is in everybody's copy of the package."""
    with locked.client() as http:
        for path in sorted(OPEN_PATHS - {"/v2/health/live", "/v2/health/ready"}):
            assert http.get(path).status_code == 200, path
        for near in ("/web/", "/web/none.js", "/web/..%2fapi%2fapp.py", "/web/%2e%2e/cli.py"):
            check_problem(http.get(near), 401, "unauthorized")


def test_a_preflight_alone_passes_without_a_key(tmp_path: Path, key: str) -> None:
    """Browsers send it without one; its answer tells only what the settings allow."""
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
def test_nothing_but_health_without_a_key(locked: Server, path: str) -> None:
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


def test_the_document_says_where_a_key_is_asked_for(locked: Server, key: str) -> None:
    """Generated clients send what the document asks for, and nothing else."""
    with locked.client() as http:
        document = http.get("/openapi.json", headers={"X-API-Key": key}).json()
    assert set(document["components"]["securitySchemes"]) == {"bearer", "header"}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            is_open = "health" in path
            assert ("security" in operation, "401" in operation["responses"]) == (not is_open,) * 2


def test_keys_are_rotated_without_a_restart(tmp_path: Path) -> None:
    """A leaked key must stop working at once, while requests go on."""
    old, new = new_key(), new_key()
    file = tmp_path / "keys"
    file.write_text(f"{digest(old)} clinic\n", encoding="utf-8")
    keys = KeyFile(file)
    assert keys.name_of(old) == "clinic"
    file.write_text(f"{digest(new)} clinic of 2027\n", encoding="utf-8")
    assert keys.name_of(old) is None
    assert keys.name_of(new) == "clinic of 2027"


def test_every_digest_is_compared_in_constant_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A comparison that ends early tells an attacker how far a guess was right."""
    compared = []

    def spy(asked: str, known: str) -> bool:
        compared.append(known)
        return asked == known

    monkeypatch.setattr("hmac.compare_digest", spy)
    keys = [new_key() for _ in range(3)]
    file = tmp_path / "keys"
    file.write_text("".join(f"{digest(k)} k\n" for k in keys), encoding="utf-8")
    assert KeyFile(file).name_of(keys[0]) == "k"
    assert compared == [digest(k) for k in keys]


def test_a_malformed_file_stops_the_start(tmp_path: Path) -> None:
    """Passed over, it would lock everybody out, or nobody."""
    file = tmp_path / "keys"
    file.write_text("a key in plain text\n", encoding="utf-8")
    with pytest.raises(ValueError, match="digest name"):
        KeyFile(file)


def test_the_start_says_so_in_one_line(tmp_path: Path) -> None:
    missing = {**os.environ, "OFF_TANET_API_KEYS": str(tmp_path / "missing")}
    command = [sys.executable, "-m", "service", "serve", "--port", "0"]
    result = subprocess.run(command, capture_output=True, text=True, env=missing)
    assert result.returncode == 2
    assert result.stderr.startswith("off-tanet: ")
    assert result.stderr.count("\n") == 1


def test_a_file_that_breaks_while_serving_keeps_the_keys(tmp_path: Path) -> None:
    """A slip of the editor at night must not lock everybody out."""
    key, file = new_key(), tmp_path / "keys"
    file.write_text(f"{digest(key)} clinic\n", encoding="utf-8")
    keys = KeyFile(file)
    file.write_text("half a li", encoding="utf-8")
    assert keys.name_of(key) == "clinic"
    file.unlink()
    assert keys.name_of(key) == "clinic"


def test_the_command_makes_a_key_and_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["key", "new", "clinic"]) == 0
    made, line = capsys.readouterr().out.splitlines()
    file = tmp_path / "keys"
    file.write_text(line, encoding="utf-8")
    assert KeyFile(file).name_of(made) == "clinic"


def test_keys_are_not_guessable() -> None:
    assert len({new_key() for _ in range(100)}) == 100
    assert len(new_key()) >= 43


def test_no_key_is_asked_for_by_default(http: httpx.Client) -> None:
    assert http.get("/v1/model").status_code == 200


def test_a_used_up_quota_says_when_to_come_back(tmp_path: Path) -> None:
    """One client's loop must not take the service from the others."""
    busy, other = new_key(), new_key()
    file = tmp_path / "keys"
    file.write_text(f"{digest(busy)} busy\n{digest(other)} other\n", encoding="utf-8")
    home = tmp_path / "home"
    home.mkdir()
    with (
        serving(home, workers=1, api_keys=file, quota="2/hour") as server,
        server.client() as http,
    ):

        def ask(key: str) -> httpx.Response:
            headers = {"X-API-Key": key}
            return http.post("/v1/predictions/clip", files={"video": b""}, headers=headers)

        for _ in range(2):
            check_problem(ask(busy), 422, "undecodable_media")
        refused = ask(busy)
        check_problem(refused, 429, "quota_exceeded")
        assert 1 <= int(refused.headers["retry-after"]) <= 3600
        assert http.get("/v1/model", headers={"X-API-Key": busy}).status_code == 200
        check_problem(ask(other), 422, "undecodable_media")
