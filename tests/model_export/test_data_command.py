"""`data read` as a command: its options, its file, and its end when something is in the way."""

from __future__ import annotations

import json
import re
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from off_tanet.cli import main

from tests.support import made_databases

HEADER = "subject,clip,onset,apex,class"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A study of two clips."""
    for clip in ("a", "b"):
        made_databases.write_frames(tmp_path / "study/1" / clip, "img{}.jpg", 1, 5)
    rows = [f"1,{clip},1,5,{emotion}" for clip, emotion in (("a", "fear"), ("b", "happy"))]
    (tmp_path / "study/mine.csv").write_text("\n".join([HEADER, *rows]))
    return tmp_path / "study"


def command(root: Path, *options: str) -> list[str]:
    output = str(root.with_name("o.npz"))
    named = ["--database", "csv", "--name", "mine", "--output", output, "--cropped"]
    return ["data", "read", *named, *options]


@pytest.mark.parametrize(
    "options",
    [
        ["--classes", "fear", "happiness"],
        ["--kinds", "micro"],
        ["--folders", "{subject}/{clip}"],
        ["--folders", "{subject}\\{clip}"],
        ["--columns", "emotion=class"],
    ],
)
def test_the_folder_may_stand_behind_an_option_of_several_words(
    options: list[str], root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Which takes it for one of its own: nobody knows that before it happens."""
    assert main(command(root, *options, str(root))) == 0
    assert capfd.readouterr().out.startswith("2 rows: 2 used\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "ROOT, the folder of the database, is missing; see data read --help"),
        (["--classes", "fear", "absent"], "ROOT, the folder of the database, is missing"),
        (["ROOT", "--kinds", "small"], "--kinds: small is none of micro, macro"),
        (["ROOT", "--processes", "0"], "--processes: there must be one: 0"),
        (["ROOT", "--folders", "{clp}/x"], "--folders: {clp}/x: {clp} is none of apex, "),
        (["ROOT", "--folders", "{clip"], "--folders: {clip: expected '}'"),
        (["ROOT", "--worksheet", "x"], "mine.csv has no sheet x; it has one without a name"),
        (["ROOT/mine.csv"], "mine.csv is not a folder"),
        (["ROOT", "--output", "o.csv"], "--output: the name of the file must end in .npz: o.csv"),
        (["ROOT", "--output", "ROOT/mine.csv/o.npz"], "mine.csv does not exist"),
        (["ROOT", "--output", "ROOT/1/folder.npz"], "folder.npz is a folder, not a file to write"),
    ],
)
def test_what_does_not_fit_is_one_line(
    options: list[str], message: str, root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (root / "1/folder.npz").mkdir()
    words = [word.replace("ROOT", str(root)) for word in options]
    assert main(command(root, *words)) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("off-tanet: ")
    assert message in err
    assert err.count("\n") == 1


def test_the_help_says_what_the_names_mean(capfd: pytest.CaptureFixture[str]) -> None:
    """Nobody should need the documents for the first run."""
    assert main(["data", "read", "--help"]) == 0
    shown = " ".join(capfd.readouterr().out.split())
    assert shown.startswith("usage: off-tanet data read ROOT --database NAME --output FILE.npz ")
    for words in ("casme3 (CAS(ME)^3)", "smile=happiness rest=others,disgust", "{subject}/{clip}"):
        assert words in shown


def test_maps_say_their_convention(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Others pass maps around with v up, or with one scale for all channels."""
    assert main(command(root, str(root), "--maps", "28")) == 0
    said = "u (right), v (down) and strain, sqrt(ux^2 + vy^2 + (uy + vx)^2 / 2), of the averaged"
    assert f"maps 28 x 28: {said}" in capfd.readouterr().out
    with np.load(root.with_name("o.npz"), allow_pickle=False) as file:
        assert json.loads(str(file["about"]))["maps"].startswith(said)
        assert not any(array.dtype.hasobject for array in file.values())


def test_another_number_of_clips_than_published_is_said(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A part of a database, or a changed sheet, must not pass for MEGC2019."""
    text = (root / "mine.csv").read_text()
    (root / "mine.csv").write_text(text.replace("subject,", "database,subject,", 1).replace(
        "\n1,", "\nSAMM,1,"
    ))  # fmt: skip
    assert main(command(root, str(root))) == 0
    assert capfd.readouterr().err == (
        "note: of samm, MEGC2019 has 92 + 26 + 15 = 133 clips of 28 people (negative, positive, "
        "surprise); these are 1 + 1 + 0 = 2 clips of 1 people\n"
    )


def test_a_database_without_apexes_says_how_to_take_one(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    made_databases.smic(tmp_path)
    output = str(tmp_path / "o.npz")
    named = ["--database", "smic", "--output", output, "--skip-unusable"]
    assert main(["data", "read", str(tmp_path), *named]) == 2
    err = capfd.readouterr().err
    assert err.endswith("3 without an apex: --apex middle or --apex spotted takes one\n")


@contextmanager
def small_disk(size: int) -> Iterator[None]:
    """Let no file become larger: as on a disk that is full, writing fails."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_file_that_cannot_be_written_leaves_the_old_one(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing half-written, and not the loss of what was there."""
    output = root.with_name("o.npz")
    output.write_bytes(b"old")
    with small_disk(20_000):
        assert main(command(root, str(root))) == 2
    out, err = capfd.readouterr()
    assert (out, err) == ("", f"off-tanet: {output} cannot be written: File too large\n")
    assert output.read_bytes() == b"old"
    assert {path.name for path in root.parent.iterdir()} == {"o.npz", "study"}


def test_a_disk_without_room_is_said_before_the_work(
    root: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flows of a thousand clips take minutes, and 50 MB."""
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=40_000))
    monkeypatch.setattr("off_tanet_export.datasets.measuring.crop_pair", None)
    assert main(command(root, str(root))) == 2
    assert "o.npz has 0.0 MB free, and 0.1 MB may be needed\n" in capfd.readouterr().err


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let SIGINT interrupt, which a shell turns off for programs in its background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("place", ["datasets.measuring.expression_flow", "data_command.save_flows"])
def test_it_can_be_stopped_at_any_time(
    place: str,
    root: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By Ctrl-C: one line, and no file."""

    def interrupt(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(f"off_tanet_export.{place}", interrupt)
    assert main(command(root, str(root))) == 130
    out, err = capfd.readouterr()
    assert out == ""
    assert re.sub(r".*\r", "", err).endswith("off-tanet: stopped\n")
    assert [path.name for path in root.parent.iterdir()] == ["study"]
