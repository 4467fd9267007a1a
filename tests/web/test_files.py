"""Choosing and dropping files: their order, what goes together, and what is refused in words."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from off_tanet.configuration import SAMPLES
from playwright.sync_api import FilePayload, Route, expect

from tests.support import factories
from tests.web.visit import Visit, upload

NAMES = "(input) => [...input.files].map((file) => file.name)"
MAKE = """async ([names, kind]) => {
    const transfer = new DataTransfer();
    for (const name of names) {
        const moment = /apex/.test(name) ? "apex" : "onset";
        const answer = await fetch(`web/negative_${moment}.jpg`);
        const blob = await answer.blob();
        transfer.items.add(new File([blob], name, { type: blob.type }));
    }
    const event = new DragEvent(kind, { dataTransfer: transfer, bubbles: true });
    document.body.dispatchEvent(event);
}"""


def drag(visit: Visit, kind: str, names: Sequence[str] = ("a.jpg",)) -> None:
    """Let the browser report files above the page, or dropped on it."""
    visit.page.evaluate(MAKE, [list(names), kind])


def picture(name: str) -> FilePayload:
    return upload(name, (SAMPLES / "negative_onset.jpg").read_bytes())


def test_files_can_be_dropped_anywhere_and_the_page_says_so(visit: Visit) -> None:
    """Not only on the field, which is out of sight on a phone."""
    hint = visit.page.get_by_text("Drop the files anywhere on this page")
    expect(hint).to_be_hidden()
    drag(visit, "dragenter")
    expect(hint).to_be_visible()
    drag(visit, "dragleave")
    expect(hint).to_be_hidden()
    drag(visit, "dragenter")
    drag(visit, "drop", ["n_apex.jpg", "n_onset.jpg"])
    expect(hint).to_be_hidden()
    assert visit.field("onset").evaluate(NAMES) == ["n_onset.jpg"]
    assert visit.field("apex").evaluate(NAMES) == ["n_apex.jpg"]
    expect(visit.page.locator("img.preview")).to_have_count(2)
    visit.analyse()
    visit.expect_answer("negative")


def test_frames_are_in_natural_order(visit: Visit) -> None:
    """By letters, img105 comes before img46, and the expression runs backwards."""
    drag(visit, "drop", ["img105.jpg", "img46.jpg"])
    assert visit.field("onset").evaluate(NAMES) == ["img46.jpg"]
    assert visit.field("apex").evaluate(NAMES) == ["img105.jpg"]


def test_two_files_chosen_in_one_field_fill_both(visit: Visit) -> None:
    visit.field("apex").set_input_files([picture("img105.jpg"), picture("img46.jpg")])
    assert visit.field("onset").evaluate(NAMES) == ["img46.jpg"]
    assert visit.field("apex").evaluate(NAMES) == ["img105.jpg"]


def test_further_frames_are_refused_in_words(visit: Visit) -> None:
    """Three pictures were once silently taken as the first two."""
    visit.field("onset").set_input_files([picture(f"img{index}.jpg") for index in (9, 10, 11)])
    visit.expect_problem("These files are too many for one answer")
    expect(visit.alert).to_contain_text("3 files: img9.jpg, img10.jpg, img11.jpg")
    assert visit.field("onset").evaluate(NAMES) == []


def test_refused_files_leave_nothing_behind(visit: Visit) -> None:
    """Neither their names and pictures, nor the result of the files before them."""
    visit.page.get_by_role("button", name="A smile").click()
    visit.expect_answer("positive")
    visit.field("onset").set_input_files([picture(f"img{index}.jpg") for index in (9, 10, 11)])
    visit.expect_problem("These files are too many for one answer")
    expect(visit.page.locator(".preview")).to_have_count(0)
    expect(visit.answer).to_have_count(0)
    assert visit.field("apex").evaluate(NAMES) == []


def test_one_frame_replaces_several_pairs(visit: Visit) -> None:
    """A half of them would be analysed with the new frame."""
    names = [f"{name}_{moment}.jpg" for name in "ab" for moment in ("onset", "apex")]
    visit.field("onset").set_input_files([picture(name) for name in names])
    assert visit.field("apex").evaluate(NAMES) == ["a_apex.jpg", "b_apex.jpg"]
    visit.field("onset").set_input_files(picture("c.jpg"))
    assert visit.field("onset").evaluate(NAMES) == ["c.jpg"]
    assert visit.field("apex").evaluate(NAMES) == []


def test_pictures_and_clips_do_not_go_together(visit: Visit) -> None:
    visit.page.get_by_label("A clip", exact=True).check()
    clip = upload("clip.mp4", (SAMPLES / "clip.mp4").read_bytes())
    visit.field("clip").set_input_files([clip, picture("a.jpg")])
    visit.expect_problem("These files do not go together")


def test_limits_are_shown_before_anyone_meets_them(visit: Visit) -> None:
    limit = visit.page.locator("#limit")
    expect(limit).to_have_text("Up to 67 MB together and 51 megapixels each.")
    visit.page.get_by_label("A clip", exact=True).check()
    expect(limit).to_have_text("Up to 67 MB, 30 s and 1000 frames.")
    visit.page.get_by_label("A long video").check()
    expect(limit).to_have_text("Up to 134 MB, 20 min and 72000 frames.")


@pytest.mark.slow
def test_a_clip_that_is_too_long_is_noticed_before_it_is_sent(visit: Visit) -> None:
    film = factories.webm([factories.portrait()] * 31, fps=1)  # browsers play it
    visit.choose("A clip", clip=upload("long.webm", film))
    visit.expect_problem("This clip is longer than a clip may be")
    expect(visit.alert).to_contain_text("Choose “A long video” above")
    expect(visit.alert).to_contain_text("long.webm lasts 31 s; at most 30 s are accepted")


def test_the_refusal_of_a_proxy_is_not_taken_for_one_of_the_service(visit: Visit) -> None:
    """Its 413 is a page of HTML; the service's own limit is another one."""
    visit.refused = True
    page = "<html><h1>413 Request Entity Too Large</h1></html>"
    visit.page.route(
        "**/v1/predictions/*",
        lambda route: route.fulfill(status=413, content_type="text/html", body=page),
    )
    visit.choose("A clip", clip=SAMPLES / "clip.mp4")
    visit.analyse()
    visit.expect_problem("A server on the way refused the file as too large")


