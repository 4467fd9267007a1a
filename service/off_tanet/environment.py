"""Reading of the settings from the environment and a file, and their documentation."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError

from off_tanet import config_file
from off_tanet.config_file import ConfigFile, read_config
from off_tanet.setting_names import PREFIX, STANDARD, variable
from off_tanet.settings import Settings, SettingsError

_OTHER = {
    "OFF_TANET_FLOW_BUILD",  # read by the flow kernel itself, in any process
    config_file.VARIABLE,
}
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
"""Names in version 0.1.0 and their replacements; ignoring one would leave a limit unset."""


def load(
    given: Mapping[str, object] = MappingProxyType({}), config: Path | None = None
) -> Settings:
    """Read the settings from the environment of this process, and from a file.

    Args:
        given: Settings by field name, which take precedence over the environment.
        config: The file, over which the environment takes precedence; by default the one that
            `config_file.read_config` finds.

    Raises:
        SettingsError: A setting is unknown or has a bad value, or the file cannot be read.
    """
    known = {variable(name) for name in Settings.model_fields} | _OTHER
    named = sorted({*variables(), *map(variable, given)})
    unknown = [_with_new_name(name) for name in named if name.upper() not in known]
    if unknown:
        raise SettingsError(f"unknown setting {', '.join(unknown)}")
    file = read_config(config)
    in_force = _without_variables(file)
    try:
        return Settings.model_validate({**in_force, **given})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = "".join(f" of {_source(str(place), file)}" for place in first["loc"][:1])
        raise SettingsError(f"bad value{where}: {first['msg']}") from None


def _without_variables(file: ConfigFile) -> dict[str, object]:
    """Return the settings of a file that no environment variable replaces."""
    replaced = {name.upper() for name in variables()}
    return {name: value for name, value in file.values.items() if variable(name) not in replaced}


def variables() -> list[str]:
    """Return the environment variables that are settings, or seem to be meant as settings."""
    return sorted(
        name
        for name in os.environ
        if name.upper().startswith(PREFIX) or name.upper() in STANDARD.values()
    )


def origins(config: Path | None = None) -> dict[str, tuple[str, str]]:
    """Return the value of each setting that is not the default, and where it comes from.

    Args:
        config: The file, as for `load`.

    Returns:
        The value as text and its origin, the file or `environment`, by variable.

    Raises:
        SettingsError: The file cannot be read, or has unknown settings.
    """
    file = read_config(config)
    found = {variable(name): (str(value), str(file.path)) for name, value in file.values.items()}
    return found | {name.upper(): (os.environ[name], "environment") for name in variables()}


def listing() -> list[dict[str, object]]:
    """Return the variable, the default and the meaning of every setting."""
    return [
        {"variable": variable(name), "default": field.default, "meaning": field.description}
        for name, field in Settings.model_fields.items()
    ]


def table() -> str:
    """Return every setting with its default and its meaning, as a Markdown table."""
    rows = [
        f"| `{row['variable']}` | {'' if row['default'] is None else row['default']} "
        f"| {row['meaning']} |"
        for row in listing()
    ]
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows])


def _with_new_name(unknown: str) -> str:
    """Return an unknown variable as an error shows it, with its new name if it was renamed."""
    renamed = _RENAMED.get(unknown.upper().removeprefix(PREFIX).lower())
    return unknown if renamed is None else f"{unknown}, which is now {variable(renamed)}"


def _source(place: str, file: ConfigFile) -> str:
    """Return where a setting was read that a validation error gives by its name or alias."""
    names = {standard: name for name, standard in STANDARD.items()}
    name = names.get(place, place)
    return f"{name} in {file.path}" if name in _without_variables(file) else variable(name)
