"""README.md is what people copy from: each example runs as it stands, and answers as it says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from off_tanet.recognition import flow

from tests.support.readme import README, Example, examples, furnish, run, written
from tests.support.serving import Server
from tests.support.transcripts import comparable

TEXT = README.read_text(encoding="utf-8")
EXAMPLES = list(examples(TEXT))
# Another build of the flow was seen to move a probability by 0.002, an apex by 4 frames, and by
# that the strength of an expression by 0.08.
SAME_BUILD = f'"flow_build": "{flow.build_name()}"' in TEXT
TOLERANCE, FRAMES = (2e-3, 0) if SAME_BUILD else (0.2, 5)
ULID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
MEASURED = ("timings_ms", "stages_ms", "duration_ms", "time", "flow_build")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return furnish(tmp_path_factory.mktemp("examples"))


@pytest.mark.parametrize("example", EXAMPLES, ids=map(str, EXAMPLES))
def test_an_example_answers_as_it_says(example: Example, server: Server, folder: Path) -> None:
    """Times and identifiers differ, and the machine; the rest may not, but for a last digit that
    another build of the flow rounds otherwise."""
    printed = run(example, server, folder)
    if not example.shown_as:
        return
    told = written(example, printed)
    if example.shown_as == "json":
        check_same(json.loads(told), json.loads(example.shown))
    elif example.shown_as == "transcript":
        (words, numbers), (shown_words, shown) = comparable(told), comparable(example.shown)
        assert words == shown_words
        assert numbers == pytest.approx(shown, abs=TOLERANCE)
    else:
        assert ULID.sub("", told) == ULID.sub("", example.shown)


def test_there_are_examples() -> None:
    """Were none found, the test above would hold of anything."""
    assert len(EXAMPLES) > 10
    assert sum(example.shown_as == "json" for example in EXAMPLES) > 8
    assert sum(example.shown_as == "transcript" for example in EXAMPLES) >= 4
    assert sum(example.language == "log" for example in EXAMPLES) == 1


def check_same(told: Any, shown: Any, name: str = "") -> None:
    """Of two JSON values words are equal, and numbers nearly; what is measured is in both."""
    if name in MEASURED:
        assert _shape(told) == _shape(shown), name
    elif isinstance(shown, dict):
        assert told.keys() == shown.keys(), name
        for member, part in shown.items():
            check_same(told[member], part, member)
    elif isinstance(shown, list):
        assert len(told) == len(shown), name
        for part, shown_part in zip(told, shown, strict=True):
            check_same(part, shown_part, name)
    elif isinstance(shown, float):
        assert told == pytest.approx(shown, rel=TOLERANCE, abs=TOLERANCE), name
    elif name == "index":
        assert told == pytest.approx(shown, abs=FRAMES)
    else:
        assert type(told) is type(shown), name
        assert _stable(told) == _stable(shown), name


def _stable(value: Any) -> Any:
    """Without what an identifier, or a picture, is made of."""
    return ULID.sub("", value.partition(";base64,")[0]) if isinstance(value, str) else value


def _shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {member: _shape(part) for member, part in value.items()}
    return type(value).__name__


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ({"label": "positive"}, {"label": "negative"}),
        ({"probabilities": {"positive": 0.053}}, {"probabilities": {"positive": 0.982}}),
        ({"warnings": ["cut"]}, {"warnings": []}),
        ({"apex": {"index": 14}}, {"apex": {"index": 20}}),
        ({"quality": 1.0}, {"quality": 1.0, "face": None}),
        ({"timings_ms": {"decode": 1.0}}, {"timings_ms": {"decode": 2.0, "face": 1.0}}),
        ({"face": None}, {"face": "none"}),
    ],
)
def test_answers_that_differ_are_found(told: object, shown: object) -> None:
    """Else README could say of the program what it likes."""
    check_same(shown, shown)
    with pytest.raises(AssertionError):
        check_same(told, shown)


def test_of_a_session_only_what_is_measured_may_change() -> None:
    """The number that gave this test its reason was a probability of an older model."""
    shown = "$ off-tanet predict a b\npositive  0.982  ██  ←\nmodel     off-tanet 1.0.0, 37 ms\n"
    assert comparable(shown) == comparable(shown.replace("37 ms", "4 ms"))
    for other in (("0.982", "0.953"), ("positive", "negative"), ("1.0.0", "1.1.0"), ("37 ms", "")):
        assert comparable(shown) != comparable(shown.replace(*other))
