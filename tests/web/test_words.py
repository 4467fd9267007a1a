"""The page's texts: every word that the service sends has one, the same as elsewhere."""

from __future__ import annotations

import re

import pytest
from off_tanet.types import REASONS, Reason

from tests.support.paths import ROOT

WORDS = (ROOT / "service/off_tanet/web/texts.en.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("reason", REASONS)
def test_a_reason_has_the_words_of_the_command_line_and_an_advice(reason: Reason) -> None:
    entry = re.search(rf'^  {reason}: \[\s*"([^"]+)",\s*"([^"]+)",?\s*\],$', WORDS, re.M)
    assert entry is not None
    assert entry[1] == REASONS[reason]
    assert entry[2].endswith(".")
