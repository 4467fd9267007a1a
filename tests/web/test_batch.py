"""Several files at once: a table that fills as answers come, can be sorted, and taken away."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from off_tanet.configuration import SAMPLES
from playwright.sync_api import FilePayload, Locator, expect

from tests.support import factories
from tests.web.test_access import check_accessible
from tests.web.test_problems import long_clip
from tests.web.visit import Visit, upload


def pair(name: str, label: str) -> dict[str, FilePayload]:
    """Onset and apex of a sample under other names."""
    return {
        moment: upload(f"{name}_{moment}.jpg", (SAMPLES / f"{label}_{moment}.jpg").read_bytes())
        for moment in ("onset", "apex")
    }


def table(visit: Visit) -> Locator:
    return visit.page.get_by_role("region", name="Several files").get_by_role("table")


def column(visit: Visit, index: int) -> list[str]:
    cells = table(visit).locator(f"tbody tr > :nth-child({index})")
    return cells.all_inner_texts()


def test_pairs_fill_a_table_that_can_be_sorted_and_saved(visit: Visit, tmp_path: Path) -> None:
    """Names that differ only in onset and apex belong together, in natural order."""
    pairs = [pair("s10", "positive"), pair("s9", "surprise"), pair("s2", "negative")]
    visit.field("onset").set_input_files([file for each in pairs for file in each.values()])
    visit.analyse()
    count = visit.page.get_by_text("3 of 3 files answered")
    expect(count).to_be_visible(timeout=180_000)
    assert column(visit, 1) == ["s2", "s9", "s10"]
    assert [text.split()[0] for text in column(visit, 2)] == ["negative", "surprise", "positive"]
    check_accessible(visit.page)
    visit.page.get_by_role("button", name="Sort by Label").click()
    assert [text.split()[0] for text in column(visit, 2)] == ["negative", "positive", "surprise"]
    visit.page.get_by_role("button", name="Sort by Label").click()
    assert [text.split()[0] for text in column(visit, 2)] == ["surprise", "positive", "negative"]
    head = visit.page.get_by_role("columnheader", name="Label")
    expect(head).to_have_attribute("aria-sort", "descending")
    visit.page.get_by_role("button", name="Show s10").click()
    visit.expect_answer("positive")
    with visit.page.expect_download() as download:
        visit.page.get_by_role("button", name="Save all as CSV").click()
    file = tmp_path / "all.csv"
    download.value.save_as(file)
    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig"))))
    labels = {row["file"]: row["label"] for row in rows}
    assert labels == {"s2": "negative", "s9": "surprise", "s10": "positive"}


def test_a_clip_that_fails_does_not_stop_the_others(visit: Visit) -> None:
    """Its row says why; the rows fill one after the other."""
    wall = upload("1-wall.mp4", factories.mp4(factories.frames()))
    clip = upload("2-clip.mp4", (SAMPLES / "clip.mp4").read_bytes())
    visit.page.get_by_label("A clip", exact=True).check()
    visit.field("clip").set_input_files([clip, wall])
    visit.analyse()
    expect(visit.page.get_by_text("2 of 2 files answered")).to_be_visible(timeout=180_000)
    failed, answered = table(visit).locator("tbody tr").all()
    expect(failed).to_contain_text("No face was found")
    expect(answered).to_contain_text("surprise")
    expect(answered).to_contain_text("frame 2, 0.017 s – frame 14, 0.117 s")
    visit.page.get_by_role("button", name="Show 2-clip.mp4").click()
    visit.expect_answer("surprise")
    expect(visit.page.get_by_role("slider", name="apex")).to_be_visible()


@pytest.mark.slow
def test_cancelling_stops_the_remaining_files(visit: Visit) -> None:
    long = long_clip()
    visit.page.get_by_label("A clip", exact=True).check()
    visit.field("clip").set_input_files([upload(f"{name}.mp4", long) for name in "ab"])
    visit.analyse()
    expect(visit.page.locator("#count")).to_contain_text("of 600", timeout=30_000)
    visit.page.get_by_role("button", name="Cancel").click()
    expect(visit.page.get_by_text("Cancelled.")).to_be_visible()
    expect(visit.page.get_by_role("progressbar")).to_be_hidden()
    expect(visit.page.get_by_text("0 of 2 files answered")).to_be_visible()
