"""API keys: without one a request reaches nothing but health."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from off_tanet.api.app import OPEN_PATHS, create_app
from off_tanet.api.middleware.auth import KeyFile, digest, new_key
from off_tanet.api.routes.table import routes
from off_tanet.cli import main
from off_tanet.settings import Settings
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tests.api.test_bad_input import check_problem
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
    """The paths of all routes, those included that the OpenAPI document does not show."""
    app = create_app()
    found = (*app.routes, *routes().routes)
    paths = {route.path for route in found if isinstance(route, Route)}
    assert set(app.openapi()["paths"]) < paths
    return paths


METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND")


@pytest.mark.parametrize("path", sorted(every_path()))
def test_every_route_and_method_asks_for_the_key(locked: Server, path: str) -> None:
    """A route that is added one day is behind the key without anybody's thinking of it."""
    path = path.format(name="off-tanet", version="1.0.0")  # no file of the page is called so
    slashed = {f"{each}/" for each in OPEN_PATHS if each != "/"}
    near = (path, path + "/", path + "//", path.upper(), path.replace("/", "//", 1), path + "%00")
    with locked.client() as http:
        for asked in near:
            for method in METHODS:
                answer = http.request(method, f"{locked.url}{asked}")
                if asked in OPEN_PATHS or asked in slashed:
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


ODD_KEYS = [b"\xff\xfe", b"ot_\x80", "ключ".encode(), b"%00", b"'", b"a" * 4000]


@pytest.mark.parametrize("odd", ODD_KEYS)
def test_any_bytes_for_a_key_are_refused(locked: Server, odd: bytes) -> None:
    """Header values are bytes, whatever a client's library takes them for."""
    with locked.client() as http:
        for headers in ({b"X-API-Key": odd}, {b"Authorization": b"Bearer " + odd}):
            check_problem(http.get("/v1/model", headers=headers), 401, "unauthorized")


def test_of_two_keys_one_must_be_known(locked: Server, key: str) -> None:
    """A proxy may ask for an `Authorization` of its own, and pass it on."""
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


def test_the_document_says_where_a_key_is_asked_for(locked: Server, key: str) -> None:
    """Generated clients send what the document asks for, and nothing else."""
    with locked.client() as http:
        document = http.get("/openapi.json", headers={"X-API-Key": key}).json()
    assert set(document["components"]["securitySchemes"]) == {"bearer", "header"}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            is_open = "health" in path
            assert ("security" in operation, "401" in operation["responses"]) == (not is_open,) * 2


def in_place(file: Path, content: str) -> None:
    file.write_text(content, encoding="utf-8")


def by_rename(file: Path, content: str) -> None:
    new = file.with_name("new")
    new.write_text(content, encoding="utf-8")
    new.rename(file)


