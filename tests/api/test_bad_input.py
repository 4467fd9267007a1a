"""Bad input: each gets a problem with the right code, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import numpy as np
import pytest

from tests.support import factories
from tests.support.requests import CLIP, ask_clip, ask_frames, check_complete, check_problem
from tests.support.serving import Server, serving

PORTRAIT = factories.portrait()
GOOD = factories.jpeg(PORTRAIT)


BAD_PICTURES = {
    "empty": (b"", 422, "undecodable_media"),
    "truncated jpeg": (factories.truncated(GOOD), 422, "undecodable_media"),
    "truncated png": (factories.truncated(factories.png(PORTRAIT)), 422, "undecodable_media"),
    "text as jpeg": (factories.text(), 415, "unsupported_media_type"),
    "a pdf": (b"%PDF-1.7\n" + factories.text(), 415, "unsupported_media_type"),
    "a clip": (factories.mp4(factories.frames()), 415, "unsupported_media_type"),
    "an image bomb": (factories.claiming_png(30_000, 30_000), 413, "limit_exceeded"),
    "a single pixel": (factories.png(np.zeros((1, 1, 3), np.uint8)), 422, "no_face"),
    "no face": (factories.png(factories.picture(480, 640)), 422, "no_face"),
}


@pytest.mark.parametrize("case", BAD_PICTURES)
def test_a_bad_picture_is_a_problem(http: httpx.Client, case: str) -> None:
    """Either image of the pair may be bad, whatever its file name claims."""
    data, status, code = BAD_PICTURES[case]
    check_problem(ask_frames(http, data, data), status, code)
    if code != "no_face":
        check_problem(ask_frames(http, GOOD, data), status, code)


GOOD_PICTURES = {
    "grey": factories.png(factories.grey(PORTRAIT)),
    "16-bit": factories.png(factories.sixteen_bit(PORTRAIT)),
    "16-bit grey tiff": factories.tiff(factories.sixteen_bit(factories.grey(PORTRAIT))),
    "alpha": factories.png(
        factories.with_alpha(PORTRAIT, np.full(PORTRAIT.shape[:2], 255, np.uint8))
    ),
    "cmyk": factories.cmyk_jpeg(PORTRAIT),
    "webp": factories.webp(PORTRAIT),
    "bmp": factories.bmp(PORTRAIT),
}


@pytest.mark.parametrize("case", GOOD_PICTURES)
def test_an_unusual_picture_works(http: httpx.Client, case: str) -> None:
    """Real cameras and databases write all of these."""
    answer = ask_frames(http, GOOD_PICTURES[case], GOOD_PICTURES[case])
    assert answer.status_code == 200, answer.text
    check_complete(answer.json())


BAD_CLIPS = {
    "empty": (b"", 422, "undecodable_media"),
    "truncated": (factories.mp4(factories.frames())[:200], 422, "undecodable_media"),
    "text": (factories.text(), 415, "unsupported_media_type"),
    "one frame": (factories.gif(factories.frames(1)), 422, "too_few_frames"),
    "audio only": (factories.sound_only_mp4(), 422, "undecodable_media"),
    "a sound file": (factories.wav(), 415, "unsupported_media_type"),
    "a picture": (factories.jpeg(factories.picture()), 415, "unsupported_media_type"),
    "no face": (factories.mp4(factories.frames()), 422, "no_face"),
}


@pytest.mark.parametrize("kind", ["clip", "video"])
@pytest.mark.parametrize("case", BAD_CLIPS)
def test_a_bad_clip_is_a_problem(http: httpx.Client, case: str, kind: str) -> None:
    data, status, code = BAD_CLIPS[case]
    answer = http.post(f"/v1/predictions/{kind}", files={"video": data})
    check_problem(answer, status, code)


def test_frames_of_different_sizes(http: httpx.Client) -> None:
    """There is no flow between frames of different sizes."""
    smaller = factories.jpeg(PORTRAIT[:400, :400])
    check_problem(ask_frames(http, GOOD, smaller), 422, "frame_sizes_differ")


@pytest.mark.parametrize(
    ("onset", "apex", "code"),
    [
        ("5", "5", "onset_not_before_apex"),
        ("6", "2", "onset_not_before_apex"),
        ("0", "9999", "frame_index_out_of_range"),
        ("-1", "3", "invalid_request"),
        ("one", "3", "invalid_request"),
    ],
)
def test_bad_indices(http: httpx.Client, onset: str, apex: str, code: str) -> None:
    data = {"onset_index": onset, "apex_index": apex}
    answer = http.post("/v1/predictions/clip", data=data, files={"video": CLIP.read_bytes()})
    check_problem(answer, 422, code)


def test_a_missing_part_is_named(http: httpx.Client) -> None:
    answer = http.post("/v1/predictions/frames", files={"onset": GOOD})
    assert "apex" in str(check_problem(answer, 422, "invalid_request")["detail"])


def test_a_wrong_query_is_named(http: httpx.Client) -> None:
    answer = ask_frames(http, GOOD, GOOD, include="flow,everything")
    assert "include" in str(check_problem(answer, 422, "invalid_request")["detail"])


def test_malformed_multipart(http: httpx.Client) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=here"}
    body = b"--here\r\nContent-Disposition: form-data\r\n\r\nbroken"
    answer = http.post("/v1/predictions/frames", content=body, headers=headers)
    check_problem(answer, 400, "malformed_body")


def test_a_form_of_a_thousand_parts(http: httpx.Client) -> None:
    """Each part takes memory before it is parsed."""
    files = [("onset", GOOD[:10]) for _ in range(1000)]
    check_problem(http.post("/v1/predictions/frames", files=files), 400, "malformed_body")


def test_json_instead_of_a_form_and_the_reverse(http: httpx.Client) -> None:
    check_problem(http.post("/v1/predictions/frames", json={}), 415, "unsupported_media_type")
    answer = http.post("/v1/predictions", files={"onset": GOOD})
    check_problem(answer, 415, "unsupported_media_type")


BAD_JSON = {
    "not json": (b'{"input": ', 400, "malformed_json"),
    "no input": (b"{}", 422, "invalid_request"),
    "a list": (b"[]", 422, "invalid_request"),
    "an unknown type": (b'{"input": {"type": "tea"}}', 422, "invalid_request"),
    "bad base64": (
        b'{"input": {"type": "clip", "video": "@@@"}}',
        400,
        "malformed_base64",
    ),
    "a number for base64": (b'{"input": {"type": "clip", "video": 7}}', 422, "invalid_request"),
    "not utf-8": (b'{"input": "\xff"}', 400, "malformed_json"),
    "a list of thousands": (b'{"input": [' + b"{}," * 5000 + b"0]}", 422, "invalid_request"),
    "lists without an end": (b"[" * 100_000, 400, "malformed_json"),
    "an unknown field": (
        b'{"input": {"type": "clip", "video": "", "colour": 1}}',
        422,
        "invalid_request",
    ),
}


@pytest.mark.parametrize("case", BAD_JSON)
def test_bad_json(http: httpx.Client, case: str) -> None:
    content, status, code = BAD_JSON[case]
    headers = {"Content-Type": "application/json"}
    answer = http.post("/v1/predictions", content=content, headers=headers)
    check_problem(answer, status, code)


def test_unknown_routes_and_methods_are_problems(http: httpx.Client) -> None:
    check_problem(http.get("/v1/nothing"), 404, "not_found")
    check_problem(http.get("/v1/predictions/frames"), 405, "method_not_allowed")


def test_a_problem_never_echoes_the_upload(http: httpx.Client) -> None:
    """Error pages and logs must not leak private images."""
    mark = "A-MARK-THAT-ONLY-THE-UPLOAD-HAS"
    json_body = {"input": {"type": "clip", "video": mark + "!"}}
    answers = [
        ask_frames(http, mark.encode(), mark.encode()),
        ask_clip(http, mark.encode()),
        http.post("/v1/predictions", json=json_body),
        http.post("/v1/predictions", json={"input": {"type": mark}}),
        http.post("/v1/predictions", json={"input": {"type": "frames", "onset": [mark]}}),
        http.post("/v1/predictions", json={"input": {"type": "frames", "colour": mark}}),
        http.post("/v1/predictions", json={"input": {"type": "frames", "x" * 40 + mark: mark}}),
        ask_frames(http, GOOD, GOOD, face=mark, include=mark),
        http.post("/v1/predictions/clip", files={"video": GOOD}, data={"onset_index": mark}),
    ]
    for answer in answers:
        assert answer.status_code >= 400
        assert mark not in answer.text


def test_a_harmless_request_id_of_the_client_is_kept(http: httpx.Client) -> None:
    given = http.get("/health/live", headers={"X-Request-ID": "order-17"})
    assert given.headers["x-request-id"] == "order-17"
    forged = http.get("/health/live", headers={"X-Request-ID": "a b\tc"})
    assert forged.headers["x-request-id"] != "a b\tc"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with small limits. Each is a setting, which its problem names."""
    with serving(
        tmp_path_factory.mktemp("small"),
        max_body_bytes=200_000,
        max_image_pixels=100_000,
        max_frames=5,
        workers=1,
    ) as running:
        yield running


