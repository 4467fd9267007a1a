"""`off-tanet batch` in practice: killed, stopped, run again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from off_tanet.cli import main
from off_tanet.configuration import ASSETS
from pyarrow import parquet

PROGRAM = Path(sys.executable).with_name("off-tanet")
SAMPLES = ASSETS / "samples"
NAMES = ("negative", "positive", "surprise")
PAIRS = 6


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A manifest of six good pairs and a bad one; the fifth onset is a pipe that stays empty."""
    lines = ["onset,apex"]
    for index in range(PAIRS):
        for frame in ("onset", "apex"):
            sample = SAMPLES / f"{NAMES[index % 3]}_{frame}.jpg"
            (tmp_path / f"{index}_{frame}.jpg").write_bytes(sample.read_bytes())
        lines.append(f"{index}_onset.jpg,{index}_apex.jpg")
    (tmp_path / "pairs.csv").write_text("\n".join([*lines, "none.jpg,0_apex.jpg\n"]))
    (tmp_path / "4_onset.jpg").rename(tmp_path / "kept.jpg")
    os.mkfifo(tmp_path / "4_onset.jpg")
    return tmp_path


@contextmanager
def held(study: Path, output: str) -> Iterator[subprocess.Popen[str]]:
    """A batch with one worker that waits at the pipe; the pipe is then removed."""
    # Background jobs of a shell ignore Ctrl-C, and would pass that on.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        [PROGRAM, "batch", "pairs.csv", "-o", output],
        cwd=study,
        env={**os.environ, "OFF_TANET_WORKERS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    signal.signal(signal.SIGINT, before)
    with process, (study / "4_onset.jpg").open("wb"):  # which opens when the worker reads
        yield process
    (study / "kept.jpg").rename(study / "4_onset.jpg")


def complete(records: list[dict[str, object]]) -> None:
    """Check that each row of the study is there once, with its answer."""
    inputs = Counter(str(record["input.onset"]) for record in records)
    assert inputs == Counter([*(f"{index}_onset.jpg" for index in range(PAIRS)), "none.jpg"])
    for record in records:
        if record["input.onset"] == "none.jpg":
            assert record["problem.code"] == "unreadable_file"
        else:
            assert record["label"] == NAMES[int(str(record["input.onset"])[0]) % 3]


def test_a_killed_run_is_completed_by_the_next(
    study: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The process cannot react to a SIGKILL; its file stays readable, and nothing in it is scored
    again."""
    output = study / "scores.jsonl"
    with held(study, output.name) as process:
        process.kill()
    before = output.read_text(encoding="utf-8")
    skipped = len([json.loads(line) for line in before.splitlines()])
    assert 0 < skipped < PAIRS
    assert main(["batch", str(study / "pairs.csv"), "-o", str(output), "--json"]) == 0
    summary = json.loads(capfd.readouterr().out)
    assert (summary["skipped"], summary["scored"]) == (skipped, PAIRS - skipped)
    assert summary["problems"] == {"unreadable_file": 1}
    after = output.read_text(encoding="utf-8")
    assert after.startswith(before)
    complete([_flat(json.loads(line)) for line in after.splitlines()])


def _flat(record: dict[str, dict[str, object]]) -> dict[str, object]:
    problem = record.get("problem", {}).get("code")
    label = record.get("label")
    return {"input.onset": record["input"]["onset"], "problem.code": problem, "label": label}


@pytest.mark.slow
def test_a_stopped_run_leaves_a_table_that_the_next_completes(
    study: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C: a Parquet file can only be written as a whole, and is."""
    output = study / "scores.parquet"
    with held(study, output.name) as process:
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30) == ("", "off-tanet: stopped\n")
        assert process.returncode == 130
    assert 0 < parquet.read_table(output).num_rows < PAIRS
    assert main(["batch", str(study / "pairs.csv"), "-o", str(output)]) == 0
    assert "problems  1: unreadable_file 1" in capfd.readouterr().out
    complete(parquet.read_table(output).to_pylist())


def test_a_second_run_has_nothing_to_do(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The clips of the samples' folder; none of its images is taken for a clip."""
    command = ["batch", str(SAMPLES), "-o", str(tmp_path / "scores.csv"), "--json"]
    runs = []
    for _ in range(2):
        assert main(command) == 0
        runs.append(json.loads(capfd.readouterr().out))
    clips = len(list(SAMPLES.glob("*.mp4")))
    assert [(run["skipped"], run["scored"]) for run in runs] == [(0, clips), (clips, 0)]


def test_other_files_of_a_folder_are_reported(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """With the reason, as text and as JSON, also if nothing is left to score."""
    study = tmp_path / "study"
    study.mkdir()
    (study / "camera.mts").write_bytes((b"\x47" + bytes(187)) * 20)
    (study / "._a.mp4").write_bytes(b"\0\x05\x16\x07")
    command = ["batch", str(study), "-o", str(tmp_path / "scores.csv")]
    assert main(command) == 1
    printed = capfd.readouterr().err
    assert printed.count("\n") == 1
    assert "nothing to score; ._a.mp4: a macOS resource fork" in printed
    (study / "a.mp4").write_bytes(b"no clip, but a row of its own")
    assert main(command) == 0
    lines = [line for line in capfd.readouterr().out.splitlines() if line.startswith("left out")]
    assert [line.split()[2] for line in lines] == ["._a.mp4:", "camera.mts:"]
    assert "MPEG-TS is not a supported clip format: ffmpeg" in lines[1]
    assert main([*command, "--json"]) == 0
    left_out = json.loads(capfd.readouterr().out)["left_out"]
    assert [each["file"] for each in left_out] == ["._a.mp4", "camera.mts"]


def test_without_ray_a_message_says_what_to_install(
    study: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delattr("off_tanet.batch.ray_runner", raising=False)
    monkeypatch.setitem(sys.modules, "off_tanet.batch.ray_runner", None)
    assert main(["batch", str(study / "pairs.csv"), "-o", str(study / "a.csv"), "--ray"]) == 2
    assert "pip install 'off-tanet[ray]'" in capfd.readouterr().err
    assert not (study / "a.csv").exists()
