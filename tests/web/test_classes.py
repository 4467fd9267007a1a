"""The page with a model of other classes: it knows their names from the answers alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from off_tanet.configuration import ASSETS
from off_tanet_export.checkpoint import save
from off_tanet_export.export import export
from off_tanet_export.shipped import load_shipped
from off_tanet_export.training.final import with_classes
from playwright.sync_api import Browser, expect

from tests.support.serving import serving
from tests.web.visit import visiting

CLASSES = ("Lächeln", "惊讶", "AU 4 (7+)", "the brows go up and the mouth opens", "b")
SAMPLES = ASSETS / "samples"


@pytest.mark.slow
def test_the_page_shows_the_classes_of_the_model(browser: Browser, tmp_path: Path) -> None:
    """Each with its probability, in the model's order, and on a narrow screen within the page."""
    save(with_classes(load_shipped(), CLASSES, seed=0), tmp_path / "model.safetensors")
    export(tmp_path / "model.safetensors", tmp_path / "model.onnx")
    with (
        serving(tmp_path, model=tmp_path / "model.onnx", workers=1) as server,
        visiting(browser, server.url, width=400) as visit,
    ):
        onset, apex = (SAMPLES / f"positive_{moment}.jpg" for moment in ("onset", "apex"))
        visit.choose("Two frames", onset=onset, apex=apex)
        visit.analyse()
        expect(visit.answer).to_be_visible(timeout=30_000)
        table = visit.page.get_by_role("table", name="Probabilities of the classes")
        rows = table.get_by_role("row")
        assert [row.get_by_role("rowheader").inner_text() for row in rows.all()] == [*CLASSES]
        shares = [float(row.get_by_role("cell").last.inner_text()) for row in rows.all()]
        assert sum(shares) == pytest.approx(1, abs=0.005)
        width = visit.page.evaluate("document.documentElement.scrollWidth")
        assert width <= 400
