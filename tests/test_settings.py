"""Settings: a typing error must stop the start, not be ignored."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import suppress

import pytest
from off_tanet.environment import load, table
from off_tanet.settings import Settings, SettingsError

from tests.support.paths import ROOT


def test_defaults_are_valid_and_reach_the_limits() -> None:
    settings = Settings(max_image_pixels=123, workers=3)
    assert settings.configuration.media.image_pixels == 123
    assert settings.engine_limits.workers == 3


@pytest.mark.parametrize("name", ["OFF_TANET_WORKRES", "off_tanet_workres"])
def test_an_unknown_setting_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """In upper or lower case, as the known ones are accepted in both."""
    monkeypatch.setenv(name, "2")
    with pytest.raises(SettingsError, match=f"unknown setting {name}"):
        load()


def changelog() -> list[tuple[str, str]]:
    """The settings of 0.1.0 that were renamed, and their new names, as shown to users."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    return re.findall(r"^ +\| `(OFF_TANET_\w+)` \| `(\w+)`", text, re.M)


@pytest.mark.parametrize(("old", "new"), changelog())
def test_an_old_name_is_refused_with_the_new_one(
    monkeypatch: pytest.MonkeyPatch, old: str, new: str
) -> None:
    """A limit that was set for 0.1.0 must not silently become its default; the new name works."""
    monkeypatch.setenv(old, "2")
    with pytest.raises(SettingsError, match=f"^unknown setting {old}, which is now {new}$"):
        load()
    monkeypatch.delenv(old)
    monkeypatch.setenv(new, "http://127.0.0.1:4318" if new.startswith("OTEL") else "0.25")
    with suppress(SettingsError):  # 0.25 is not a count, but it is not unknown
        load()


def test_old_and_unknown_names_are_reported_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """One start shows all that is to be changed, in the environment and in Ray's arguments."""
    monkeypatch.setenv("off_tanet_queue", "3")
    monkeypatch.setenv("OFF_TANET_WORKRES", "2")
    message = (
        "unknown setting OFF_TANET_GRACE_S, which is now OFF_TANET_SHUTDOWN_TIMEOUT_S, "
        "OFF_TANET_WORKRES, off_tanet_queue, which is now OFF_TANET_QUEUE_SIZE"
    )
    with pytest.raises(SettingsError, match=f"^{message}$"):
        load({"grace_s": "1"})


@pytest.mark.parametrize("url", ["collector:4317", "ftp://collector", "http://a b"])
def test_an_unusable_collector_is_named_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    with pytest.raises(SettingsError, match=r"^bad value of OTEL_EXPORTER_OTLP_ENDPOINT: "):
        load()


def test_a_collector_is_read_by_its_standard_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """And by its field, as Ray's arguments and other applications pass it."""
    assert load({"otlp_endpoint": "http://a:4318"}).otlp_endpoint == "http://a:4318"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://b:4318")
    assert load().otlp_endpoint == "http://b:4318"
    assert load({"otlp_endpoint": "http://a:4318"}).otlp_endpoint == "http://a:4318"


def test_a_bad_value_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFF_TANET_WORKERS", "many")
    result = subprocess.run(
        [sys.executable, "-m", "off_tanet", "serve", "--port", "0"], capture_output=True, text=True
    )
    assert result.returncode == 2
    assert result.stderr.startswith("off-tanet: bad value of OFF_TANET_WORKERS:")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("value", ["nan", "-nan", "inf", "-inf", "Infinity", "1e400"])
@pytest.mark.parametrize(
    "name", [name for name, field in Settings.model_fields.items() if field.annotation is float]
)
def test_no_setting_is_infinite_or_nan(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """Every comparison with nan is false, so a limit of nan is none; waits of inf never end."""
    monkeypatch.setenv(f"OFF_TANET_{name.upper()}", value)
    with pytest.raises(SettingsError, match=f"bad value of OFF_TANET_{name.upper()}: "):
        load()


@pytest.mark.parametrize(
    ("quota", "keys"),
    [
        ("10/minute", None),
        ("often", "keys"),
        ("", "keys"),
        ("0/minute", "keys"),
        ("10/minute;99/hour", "keys"),
        ("10/minute, 99/hour", "keys"),
    ],
)
def test_an_ineffective_quota_is_refused(
    monkeypatch: pytest.MonkeyPatch, quota: str, keys: str | None
) -> None:
    monkeypatch.setenv("OFF_TANET_QUOTA", quota)
    if keys:
        monkeypatch.setenv("OFF_TANET_API_KEYS", keys)
    with pytest.raises(SettingsError, match=r"bad value.*OFF_TANET_QUOTA"):
        load()


def test_every_setting_is_described() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def test_the_documents_show_the_current_settings() -> None:
    page = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    assert table() in page
