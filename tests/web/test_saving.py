"""What one can take away: JSON, CSV, PNG and PDF, made in the browser from the shown answer."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from off_tanet.configuration import SAMPLES
from playwright.sync_api import Route, expect

from tests.web.visit import Visit, upload


def saved(visit: Visit, folder: Path, label: str) -> Path:
    """Press a button and return the file that the browser saves."""
    with visit.page.expect_download(timeout=30_000) as download:
        visit.page.get_by_role("button", name=label, exact=True).click()
    file = folder / download.value.suggested_filename
    download.value.save_as(file)
    return file


def rows(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig"))))


def text_of(pdf: bytes) -> list[str]:
    """The texts of a PDF as the page writes them: strings in hexadecimal."""
    found = re.findall(rb"<([0-9a-f]+)> Tj", pdf)
    return [bytes.fromhex(text.decode()).decode("cp1252") for text in found]


def check_pdf(pdf: bytes, pages: int) -> None:
    """Check the structure that readers need: header, table of places, and each place in it."""
    assert pdf.startswith(b"%PDF-1.4")
    assert pdf.endswith(b"%%EOF\n")
    assert pdf.count(b"/Type /Page ") == pages
    start = int(pdf.rsplit(b"startxref\n", 1)[1].split(b"\n")[0])
    assert pdf[start : start + 5] == b"xref\n"
    places = re.findall(rb"(\d{10}) 00000 n \n", pdf[start:])
    for number, place in enumerate(places, 1):
        assert pdf[int(place) :].startswith(b"%d 0 obj\n" % number)
    for length, data in re.findall(rb"/Length (\d+) >>\nstream\n(.*?)\nendstream", pdf, re.DOTALL):
        assert len(data) == int(length)


def many(route: Route) -> None:
    """Answer with 90 expressions."""
    moment = {"index": 3, "time_s": 0.1}
    expression = {
        "id": "01A",
        "kind": "micro",
        "label": "surprise",
        "reason": None,
        "probabilities": {"negative": 0.1, "positive": 0.1, "surprise": 0.8},
        "expression_probability": 0.9,
        **dict.fromkeys(("onset", "apex", "offset", "classified"), moment),
        "strength_px": 1.0,
        "confidence": 0.9,
        "quality": {"motion_px": 1.0, "head_motion_px": 0.1, "warnings": []},
        "face": None,
        "timings_ms": {},
        "model": {"name": "off-tanet", "version": "1"},
    }
    spotting = {
        "id": "01B",
        "model": expression["model"],
        "expressions": [expression] * 90,
        "events": [],
        "warnings": [],
        "timings_ms": {},
        "video": {
            "frames": 9000,
            "frames_with_face": 9000,
            "seconds": 300.0,
            "judged_s": 300.0,
            "unjudged_s": {},
        },
    }
    events = [("expression", expression)] * 90 + [("spotting", spotting)]
    body = "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events)
    route.fulfill(status=200, content_type="text/event-stream", body=body)


def ask_for_the_clip(visit: Visit) -> None:
    visit.choose("A clip", clip=SAMPLES / "clip.mp4")
    visit.analyse()
    visit.expect_answer("surprise")


def test_numbers_of_a_clip(visit: Visit, tmp_path: Path) -> None:
    """The file is named after the clip, and has the numbers of the page."""
    ask_for_the_clip(visit)
    file = saved(visit, tmp_path, "Save as JSON")
    assert file.name == "off-tanet-clip.json"
    answer = json.loads(file.read_text(encoding="utf-8"))
    assert answer["label"] == "surprise"
    assert len(answer["motion"]["strength_px"]) == 30
    assert not {"flow", "crops"} & set(answer)  # pictures are in the report
    (row,) = rows(saved(visit, tmp_path, "Save as CSV"))
    assert row["file"] == "clip.mp4"
    assert row["label"] == "surprise"
    assert float(row["probability_surprise"]) == answer["probabilities"]["surprise"]
    assert int(row["apex_frame"]) == answer["apex"]["index"]


def test_a_report_of_a_clip(visit: Visit, tmp_path: Path) -> None:
    ask_for_the_clip(visit)
    png = np.fromfile(saved(visit, tmp_path, "Save as PNG"), np.uint8)
    report = cv2.imdecode(png, cv2.IMREAD_COLOR)
    assert report is not None
    assert report.shape[1] == pytest.approx(1654, abs=1)  # A4 at 200 dots to the inch
    assert report.std() > 30
    pdf = saved(visit, tmp_path, "Save as PDF").read_bytes()
    check_pdf(pdf, pages=1)
    texts = text_of(pdf)
    shown = json.loads(saved(visit, tmp_path, "Save as JSON").read_text(encoding="utf-8"))
    percent = 100 * shown["probabilities"]["surprise"]
    assert texts[0] == f"Closest class: surprise ({percent:.1f}%)"
    assert "onset 0.017 s" in texts
    assert any("must not be used to make" in text for text in texts)
    assert pdf.count(b"/Subtype /Image") == 6


def test_a_report_of_a_pair_without_a_label_gives_the_reason(visit: Visit, tmp_path: Path) -> None:
    still = SAMPLES / "positive_onset.jpg"
    visit.choose("Two frames", onset=still, apex=still)
    visit.analyse()
    visit.expect_reason("The face hardly moves.")
    pdf = saved(visit, tmp_path, "Save as PDF").read_bytes()
    check_pdf(pdf, pages=1)
    texts = text_of(pdf)
    assert texts[0] == "No expression to name"
    assert any(text.startswith("The face hardly moves. The classes below") for text in texts)


def test_the_name_of_a_file_can_do_no_harm(visit: Visit, tmp_path: Path) -> None:
    """Spreadsheets run what begins with `=`; a name may have a comma, or letters of any script."""
    clip = (SAMPLES / "clip.mp4").read_bytes()
    visit.choose("A clip", clip=upload("=1+1, 表情.mp4", clip))
    visit.analyse()
    visit.expect_answer("surprise")
    file = saved(visit, tmp_path, "Save as CSV")
    assert file.name == "off-tanet-1-1-表情.csv"
    assert rows(file)[0]["file"] == "'=1+1, 表情.mp4"
    pdf = saved(visit, tmp_path, "Save as PDF").read_bytes()
    check_pdf(pdf, pages=1)
    assert pdf.count(b"/Subtype /Image") == 7  # letters that the font does not have are drawn


@pytest.mark.slow
def test_the_whole_list_of_a_long_video(visit: Visit, tmp_path: Path) -> None:
    visit.choose("A long video", video=SAMPLES / "video.mp4")
    visit.analyse()
    everything = visit.page.get_by_role("button", name="Save all as PDF")
    expect(everything).to_be_visible(timeout=180_000)
    answer = json.loads(saved(visit, tmp_path, "Save all as JSON").read_text(encoding="utf-8"))
    assert len(answer["expressions"]) == 3
    assert len(answer["motion"]["times_s"]) >= 55
    listed = rows(saved(visit, tmp_path, "Save all as CSV"))
    assert [row["label"] for row in listed] == ["surprise", "negative", "positive"]
    assert [row["kind"] for row in listed] == ["micro", "micro", "macro"]
    pdf = saved(visit, tmp_path, "Save all as PDF").read_bytes()
    check_pdf(pdf, pages=1)
    texts = text_of(pdf)
    assert texts[0] == "3 expressions in 6.2 s of video"
    assert sum(text.startswith(("surprise", "negative", "positive")) for text in texts) == 3
    assert pdf.count(b"/Subtype /Image") == 6
    png = saved(visit, tmp_path, "Save all as PNG").read_bytes()
    assert png.startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_list_of_many_expressions_goes_on_over_pages(visit: Visit, tmp_path: Path) -> None:
    """An hour of video has more expressions than fit on a page; none is left out."""
    visit.choose("A long video", video=SAMPLES / "video.mp4")
    visit.page.route("**/v1/predictions/video*", many)
    visit.analyse()
    expect(visit.page.get_by_text("90 expressions in")).to_be_visible(timeout=180_000)
    pdf = saved(visit, tmp_path, "Save all as PDF").read_bytes()
    check_pdf(pdf, pages=2)
    assert text_of(pdf).count("micro") == 90
