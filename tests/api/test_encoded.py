"""Base64 media: every common spelling is decoded, anything else is refused with its name."""

from __future__ import annotations

import base64
import codecs
import gzip
import json
import string
import zlib
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from off_tanet.schemas import encoded

from tests.support.requests import CLIP, check_problem, pair

ONSET, APEX = pair("positive")
FRAMES = {
    name: base64.b64encode(data).decode() for name, data in (("onset", ONSET), ("apex", APEX))
}

SPELLINGS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda data: base64.b64encode(data),
    "lines": base64.encodebytes,
    "CRLF": lambda data: base64.encodebytes(data).replace(b"\n", b"\r\n"),
    "URL-safe": base64.urlsafe_b64encode,
    "no padding": lambda data: base64.b64encode(data).rstrip(b"="),
    "URL-safe, no padding": lambda data: base64.urlsafe_b64encode(data).rstrip(b"="),
    "data URI": lambda data: b"data:image/jpeg;base64," + base64.b64encode(data),
    "data URI of many words": lambda data: (
        b'DATA:video/webm;codecs="vp8";Base64,' + base64.encodebytes(data).rstrip(b"=\n")
    ),
    "data URI in a URL": lambda data: (
        b"data:;base64," + quote(base64.b64encode(data), safe="").encode()
    ),
    "blanks around": lambda data: b" \n" + base64.b64encode(data) + b"\r\n\t",
}


LETTERS = (string.ascii_letters + string.digits + "+/-_").encode()


@given(st.binary(max_size=300), st.sampled_from(sorted(SPELLINGS)))
def test_every_spelling_is_the_same_file(data: bytes, spelling: str) -> None:
    assert encoded.decode(SPELLINGS[spelling](data)) == data


@given(st.binary(max_size=100) | st.text("AZaz09+/-_= \n,:;", max_size=60).map(str.encode))
def test_any_text_is_decoded_or_an_error(text: bytes) -> None:
    """Nothing is ignored or decoded in part."""
    try:
        data = encoded.decode(text)
    except encoded.EncodedError:
        return
    letters = sum(character in LETTERS for character in text)
    assert len(data) == letters * 6 // 8


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_json_accepts_every_spelling(http: httpx.Client, spelling: str) -> None:
    frames = {
        name: SPELLINGS[spelling](data).decode()
        for name, data in (("onset", ONSET), ("apex", APEX))
    }
    answer = http.post("/v1/predictions", json={"input": {"type": "frames", **frames}})
    assert answer.status_code == 200, answer.text
    assert answer.json()["label"] == "positive"


NO_BASE64 = {
    "a URL": "https://example.org/a.jpg",
    "a path": "/data/a.jpg",
    "a Windows path": "C:\\data\\a.jpg",
    "Python's bytes": str(base64.b64encode(ONSET)),
    "a data URI that is no base64": "data:image/svg+xml,%3Csvg%3E",
    "half of it": base64.b64encode(ONSET).decode()[:41],
    "other letters": "é" * 8,
}


@pytest.mark.parametrize("case", NO_BASE64)
def test_invalid_base64_is_refused_with_the_expected_form(http: httpx.Client, case: str) -> None:
    frames = {"type": "frames", "onset": NO_BASE64[case], "apex": FRAMES["apex"]}
    answer = http.post("/v1/predictions", json={"input": frames})
    detail = str(check_problem(answer, 400, "malformed_base64")["detail"])
    assert "onset: must be base64 of the file's bytes, not a URL or a path" in detail


def test_spaces_instead_of_plus_are_reported(http: httpx.Client) -> None:
    frames = {"type": "frames", "onset": FRAMES["onset"].replace("+", " "), "apex": FRAMES["apex"]}
    answer = http.post("/v1/predictions", json={"input": frames})
    assert "spaces" in str(check_problem(answer, 400, "malformed_base64")["detail"])


def post(http: httpx.Client, content: bytes, kind: str = "application/json") -> httpx.Response:
    return http.post("/v1/predictions", content=content, headers={"Content-Type": kind})


BODY = json.dumps({"input": {"type": "frames", **FRAMES}}).encode()


def test_a_byte_order_mark_is_ignored(http: httpx.Client) -> None:
    """RFC 8259, section 8.1, allows this to a parser, and programs on Windows write it."""
    assert post(http, codecs.BOM_UTF8 + BODY).status_code == 200


@pytest.mark.parametrize("coding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_json_in_another_encoding_is_refused(http: httpx.Client, coding: str) -> None:
    answer = post(http, BODY.decode().encode(coding))
    assert "UTF-8" in str(check_problem(answer, 400, "malformed_json")["detail"])


SHAPES: dict[str, Any] = {
    "flat": FRAMES,
    "inputs": {"inputs": {"type": "frames", **FRAMES}},
    "an array": [{"type": "frames", **FRAMES}],
    "an array as input": {"input": [{"type": "frames", **FRAMES}]},
    "no type": {"input": FRAMES},
    "another type": {"input": {"type": "Frames", **FRAMES}},
    "JSON in JSON": BODY.decode(),
    "nothing": {},
    "null": None,
    "a Buffer of Node": {"input": {"type": "frames", "onset": list(ONSET[:300]), "apex": ""}},
}


@pytest.mark.parametrize("case", SHAPES)
def test_json_of_another_shape_is_refused_with_the_right_shape(
    http: httpx.Client, case: str
) -> None:
    answer = post(http, json.dumps(SHAPES[case]).encode())
    detail = str(check_problem(answer, 422, "invalid_request")["detail"])
    assert '{"input": {"type": "frames", "onset": BASE64, "apex": BASE64}}' in detail


@pytest.mark.parametrize("path", ["/v1/predictions", "/v1/predictions/frames"])
@pytest.mark.parametrize("compressed", [gzip.compress(BODY), zlib.compress(BODY)])
@pytest.mark.parametrize("declared", [True, False])
def test_a_compressed_body_is_recognised(
    http: httpx.Client, path: str, compressed: bytes, declared: bool
) -> None:
    """By its header or by its first bytes; it used to be reported as malformed."""
    kind = "application/json" if path == "/v1/predictions" else "multipart/form-data; boundary=b"
    headers = {"Content-Type": kind} | ({"Content-Encoding": "gzip"} if declared else {})
    answer = http.post(path, content=compressed, headers=headers)
    detail = str(check_problem(answer, 415, "unsupported_media_type")["detail"])
    assert "compressed" in detail
    assert "send it uncompressed" in detail


@pytest.mark.parametrize(
    ("path", "kind", "wanted"),
    [
        ("frames", "image/jpeg", "curl -F onset=@onset.png -F apex=@apex.png"),
        ("clip", "video/mp4", "curl -F video=@clip.mp4"),
        ("video", "application/octet-stream", "curl -F video=@video.mp4"),
        ("clip", "application/x-www-form-urlencoded", "multipart/form-data"),
        ("frames", "", "multipart/form-data"),
        ("", "multipart/form-data; boundary=b", "curl -H 'Content-Type: application/json'"),
    ],
)
def test_another_kind_of_body_is_refused_with_the_right_command(
    http: httpx.Client, path: str, kind: str, wanted: str
) -> None:
    headers = {"Content-Type": kind} if kind else {}
    url = f"/v1/predictions/{path}".rstrip("/")
    answer = http.post(url, content=CLIP.read_bytes(), headers=headers)
    assert wanted in str(check_problem(answer, 415, "unsupported_media_type")["detail"])
