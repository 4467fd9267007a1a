"""README.md is what people copy from: each example runs as it stands, and answers as it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.readme import README, Example, examples, furnish, run, written
from tests.serving import Server

TEXT = README.read_text(encoding="utf-8")
EXAMPLES = list(examples(TEXT))
TELLING = ("label", "code", "name", "status", "kind", "type", "id", "datatype")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return furnish(tmp_path_factory.mktemp("examples"))


@pytest.mark.parametrize("example", EXAMPLES, ids=map(str, EXAMPLES))
def test_an_example_answers_as_it_says(example: Example, server: Server, folder: Path) -> None:
    """Times and identifiers differ; the fields, the classes and the codes may not."""
    printed = run(example, server.url, folder)
    if not example.shown_as:
        return
    told = written(example, printed)
    if example.shown_as == "json":
        assert _shape(json.loads(told)) == _shape(json.loads(example.shown))
    else:
        assert _events(told) == _events(example.shown)


def test_there_are_examples() -> None:
    """Were none found, the test above would hold of anything."""
    assert len(EXAMPLES) > 10
    assert sum(example.shown_as == "json" for example in EXAMPLES) > 8


def _shape(value: Any, name: str = "") -> Any:
    """The names of all members, and the values of those that do not change from run to run."""
    if isinstance(value, dict):
        return {member: _shape(part, member) for member, part in value.items()}
    if isinstance(value, list):
        return [_shape(part) for part in value]
    stable = name in TELLING and len(str(value)) != len("01M844AYQE12ETWR4MFDT95RHJ")
    return value if stable else type(value).__name__


def _events(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("event: ")]
