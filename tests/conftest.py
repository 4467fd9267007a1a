"""Fixtures and options of all tests: the server that most front-door tests share."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.cluster.serving import on_cluster, reason_to_leave_out
from tests.support.serving import Server, serving


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--cluster",
        action="store_true",
        help="ask a Ray cluster where a test shares its server with others; skip the other tests",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--cluster"):
        return
    for item in items:
        if isinstance(item, pytest.Function):
            reason = reason_to_leave_out(item.originalname, set(item.fixturenames))
            if reason is not None:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def server(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Server]:
    start = on_cluster if pytestconfig.getoption("--cluster") else serving
    with start(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="session")
def http(server: Server) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client
