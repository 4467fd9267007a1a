"""Names of the settings: their environment variables, and what older names became."""

from __future__ import annotations

import os

PREFIX = "OFF_TANET_"
ELSEWHERE = {"OFF_TANET_FLOW_BUILD"}  # read by the flow kernel itself, in any process
STANDARD = {"otlp_endpoint": "OTEL_EXPORTER_OTLP_ENDPOINT"}
"""Settings that have a name of their own in every program."""

_RENAMED = {
    "queue": "queue_size",
    "video_queue": "video_queue_size",
    "log_queue": "log_queue_size",
    "head_s": "header_timeout_s",
    "body_s": "body_timeout_s",
    "write_s": "write_timeout_s",
    "warm_up_s": "startup_timeout_s",
    "grace_s": "shutdown_timeout_s",
    "video_grace_s": "video_shutdown_timeout_s",
    "max_held_bytes": "max_inflight_body_bytes",
    "worker_bytes": "worker_memory_bytes",
    "worker_idle_bytes": "worker_idle_memory_bytes",
    "shortest_expression_s": "min_expression_duration_s",
    "longest_micro_s": "max_micro_duration_s",
    "scale_up_s": "upscale_delay_s",
    "scale_down_s": "downscale_delay_s",
    "otlp_endpoint": "otlp_endpoint",
}
"""Names of 0.1.0 and what they became; one that is passed over would leave a limit unset."""


def variable(name: str) -> str:
    """The environment variable of a setting: `OFF_TANET_WORKERS` of `workers`."""
    return STANDARD.get(name, PREFIX + name.upper())


def in_environment() -> list[str]:
    """The variables of this process's environment that are settings, or are meant to be."""
    return sorted(
        name
        for name in os.environ
        if name.upper().startswith(PREFIX) or name.upper() in STANDARD.values()
    )


def with_new_name(unknown: str) -> str:
    """An unknown variable as an error names it, with the name that it has now."""
    renamed = _RENAMED.get(unknown.upper().removeprefix(PREFIX).lower())
    return unknown if renamed is None else f"{unknown}, which is now {variable(renamed)}"


def variable_at(place: str) -> str:
    """The variable that an error names by its setting or, where it has one, by its alias."""
    return place if place in STANDARD.values() else variable(place)
