"""Numbers of tensors in JSON, which C++ parses, against those of Python."""

from __future__ import annotations

import json
import math
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from off_tanet.errors import InferenceRequestError
from off_tanet.schemas import json_tensors

NUMBERS = st.from_regex(r"\A-?(0|[1-9][0-9]{0,24})(\.0{0,45}[0-9]{1,25})?([eE][+-]?[0-9]{1,4})?\Z")
SPACES = st.text(" \t\r\n", max_size=2)


WITHOUT_BRACKETS = str.maketrans("", "", "[]")


def parsed(text: str, *shape: int) -> NDArray[np.float32]:
    return json_tensors.parse(memoryview(text.encode()), shape)


def expected(texts: list[str]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        return np.array([float(text) for text in texts]).astype(np.float32)


def assert_same(found: NDArray[np.float32], texts: list[str]) -> None:
    """Bit by bit, with the sign of zero."""
    np.testing.assert_array_equal(found.view(np.int32), expected(texts).view(np.int32))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(SPACES, NUMBERS, SPACES), min_size=1, max_size=8))
@example([("", "0.0000000000000000000000000000000000000000000000000", "")])
@example([("", "9" * 700, ""), ("", f"0.{'0' * 400}1", ""), ("", "1e99999999999999999999", "")])
@example([("", "18446744073709551615", ""), ("", "18446744073709551617", "")])
def test_any_number_of_json_is_the_float_of_python(numbers: list[tuple[str, str, str]]) -> None:
    text = ",".join(map("".join, numbers))
    assert_same(parsed(f"[{text}]", len(numbers)), [number for _, number, _ in numbers])


@settings(max_examples=500, deadline=None)
@given(
    st.integers(0, 0x7F7FFFFE) | st.integers(0x38000000, 0x48000000),
    st.integers(-9, 9),
    st.integers(15, 20),
    st.sampled_from("fe"),
)
def test_close_to_the_middle_between_two_floats(
    bits: int, last: int, digits: int, form: str
) -> None:
    """Arithmetic with doubles alone can err on the side of it."""
    below, above = np.array([bits, bits + 1], np.uint32).view(np.float32).tolist()
    with localcontext(prec=digits):
        middle = (Decimal(below) + Decimal(above)) / 2
        near = middle + last * Decimal(10) ** (middle.adjusted() - digits + 1)
    assert_same(parsed(f"[{near:{form}}, -{near:{form}}]", 2), [f"{near}", f"-{near}"])


@given(st.integers(0, 2**32), st.sampled_from([None, 0, 1]))
def test_nested_numbers_keep_their_places(seed: int, indent: int | None) -> None:
    array = np.random.default_rng(seed).standard_normal((2, 3, 4), np.float32)
    text = json.dumps(array.tolist(), indent=indent)
    np.testing.assert_array_equal(parsed(text, 2, 3, 4), array)


def shape_of(value: Any) -> tuple[int, ...] | None:
    """The shape of nested lists of numbers; None if they are anything else."""
    if isinstance(value, list):
        shapes = {shape_of(each) for each in value}
        (shape,) = shapes if len(shapes) == 1 else (None,)
        return None if shape is None else (len(value), *shape)
    return () if isinstance(value, int | float) and not isinstance(value, bool) else None


def no_constant(text: str) -> float:
    raise ValueError(text)


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_nothing_but_such_lists_is_accepted(data: st.DataObject) -> None:
    """What is accepted of damaged lists is what Python reads as lists of this shape, too."""
    nested = data.draw(st.booleans())
    text = "[[0.5, -12e3],[1E+2 , 1234567890.123456789]]" if nested else "[-0, 1.5e-7,3 ,40.25]"
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        some = data.draw(st.text("[],.-+eE0123456789 xn\0", max_size=2))
        text = text[:at] + some + text[at + data.draw(st.integers(0, 2)) :]
    try:
        read = shape_of(json.loads(text, parse_constant=no_constant))
    except ValueError:
        read = None
    right = (2, 2) if nested else (4,)
    try:
        found = parsed(text, *right)
    except InferenceRequestError:
        assert read not in (right, (math.prod(right),))
    else:
        assert read in (right, (math.prod(right),))
        assert_same(found.ravel(), text.translate(WITHOUT_BRACKETS).split(","))


def test_space_before_nested_lists() -> None:
    assert parsed(" [ [1, 2]]", 1, 2).tolist() == [[1, 2]]


@pytest.mark.parametrize("text", ["[1", "[1,", "[", "", "[1]]", "[1] 2", "[[1]", "[1e]", "[-]"])
def test_text_that_ends_too_early_or_too_late(text: str) -> None:
    with pytest.raises(InferenceRequestError):
        parsed(text, 1)