def test_a_declared_body_over_the_limit(small: Server) -> None:
    with small.client() as http:
        answer = ask_frames(http, bytes(300_000), b"")
        assert check_problem(answer, 413, "limit_exceeded")["limit"] == "max_body_bytes"


def test_a_streamed_body_over_the_limit(small: Server) -> None:
    """Without a Content-Length the bytes are counted as they arrive."""
    head = b'--here\r\nContent-Disposition: form-data; name="onset"; filename="o"\r\n\r\n'
    chunks = (part for part in [head, *[bytes(50_000)] * 6])
    headers = {"Content-Type": "multipart/form-data; boundary=here"}
    with small.client() as http:
        answer = http.post("/v1/predictions/frames", content=chunks, headers=headers)
        assert check_problem(answer, 413, "limit_exceeded")["limit"] == "max_body_bytes"


def test_pixels_over_the_limit(small: Server) -> None:
    with small.client() as http:
        data = factories.jpeg(PORTRAIT[:400, :400])
        problem = check_problem(ask_frames(http, data, data), 413, "limit_exceeded")
        assert problem["limit"] == "max_image_pixels"


def test_frames_over_the_limit(small: Server) -> None:
    with small.client() as http:
        answer = ask_clip(http, factories.mp4(factories.frames(8)))
        assert check_problem(answer, 413, "limit_exceeded")["limit"] == "max_frames"


def test_nothing_is_left_behind(server: Server, http: httpx.Client) -> None:
    """Uploads are never written to disk, not even large ones, which libraries spool to files."""
    noise = np.random.default_rng(0).integers(0, 255, (1200, 1200, 3), np.uint8)
    large = factories.png(noise)
    assert len(large) > 3_000_000
    check_problem(ask_frames(http, large, large), 422, "no_face")
    assert list(server.home.iterdir()) == []
    written = [line for line in server.log if "Traceback" in line or "Error" in line]
    assert written == []
