"""`off-tanet batch --ray`: the same rows and the same file of results, on a cluster.

`make soak-ray` kills a node during a larger batch.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from off_tanet.configuration import ASSETS
from pyarrow import parquet

nodes = pytest.importorskip("tests.cluster.nodes", reason="needs Ray: make test-ray")

PROGRAM = str(Path(sys.executable).with_name("off-tanet"))
NAMES = ("negative", "positive", "surprise")
PAIRS = 18  # more than a block


@pytest.fixture
def surroundings() -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory(prefix="ray", dir="/tmp", ignore_cleanup_errors=True) as home:
        yield {**os.environ, **nodes.surroundings(home)}


def test_rows_are_scored_once_and_a_bad_one_is_a_row(
    tmp_path: Path, surroundings: dict[str, str]
) -> None:
    """A second run continues where the first ended, here at the end."""
    lines = ["onset,apex"]
    for index in range(PAIRS):
        for frame in ("onset", "apex"):
            sample = ASSETS / "samples" / f"{NAMES[index % 3]}_{frame}.jpg"
            (tmp_path / f"{index}_{frame}.jpg").symlink_to(sample)
        lines.append(f"{index}_onset.jpg,{index}_apex.jpg")
    (tmp_path / "pairs.csv").write_text("\n".join([*lines, "none.jpg,0_apex.jpg\n"]))
    command = [PROGRAM, "batch", "pairs.csv", "-o", "scores.parquet", "--ray", "--json"]
    runs = []
    for _ in range(2):
        ran = subprocess.run(
            command, cwd=tmp_path, env=surroundings, capture_output=True, check=True
        )
        runs.append(json.loads(ran.stdout))
    assert runs[0]["problems"] == {"unreadable_file": 1}
    assert [(run["skipped"], run["scored"]) for run in runs] == [(0, PAIRS), (PAIRS + 1, 0)]
    rows = parquet.read_table(tmp_path / "scores.parquet").to_pylist()
    labels = {row["input.onset"]: row["label"] for row in rows}
    good = {f"{index}_onset.jpg": NAMES[index % 3] for index in range(PAIRS)}
    assert labels == {**good, "none.jpg": None}
    assert len(rows) == PAIRS + 1
