"""The settings in a TOML file, such as `workers = 2`. Environment variables win over it."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from off_tanet.setting_names import PREFIX
from off_tanet.settings import Settings, SettingsError

VARIABLE = f"{PREFIX}CONFIG"
"""The environment variable that names the file; if it is empty, no file is read."""

_LOCAL = Path("off-tanet.toml")
_INSTALLED = Path("off-tanet", "config.toml")  # below a folder of configuration files
_PATHS = frozenset(
    name for name, each in Settings.model_fields.items() if each.annotation == Path | None
)


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """The settings of a file.

    Attributes:
        path: The file; None if there is none.
        values: Its settings, by field name. A path is relative to the folder of the file.
    """

    path: Path | None = None
    values: Mapping[str, object] = field(default_factory=dict)


def read_config(named: Path | None = None) -> ConfigFile:
    """Read the file that is named, or the first one that exists where it is searched.

    The search is: `OFF_TANET_CONFIG`, `off-tanet.toml` in the working directory,
    `off-tanet/config.toml` in `$XDG_CONFIG_HOME` (by default `~/.config`) and in `/etc`.

    Args:
        named: The file; None to search one.

    Raises:
        SettingsError: The file cannot be read, or has unknown settings.
    """
    path = named or _find()
    if path is None:
        return ConfigFile()
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path} is not TOML: {error}") from None
    unknown = [_with_nearest(name) for name in values if name not in Settings.model_fields]
    if unknown:
        raise SettingsError(f"unknown setting in {path}: {', '.join(unknown)}")
    return ConfigFile(path, {name: _absolute(name, values[name], path) for name in values})


def _find() -> Path | None:
    named = os.environ.get(VARIABLE)
    if named is not None:
        return Path(named) if named else None
    return next((path for path in _candidates() if path.is_file()), None)


def _candidates() -> Iterator[Path]:
    yield _LOCAL
    yield from (folder / _INSTALLED for folder in _folders())


def _folders() -> Iterable[Path]:
    # Without a home, as in some containers, `expanduser` keeps the ~, where nothing is found.
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return Path(home), Path("/etc")


def _with_nearest(name: str) -> str:
    field_name = name.lower().removeprefix(PREFIX.lower())
    nearest = difflib.get_close_matches(field_name, Settings.model_fields, 1)
    return f"{name} (nearest: {nearest[0]})" if nearest else name


def _absolute(name: str, value: object, file: Path) -> object:
    return file.parent / value if name in _PATHS and isinstance(value, str) else value
