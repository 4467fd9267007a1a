"""Live streams share their workers: a stream of 20 minutes must not keep another client out."""

from __future__ import annotations

from pathlib import Path

from off_tanet.api.middleware.auth import digest, new_key

from tests.support import factories
from tests.support.live import streaming
from tests.support.serving import serving

FACE = factories.jpeg(factories.portrait())
GREEDY, POLITE, LATE = new_key(), new_key(), new_key()


def test_a_client_cannot_keep_all_workers(tmp_path: Path) -> None:
    """Its newest stream makes room for a client that has none; its only one would not."""
    file, home = tmp_path / "keys", tmp_path / "home"
    keys = {"greedy": GREEDY, "polite": POLITE, "late": LATE}
    lines = [f"{digest(key)} {name}\n" for name, key in keys.items()]
    file.write_text("".join(lines), encoding="utf-8")
    home.mkdir()
    with (
        serving(home, workers=1, stream_workers=2, api_keys=file) as server,
        streaming(server) as first,
        streaming(server) as second,
        streaming(server) as third,
        streaming(server) as polite,
        streaming(server) as late,
    ):
        first.begin(key=GREEDY)
        second.begin(key=GREEDY)
        third.start(key=GREEDY)
        assert third.problem() == ("queue_full", 1013)
        second.ask(0, FACE)
        polite.begin(key=POLITE)
        found, code = second.ended()
        assert [name for name, _ in found] == ["spotting", "problem"]
        assert (found[-1][1]["code"], code) == ("queue_full", 1013)
        late.start(key=LATE)
        assert late.problem() == ("queue_full", 1013)
        for stream in (first, polite):
            assert stream.ask(0, FACE)[-1][0] == "frame"
