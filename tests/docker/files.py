"""The files for containers, parsed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from off_tanet.setting_names import PREFIX, variable
from off_tanet.settings import Settings

from tests.support.paths import ROOT

DOCKER = ROOT / "docker"

_UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "k": 2**10, "m": 2**20, "g": 2**30}
_SERVER_BYTES = 200_000_000  # of the server process, with some room


def document(path: Path) -> Any:
    """A YAML file of one document."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def amount(text: str) -> int:
    """Bytes of `512m`, as Compose writes them, or `3Gi`, as Kubernetes does."""
    unit = text.lstrip("0123456789")
    return int(text.removesuffix(unit)) * _UNITS[unit]


def check_settings(given: Mapping[str, str], cores: int, memory_bytes: int) -> None:
    """Check that the service starts with these settings, and that its workers fit the memory."""
    names = {name for name in given if name.startswith(PREFIX)}
    assert names <= {variable(name) for name in Settings.model_fields}
    fields: dict[str, Any] = {
        name.removeprefix(PREFIX).lower(): text for name, text in given.items() if name in names
    }
    settings = Settings(**fields)
    workers = cores + 1  # one may be for long videos
    most = workers * settings.worker_memory_bytes + settings.max_inflight_body_bytes + _SERVER_BYTES
    assert most <= memory_bytes


def variables(listed: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """A container's `env` as a mapping."""
    return {variable["name"]: variable["value"] for variable in listed}
