"""Progress bars: closed before an error is printed, which would else stand within the bar."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from off_tanet_export.checkpoint import save
from off_tanet_export.commands import main
from off_tanet_export.graph import PUBLISHED

from tests.model_export import examples
from tests.model_export.test_evaluation import data
from tests.support.code_metrics import PACKAGES, modules


def test_an_error_has_a_line_of_its_own(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """While a bar is shown: these weights need raw flow, as the first prediction finds."""
    save(replace(examples.checkpoint(), preprocessing=PUBLISHED), tmp_path / "c")
    np.savez(tmp_path / "maps.npz", **data())
    files = ["--checkpoint", str(tmp_path / "c"), "--maps", str(tmp_path / "maps.npz")]
    assert main(["evaluate", *files]) == 2
    err = capfd.readouterr().err
    assert "checkpoint/s]" in err
    assert err.splitlines()[-1].startswith("off-tanet: the checkpoint takes maps of")
    assert "\noff-tanet: " in err


def test_every_bar_is_closed_by_a_with_statement() -> None:
    """An error holds the loop that it left, and so an open bar, until it has been printed."""
    for module in modules(PACKAGES[1]):
        nodes = list(ast.walk(module.tree))
        statements = [node for node in nodes if isinstance(node, ast.With)]
        managed = [item.context_expr for node in statements for item in node.items]
        for call in _calls(nodes, "enter_context"):
            managed += call.args
        bars = _calls(nodes, "tqdm")
        assert [bar for bar in bars if bar not in managed] == [], module.name


def _calls(nodes: list[ast.AST], name: str) -> list[ast.Call]:
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    return [call for call in calls if ast.unparse(call.func).endswith(name)]