def test_without_the_limits_the_service_itself_refuses(visit: Visit) -> None:
    """An older service has no such file; the page must work without it."""
    visit.refused = True

    def refuse(route: Route) -> None:
        body = {"code": "limit_exceeded", "detail": "The body has more than 9 bytes."}
        route.fulfill(status=413, content_type="application/problem+json", body=json.dumps(body))

    visit.page.route("**/web/service.json", lambda route: route.fulfill(status=404, body="{}"))
    visit.page.route("**/v1/predictions/*", refuse)
    visit.page.reload()
    expect(visit.page.locator("#limit")).to_have_text("")
    visit.choose("A clip", clip=SAMPLES / "clip.mp4")
    visit.analyse()
    visit.expect_problem("The file is over a limit of the service")
    expect(visit.alert).to_contain_text("more than 9 bytes")


def test_a_problem_of_the_files_does_not_send_them(visit: Visit) -> None:
    """A gigabyte need not be uploaded to be refused."""
    sent: list[str] = []
    visit.page.on("request", lambda request: sent.append(request.method))
    limits = {"body_bytes": 1000, "video_bytes": 1000, "image_pixels": 10**6}
    limits |= {"seconds": 30, "frames": 10, "video_seconds": 30, "video_frames": 10}
    visit.page.route("**/web/service.json", lambda route: route.fulfill(json=limits))
    visit.page.reload()
    expect(visit.page.locator("#limit")).to_contain_text("0 MB")
    visit.choose("A clip", clip=SAMPLES / "clip.mp4")
    visit.analyse()
    visit.expect_problem("The file is larger than the service accepts")
    assert "POST" not in sent
