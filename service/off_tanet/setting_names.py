"""Names of the settings: the environment variables that they are read from."""

from __future__ import annotations

PREFIX = "OFF_TANET_"
STANDARD = {"otlp_endpoint": "OTEL_EXPORTER_OTLP_ENDPOINT"}
"""Settings whose variable has a standard name, shared with other programs."""


def variable(name: str) -> str:
    """Return the environment variable of a setting: `OFF_TANET_WORKERS` for `workers`."""
    return STANDARD.get(name, PREFIX + name.upper())