def in_place_at_the_same_time(file: Path, content: str) -> None:
    before = file.stat()
    in_place(file, content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def by_link(file: Path, content: str) -> None:
    """As Kubernetes changes a Secret that is mounted."""
    target = file.with_name(f"of {len(list(file.parent.iterdir()))}")
    target.write_text(content, encoding="utf-8")
    by_rename(file, "")
    file.unlink()
    file.symlink_to(target)


@pytest.mark.parametrize("change", [in_place, by_rename, in_place_at_the_same_time, by_link])
def test_keys_are_rotated_without_a_restart(
    tmp_path: Path, change: Callable[[Path, str], None]
) -> None:
    """A leaked key must stop working at once, while requests go on, however its file is changed:
    as often as a clock's tick, to one of the same size, and with its times kept."""
    file, kept = tmp_path / "keys", [new_key() for _ in range(20)]
    in_place(file, f"{digest(kept[0])} clinic\n")
    keys = KeyFile(file)
    assert keys.name_of(kept[0]) == "clinic"
    for old, new in pairwise(kept):
        change(file, f"{digest(new)} clinic\n")
        assert keys.name_of(old) is None
        assert keys.name_of(new) == "clinic"


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


ODD_FILES = {
    "plain text": b"a key in plain text\n",
    "short digest": f"{digest('k')[:-1]} clinic\n".encode(),
    "long digest": f"{digest('k')}0 clinic\n".encode(),
    "no digest of hexadecimal digits": f"{'g' * 64} clinic\n".encode(),
    "digits of other scripts": "{} clinic\n".format("٣" * 64).encode(),
    "not ASCII": f"{'é' * 64} clinic\n".encode(),
    "no name": f"{digest('k')} \n".encode(),
    "a bad line after good ones": f"{digest('k')} clinic\nhalf a li".encode(),
    "Latin-1": f"{digest('k')} Klinik Köln\n".encode("latin-1"),
    "UTF-16": f"{digest('k')} clinic\n".encode("utf-16"),
    "zeros": bytes(1000),
    "random": bytes(range(256)) * 4,
    "without end": f"{digest('k')} clinic\n".encode() * (1 << 15),
}


@pytest.mark.parametrize("content", ODD_FILES.values(), ids=ODD_FILES)
def test_a_malformed_file_stops_the_start_and_no_request(tmp_path: Path, content: bytes) -> None:
    """Passed over, it would lock everybody out, or nobody. While requests go on, a slip of the
    editor at night must not do so either: the keys that were read last stay."""
    key, file = new_key(), tmp_path / "keys"
    file.write_bytes(content)
    with pytest.raises(ValueError, match="key file") as raised:
        KeyFile(file)
    assert content[:10].decode("latin-1") not in str(raised.value)  # it may be a key
    in_place(file, f"{digest(key)} clinic\n")
    keys = KeyFile(file)
    file.write_bytes(content)
    assert (keys.name_of(key), keys.name_of("k")) == ("clinic", None)


@given(content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_content_of_the_file_fails_a_request(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What cannot be used is told by ValueError alone, which leaves the keys as they were."""
    file = tmp_path_factory.getbasetemp() / "any keys"
    in_place(file, "")
    keys = KeyFile(file)
    file.write_bytes(content)
    assert keys.name_of(new_key()) is None


@pytest.mark.parametrize(
    "form",
    [
        "{digest} clinic",
        "{capitals} clinic\n",
        "  {digest}\tclinic  \r\n",
        "\ufeff{digest} clinic\r\n",
        "# ours\n\n   # and theirs\n{digest}   clinic\n",
    ],
)
def test_what_editors_and_tools_write_is_read(tmp_path: Path, form: str) -> None:
    """`sha256sum` of some systems writes capitals; editors write marks and line ends of theirs."""
    key, file = new_key(), tmp_path / "keys"
    text = form.format(digest=digest(key), capitals=digest(key).upper())
    file.write_bytes(text.encode())
    assert KeyFile(file).name_of(key) == "clinic"


def test_a_fault_of_the_file_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Once for each fault, not for each request: a log that is flooded is not read."""
    key, file = new_key(), tmp_path / "keys"
    in_place(file, f"{digest(key)} clinic\n")
    keys = KeyFile(file)
    for content in (f"{key} clinic\n", "half a line", ""):
        in_place(file, content)
        for _ in range(3):
            keys.name_of(key)
    file.unlink()
    for _ in range(3):
        assert keys.name_of(key) is None  # as the last good file, which was empty, said
    assert len(caplog.records) == 2
    assert key not in caplog.text


def pipe(path: Path) -> None:
    os.mkfifo(path)


def own_target(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize("make", [None, Path.mkdir, pipe, own_target, Path.touch])
def test_the_start_says_so_in_one_line(tmp_path: Path, make: Callable[[Path], None] | None) -> None:
    """A pipe above all, for which a reader would wait."""
    file = tmp_path / "keys"
    if make is not None:
        make(file)
    if make is Path.touch:
        file.write_bytes(b"\xff\xfe\x00")
    environment = {**os.environ, "OFF_TANET_API_KEYS": str(file)}
    command = [sys.executable, "-m", "off_tanet", "serve", "--port", "0"]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
    assert result.returncode == 2
    assert result.stderr.startswith("off-tanet: OFF_TANET_API_KEYS: ")
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
    file.mkdir()
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


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory, key: str) -> Iterator[Server]:
    """A service with a quota of one request, which no test below uses up."""
    file = tmp_path_factory.mktemp("keys") / "keys"
    in_place(file, f"{digest(key)} clinic\n")
    home = tmp_path_factory.mktemp("counted")
    with serving(home, workers=1, api_keys=file, quota="1/hour") as running:
        yield running


@pytest.mark.parametrize("method", METHODS)
def test_what_needs_no_key_has_no_quota(counted: Server, method: str) -> None:
    """Nobody is known there whose quota it would be."""
    with counted.client() as http:
        for path in sorted(OPEN_PATHS):
            for _ in range(2):
                assert http.request(method, path).status_code in {200, 405}, path


def test_who_has_no_key_uses_up_nobodys_quota(counted: Server, key: str) -> None:
    """Else everybody could lock a client out, whose name need not even be known."""
    with counted.client() as http:
        for headers in ({}, {"X-API-Key": "ot_guess"}, {"X-API-Key": "clinic"}):
            for _ in range(5):
                check_problem(http.post("/v1/predictions", headers=headers), 401, "unauthorized")
        mine = {"X-API-Key": key}
        check_problem(http.post("/v1/predictions", headers=mine), 415, "unsupported_media_type")
        check_problem(http.post("/v1/predictions", headers=mine), 429, "quota_exceeded")


class Theirs(dict[str, object]):
    """The state of an application around this one: nothing in it is ours to use."""

    def _refuse(self, *_: object) -> Any:
        raise AssertionError("it is read or written")

    __getitem__ = __setitem__ = __contains__ = get = setdefault = _refuse


def test_the_state_of_an_application_around_it_is_left_alone(tmp_path: Path) -> None:
    """What its lifespan yields is in the state of every request, ours included, under any name."""
    file, key = tmp_path / "keys", new_key()
    in_place(file, f"{digest(key)} clinic\n")
    service = create_app(Settings(api_keys=file, quota="1/hour"))
    outer = FastAPI()
    outer.mount("/face", service)

    async def around(scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"] = Theirs(client=object(), request_id="one for all")
        await outer(scope, receive, send)

    async def posts() -> list[httpx.Response]:
        transport = httpx.ASGITransport(around)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as http:
            paths = ("/face/", "/face/health/live", "/face/v1/predictions")
            headers: tuple[dict[str, str], ...] = ({}, {"X-API-Key": key})
            return [await http.post(path, headers=each) for path in paths for each in headers]

    answers = asyncio.run(posts())
    assert {answer.status_code for answer in answers} <= {401, 405, 503}  # no worker is there
    assert "one for all" not in {answer.headers["x-request-id"] for answer in answers}
