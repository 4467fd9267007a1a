"""Settings in a file: where it is found, what wins, and that a typing error stops the start."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from off_tanet.cli import main
from off_tanet.config_file import read_config
from off_tanet.environment import load
from off_tanet.settings import SettingsError


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file of this machine is found."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_the_environment_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "a.toml", 'workers = 3\nqueue_size = 5\notlp_endpoint = "http://a"\n')
    assert (load(config=file).workers, load(config=file).otlp_endpoint) == (3, "http://a")
    monkeypatch.setenv("off_tanet_workers", "2")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://b")
    settings = load({"queue_size": 7}, file)
    assert (settings.workers, settings.queue_size) == (2, 7)
    assert settings.otlp_endpoint == "http://b"


def test_the_file_is_searched_in_the_documented_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read_config().path is None
    write(tmp_path / "home/off-tanet/config.toml", "workers = 1\n")
    assert load().workers == 1
    write(Path("off-tanet.toml"), "workers = 2\n")
    assert load().workers == 2
    monkeypatch.setenv("OFF_TANET_CONFIG", str(write(tmp_path / "named.toml", "workers = 3\n")))
    assert load().workers == 3
    assert load(config=write(tmp_path / "given.toml", "workers = 4\n")).workers == 4
    monkeypatch.setenv("OFF_TANET_CONFIG", "")
    assert load().workers is None


def test_a_path_is_relative_to_its_file(tmp_path: Path) -> None:
    """The service may be started in any folder."""
    file = write(tmp_path / "etc/a.toml", 'api_keys = "keys"\nmodel = "/models/a.onnx"\n')
    settings = load(config=file)
    assert settings.api_keys == tmp_path / "etc/keys"
    assert settings.model == Path("/models/a.onnx")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("wrokers = 2\n", r"unknown setting in .*a\.toml: wrokers \(nearest: workers\)"),
        ("OFF_TANET_WORKERS = 2\n", r"OFF_TANET_WORKERS \(nearest: workers\)"),
        ("xyz = 1\n[service]\nworkers = 2\n", r"unknown setting in .*a\.toml: xyz, service"),
        ("workers = 0\n", r"^bad value of workers in .*a\.toml: Input should be greater"),
        ("workers = [2]\n", r"^bad value of workers in .*a\.toml: Input should be a valid int"),
        ("max_seconds = inf\n", r"^bad value of max_seconds in .*a\.toml: "),
        ('otlp_endpoint = "a b"\n', r"^bad value of otlp_endpoint in .*a\.toml: "),
        ("workers 2\n", r"a\.toml is not TOML: "),
    ],
)
def test_a_wrong_file_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    file = write(tmp_path / "a.toml", text)
    with pytest.raises(SettingsError, match=message):
        load(config=file)
    assert main(["model", "--config", str(file)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_missing_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was named, so its settings are wanted."""
    monkeypatch.setenv("OFF_TANET_CONFIG", "none.toml")
    with pytest.raises(SettingsError, match=r"none\.toml: No such file"):
        load()


def test_a_wrong_value_of_the_environment_is_not_blamed_on_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OFF_TANET_WORKERS", "many")
    with pytest.raises(SettingsError, match=r"^bad value of OFF_TANET_WORKERS: "):
        load(config=write(tmp_path / "a.toml", "workers = 3\n"))


def test_the_table_shows_values_with_their_origin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a setting that does not seem to take effect, one wants to know which value won."""
    file = write(tmp_path / "a.toml", "workers = 3\nqueue_size = 5\n")
    monkeypatch.setenv("OFF_TANET_WORKERS", "2")
    monkeypatch.delenv("COLUMNS", raising=False)  # which is that of a terminal
    command = ["settings", "--config", str(file)]
    assert main(command) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert "2 (from environment)" in lines["OFF_TANET_WORKERS"]
    assert f"5 (from {file})" in lines["OFF_TANET_QUEUE_SIZE"]
    assert "from" not in lines["OFF_TANET_MAX_FACES"]
    assert main([*command, "--json"]) == 0
    listed = {each["variable"]: each for each in json.loads(capsys.readouterr().out)}
    assert listed["OFF_TANET_WORKERS"]["origin"] == "environment"
    assert (listed["OFF_TANET_QUEUE_SIZE"]["value"]) == "5"
    assert "value" not in listed["OFF_TANET_MAX_FACES"]
