"""The measurable part of the house style; `tests.support.code_metrics` prints the figures."""

from __future__ import annotations

from tests.support.code_metrics import (
    PACKAGES,
    TESTS,
    functions,
    import_cycle,
    is_typed,
    long_files,
    long_functions,
    modules,
)

SOURCES = [module for package in PACKAGES for module in modules(package)]


def test_no_function_is_longer_than_50_lines() -> None:
    """A longer one does more than one thing."""
    assert long_functions([*SOURCES, *modules(TESTS)]) == []


def test_no_file_is_longer_than_300_lines() -> None:
    """A longer one has more than one subject."""
    assert long_files([*SOURCES, *modules(TESTS)]) == []


def test_every_function_is_typed() -> None:
    assert all(is_typed(function) for module in SOURCES for function in functions(module))


def test_no_imports_form_a_cycle() -> None:
    """Neither among modules, nor among packages."""
    assert import_cycle(SOURCES) == []
    assert import_cycle(SOURCES, depth=2) == []
