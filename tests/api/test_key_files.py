"""The file of API keys: rotated without a restart, and never the reason that a request fails."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from off_tanet.api.middleware.auth import KeyFile, digest, new_key
from off_tanet.cli import main


def in_place(file: Path, content: str) -> None:
    file.write_text(content, encoding="utf-8")


def by_rename(file: Path, content: str) -> None:
    new = file.with_name("new")
    new.write_text(content, encoding="utf-8")
    new.rename(file)


def in_place_at_the_same_time(file: Path, content: str) -> None:
    before = file.stat()
    in_place(file, content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def by_link(file: Path, content: str) -> None:
    """As Kubernetes updates a mounted Secret."""
    target = file.with_name(f"of {len(list(file.parent.iterdir()))}")
    target.write_text(content, encoding="utf-8")
    by_rename(file, "")
    file.unlink()
    file.symlink_to(target)


@pytest.mark.parametrize("change", [in_place, by_rename, in_place_at_the_same_time, by_link])
def test_keys_are_rotated_without_a_restart(
    tmp_path: Path, change: Callable[[Path, str], None]
) -> None:
    """A leaked key must stop working at once, while requests go on, however the file is changed:
    several times within one clock tick, to the same size, or with the same modification time."""
    file, rotated = tmp_path / "keys", [new_key() for _ in range(20)]
    in_place(file, f"{digest(rotated[0])} clinic\n")
    keys = KeyFile(file)
    assert keys.name_of(rotated[0]) == "clinic"
    for old, new in pairwise(rotated):
        change(file, f"{digest(new)} clinic\n")
        assert keys.name_of(old) is None
        assert keys.name_of(new) == "clinic"


def test_every_digest_is_compared_in_constant_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A comparison that stops early reveals how much of a guess is right."""
    compared = []

    def spy(given: str, known: str) -> bool:
        compared.append(known)
        return given == known

    monkeypatch.setattr("hmac.compare_digest", spy)
    keys = [new_key() for _ in range(3)]
    file = tmp_path / "keys"
    file.write_text("".join(f"{digest(k)} k\n" for k in keys), encoding="utf-8")
    assert KeyFile(file).name_of(keys[0]) == "k"
    assert compared == [digest(k) for k in keys]


ODD_FILES = {
    "plain text": b"a key in plain text\n",
    "short digest": f"{digest('k')[:-1]} clinic\n".encode(),
    "long digest": f"{digest('k')}0 clinic\n".encode(),
    "no digest of hexadecimal digits": f"{'g' * 64} clinic\n".encode(),
    "digits of other scripts": "{} clinic\n".format("٣" * 64).encode(),
    "not ASCII": f"{'é' * 64} clinic\n".encode(),
    "no name": f"{digest('k')} \n".encode(),
    "a bad line after good ones": f"{digest('k')} clinic\nhalf a li".encode(),
    "Latin-1": f"{digest('k')} Klinik Köln\n".encode("latin-1"),
    "UTF-16": f"{digest('k')} clinic\n".encode("utf-16"),
    "zeros": bytes(1000),
    "random": bytes(range(256)) * 4,
    "without end": f"{digest('k')} clinic\n".encode() * (1 << 15),
}


@pytest.mark.parametrize("content", ODD_FILES.values(), ids=ODD_FILES)
def test_a_malformed_file_stops_the_start_but_no_request(tmp_path: Path, content: bytes) -> None:
    """Ignoring it would lock out every client, or none. While the service runs, a mistake in the
    file must not do so either: the keys that were read last stay valid."""
    key, file = new_key(), tmp_path / "keys"
    file.write_bytes(content)
    with pytest.raises(ValueError, match="key file") as raised:
        KeyFile(file)
    assert content[:10].decode("latin-1") not in str(raised.value)  # it may be a key
    in_place(file, f"{digest(key)} clinic\n")
    keys = KeyFile(file)
    file.write_bytes(content)
    assert (keys.name_of(key), keys.name_of("k")) == ("clinic", None)


@given(content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_content_of_the_file_fails_a_request(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """An invalid file raises only ValueError, which leaves the keys unchanged."""
    file = tmp_path_factory.getbasetemp() / "any keys"
    in_place(file, "")
    keys = KeyFile(file)
    file.write_bytes(content)
    assert keys.name_of(new_key()) is None


@pytest.mark.parametrize(
    "form",
    [
        "{digest} clinic",
        "{capitals} clinic\n",
        "  {digest}\tclinic  \r\n",
        "\ufeff{digest} clinic\r\n",
        "# ours\n\n   # and theirs\n{digest}   clinic\n",
    ],
)
def test_what_editors_and_tools_write_is_read(tmp_path: Path, form: str) -> None:
    """Some `sha256sum` write capitals; editors write byte order marks and other line ends."""
    key, file = new_key(), tmp_path / "keys"
    text = form.format(digest=digest(key), capitals=digest(key).upper())
    file.write_bytes(text.encode())
    assert KeyFile(file).name_of(key) == "clinic"


def test_an_error_of_the_file_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Once for each error, not for each request, which would flood the log."""
    key, file = new_key(), tmp_path / "keys"
    in_place(file, f"{digest(key)} clinic\n")
    keys = KeyFile(file)
    for content in (f"{key} clinic\n", "half a line", ""):
        in_place(file, content)
        for _ in range(3):
            keys.name_of(key)
    file.unlink()
    for _ in range(3):
        assert keys.name_of(key) is None  # the last valid file was empty
    assert len(caplog.records) == 2
    assert key not in caplog.text


def pipe(path: Path) -> None:
    os.mkfifo(path)


def own_target(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize("make", [None, Path.mkdir, pipe, own_target, Path.touch])
def test_an_unreadable_file_ends_the_start_with_one_line(
    tmp_path: Path, make: Callable[[Path], None] | None
) -> None:
    """Above all a pipe, on which a read would block."""
    file = tmp_path / "keys"
    if make is not None:
        make(file)
    if make is Path.touch:
        file.write_bytes(b"\xff\xfe\x00")
    environment = {**os.environ, "OFF_TANET_API_KEYS": str(file)}
    command = [sys.executable, "-m", "off_tanet", "serve", "--port", "0"]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
    assert result.returncode == 2
    assert result.stderr.startswith("off-tanet: OFF_TANET_API_KEYS: ")
    assert result.stderr.count("\n") == 1


def test_a_file_that_breaks_while_serving_keeps_the_keys(tmp_path: Path) -> None:
    """A mistake in the file must not lock out every client."""
    key, file = new_key(), tmp_path / "keys"
    file.write_text(f"{digest(key)} clinic\n", encoding="utf-8")
    keys = KeyFile(file)
    file.write_text("half a li", encoding="utf-8")
    assert keys.name_of(key) == "clinic"
    file.unlink()
    assert keys.name_of(key) == "clinic"
    file.mkdir()
    assert keys.name_of(key) == "clinic"


def test_the_command_prints_a_key_and_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["key", "new", "clinic"]) == 0
    made, line = capsys.readouterr().out.splitlines()
    file = tmp_path / "keys"
    file.write_text(line, encoding="utf-8")
    assert KeyFile(file).name_of(made) == "clinic"


def test_keys_are_not_guessable() -> None:
    assert len({new_key() for _ in range(100)}) == 100
    assert len(new_key()) >= 43
