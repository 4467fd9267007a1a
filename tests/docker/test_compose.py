"""The Compose file: what it names exists, and what it grants suffices."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import Any

import pytest

from tests.docker.files import DOCKER, amount, check_settings, document

PATH = DOCKER / "compose.yaml"


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = document(PATH)["services"]
    return found


def test_settings_exist_and_memory_suffices(services: dict[str, Any]) -> None:
    service = services["off-tanet"]
    memory = amount(service["mem_limit"])
    check_settings(service["environment"], service["cpus"], memory)


def test_privileges_are_minimal(services: dict[str, Any]) -> None:
    """Ports on loopback only, a read-only file system except for what is named, no capabilities."""
    for service in services.values():
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["cpus"] > 0
        assert amount(service["mem_limit"]) > 0


def test_mounted_files_exist(services: dict[str, Any]) -> None:
    named = set(document(PATH)["volumes"])
    for service in services.values():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert source in named or (DOCKER / source).is_dir()


def test_the_service_is_scraped_where_it_listens(services: dict[str, Any]) -> None:
    (job,) = document(DOCKER / "prometheus/prometheus.yml")["scrape_configs"]
    (target,) = job["static_configs"][0]["targets"]
    host, port = target.split(":")
    assert services[host]["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert f"EXPOSE {port}" in (DOCKER.parent / "Dockerfile").read_text(encoding="utf-8")


def test_grafana_finds_prometheus_and_the_dashboard(services: dict[str, Any]) -> None:
    grafana = DOCKER / "grafana"
    (source,) = document(grafana / "provisioning/datasources/prometheus.yaml")["datasources"]
    assert source["url"].removeprefix("http://").split(":")[0] in services
    (provider,) = document(grafana / "provisioning/dashboards/off-tanet.yaml")["providers"]
    mounted = dict(reversed(path.split(":")[:2]) for path in services["grafana"]["volumes"])
    assert mounted[provider["options"]["path"]] == "./grafana/dashboards"
    dashboard = json.loads((grafana / "dashboards/off-tanet.json").read_text(encoding="utf-8"))
    panels = dashboard["panels"]
    assert {panel["datasource"]["uid"] for panel in panels} == {source["uid"]}
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_compose_accepts_the_file() -> None:
    """Validated by Docker Compose or podman-compose, whichever is installed."""
    command = _compose()
    if command is None:
        pytest.skip("neither `docker compose` nor `docker-compose` is here")
    environment = os.environ | {"GRAFANA_PASSWORD": "secret"}
    result = subprocess.run(
        [*command, "--file", str(PATH), "config", "--quiet"],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr


def _compose() -> tuple[str, ...] | None:
    for command in (("docker", "compose"), ("docker-compose",)):
        if shutil.which(command[0]):
            version = subprocess.run([*command, "version"], capture_output=True)
            if version.returncode == 0:
                return command
    return None
