"""A few hundred of the fuzzing cases, of which `make soak` sends tens of thousands."""

from __future__ import annotations

import pytest

from tests.fuzz import checks
from tests.fuzz.cases import case
from tests.fuzz.sender import Answer, Tally, send_all
from tests.support.serving import Server

SEED = 4
DEADLINE_S = 30.0


@pytest.mark.slow
def test_mutated_uploads_are_answered_and_affect_no_other(server: Server) -> None:
    """Media decoders are the weakest part of such services; no upload may crash this one."""
    tally = send_all(server.port, SEED, range(300), DEADLINE_S)
    assert not tally.faults
    assert checks.unexplained(server, tally) == []
    assert tally.total(200) > 10  # some damage is harmless: other cases get past the first checks
    checks.check_sample(server)


def test_a_case_is_reproducible() -> None:
    """A fault that was found must be found again."""
    assert [case(SEED, index) for index in (7, 3)] == [case(SEED, index) for index in (3, 7)][::-1]


@pytest.mark.parametrize(
    "fault", [Answer(500, "internal_error", 0.1, "the service failed"), Answer(0, "", 0.1, "none")]
)
def test_a_fault_is_kept_with_the_name_of_its_case(fault: Answer) -> None:
    tally = Tally()
    tally.note("4:17", "png", fault)
    tally.note("4:18", "png", Answer(200, "", 0.2))
    assert list(tally.faults) == ["4:17"]
    assert tally.total(200) == 1
