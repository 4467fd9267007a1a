"""Decoding ahead: the same frames, errors in their place, and a thread that ends."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from contextlib import closing

import pytest
from off_tanet.recognition.media.ahead import read_ahead


class Item:
    """One that can be referred to weakly."""


def test_items_come_in_their_order() -> None:
    assert list(read_ahead(range(100))) == list(range(100))
    assert list(read_ahead([])) == []


def test_an_error_comes_after_the_items_before_it() -> None:
    """A clip that breaks off must fail as it does without the thread."""

    def broken() -> Iterator[int]:
        yield from (1, 2, 3)
        raise ValueError("broken")

    items = read_ahead(broken())
    assert [next(items) for _ in range(3)] == [1, 2, 3]
    with pytest.raises(ValueError, match="broken"):
        next(items)


def test_few_items_wait() -> None:
    """A long video in memory as a whole would take gigabytes."""
    made: list[weakref.ref[Item]] = []

    def items() -> Iterator[Item]:
        for _ in range(200):
            item = Item()
            made.append(weakref.ref(item))
            yield item

    most = 0
    for item in read_ahead(items()):
        most = max(most, sum(each() is not None for each in made))
        del item
    assert most <= 4


def test_the_thread_ends_with_a_reader_that_stops() -> None:
    """A request that fails on its first frame must not decode the rest."""
    before = threading.active_count()
    made = []

    def items() -> Iterator[int]:
        for number in range(1000):
            made.append(number)
            yield number

    with closing(read_ahead(items())) as reader:
        assert next(reader) == 0
    assert threading.active_count() == before
    assert len(made) <= 5
