"""The alerts and the dashboard, in Debian's Prometheus that scrapes a running service.

The service gets all the failures that the alerts are about, so that every query has a result: a
query without one, after a metric was renamed, would leave a panel empty and an alert silent.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from off_tanet import errors

from tests.docker.files import DOCKER, document
from tests.support.paths import ROOT
from tests.support.requests import ask_frames, pair
from tests.support.serving import Server, serving, signal_workers, wait_for_metric

FOLDER = DOCKER / "prometheus"
DASHBOARD = DOCKER / "grafana/dashboards/off-tanet.json"
JOB = "off-tanet"


def promtool(*arguments: str) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not here: Debian's package prometheus has it")
    result = subprocess.run(["promtool", *arguments], cwd=FOLDER, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_prometheus_accepts_its_configuration() -> None:
    promtool("check", "config", "prometheus.yml")


def test_each_alert_fires_only_where_it_must() -> None:
    promtool("test", "rules", "alerts_test.yml")


def test_each_alert_is_tested_both_ways() -> None:
    tests = document(FOLDER / "alerts_test.yml")["tests"]
    cases = [case for test in tests for case in test["alert_rule_test"]]
    firing = {case["alertname"] for case in cases if "exp_alerts" in case}
    silent = {case["alertname"] for case in cases if "exp_alerts" not in case}
    assert firing == silent == set(alerts())


def test_each_alert_has_a_runbook() -> None:
    """Its annotation leads to a section, which is what one reads at night."""
    runbook = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## (\w+)$", runbook, re.M)
    (group,) = document(FOLDER / "alerts.yml")["groups"]
    places = {rule["alert"]: rule["annotations"]["runbook"] for rule in group["rules"]}
    assert list(places) == sections
    assert places == {name: f"docs/runbook.md#{name.lower()}" for name in sections}


def test_the_runbook_names_problems_that_there_are() -> None:
    """A query for a reason that was renamed finds nothing."""
    runbook = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
    codes = {error.code for error in _errors(errors.OffTanetError)}
    named = re.findall(r"^\d\. `(\w+)`(?: \(\d+\))?: ", runbook, re.M)
    named += [
        code for found in re.findall(r'reason=~"(.+?)"', runbook) for code in found.split("|")
    ]
    assert len(named) > 5
    assert set(named) <= codes


def _errors(kind: type[errors.OffTanetError]) -> Iterator[type[errors.OffTanetError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _errors(each)


def alerts() -> dict[str, str]:
    """The alerts' expressions by their names."""
    (group,) = document(FOLDER / "alerts.yml")["groups"]
    return {rule["alert"]: rule["expr"] for rule in group["rules"]}


def panels() -> dict[str, str]:
    """The dashboard's expressions, with its variables filled in as by Grafana."""
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    filled = {"$job": JOB, "$__rate_interval": "1m"}
    return {
        f"{panel['title']} {target['refId']}": re.sub(
            r"\$\w+", lambda name: filled[name[0]], target["expr"]
        )
        for panel in dashboard["panels"]
        for target in panel["targets"]
    }


@pytest.fixture(scope="module")
def prometheus(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A Prometheus that has scraped one replica that answers, and one that fails and refuses."""
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is not here: Debian's package has it")
    home = tmp_path_factory.mktemp("prometheus")
    with (
        serving(home, workers=1, queue_size=0, deadline_s=3) as troubled,
        watching((server, troubled), home) as client,
    ):
        scrapes(client, 1)
        with server.client() as http:
            assert ask_frames(http, *pair("positive")).status_code == 200
        trouble(troubled)
        scrapes(client, 2)
        yield client


@contextmanager
def watching(servers: Sequence[Server], home: Path) -> Iterator[httpx.Client]:
    """Prometheus with our configuration, except for the targets' addresses and the interval."""
    configuration = document(FOLDER / "prometheus.yml")
    configuration["global"]["scrape_interval"] = "1s"
    configuration["rule_files"] = [str(FOLDER / "alerts.yml")]
    (job,) = configuration["scrape_configs"]
    assert job["job_name"] == JOB
    job["static_configs"] = [{"targets": [f"127.0.0.1:{server.port}" for server in servers]}]
    file = home / "prometheus.yml"
    file.write_text(yaml.safe_dump(configuration), encoding="utf-8")
    process = subprocess.Popen(
        [
            "prometheus",
            f"--config.file={file}",
            f"--storage.tsdb.path={home / 'data'}",
            "--web.listen-address=127.0.0.1:0",
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        matches = (
            re.search(r"Listening on.*address=(\S+:[1-9]\d*)", line) for line in process.stderr
        )
        address = next(found[1] for found in matches if found)
        with httpx.Client(base_url=f"http://{address}", timeout=30) as client:
            yield client
    finally:
        process.terminate()
        process.communicate(timeout=30)


def trouble(server: Server) -> None:
    """Cause one late answer, one refusal meanwhile, and a worker lost by the late one."""
    with server.client() as http, ThreadPoolExecutor() as threads:
        signal_workers(server, signal.SIGSTOP)
        late = threads.submit(ask_frames, http, *pair("positive"))
        wait_for_metric(server, 'off_tanet_workers{state="idle"}', 0.0)
        assert ask_frames(http, *pair("positive")).status_code == 503
        assert late.result().status_code == 504
    wait_for_metric(server, 'off_tanet_workers{state="idle"}', 1.0)


def scrapes(client: httpx.Client, more: int) -> None:
    """Wait until each replica was scraped this many times more."""
    first = counted(client)
    for _ in range(100_000):
        if counted(client) >= first + more:
            return
    raise AssertionError("Prometheus does not scrape")


def counted(client: httpx.Client) -> float:
    found = ask(client, f'count_over_time(off_tanet_queue_depth{{job="{JOB}"}}[1h])')
    return min(found) if len(found) == 2 else 0


def ask(client: httpx.Client, query: str) -> list[float]:
    """The current values of a query; none while Prometheus is starting."""
    answer = client.get("/api/v1/query", params={"query": query})
    if answer.status_code == 503:
        return []
    reply: dict[str, Any] = answer.json()
    assert reply["status"] == "success", reply
    return [float(found["value"][1]) for found in reply["data"]["result"]]


@pytest.mark.slow
def test_every_panel_shows_something(prometheus: httpx.Client) -> None:
    values = {name: ask(prometheus, query) for name, query in panels().items()}
    assert len(values) > 10
    assert [name for name, found in values.items() if not found] == []


@pytest.mark.slow
def test_every_alert_has_data(prometheus: httpx.Client) -> None:
    """The left side of each comparison has a value."""
    values = {
        name: ask(prometheus, re.sub(r"\s(>|==) [\d.]+\s*$", "", query))
        for name, query in alerts().items()
    }
    assert [name for name, found in values.items() if not found] == []


@pytest.mark.slow
def test_the_running_rules_have_no_error(prometheus: httpx.Client) -> None:
    (group,) = prometheus.get("/api/v1/rules").json()["data"]["groups"]
    assert {rule["name"] for rule in group["rules"]} == set(alerts())
    assert not any("lastError" in rule for rule in group["rules"])
