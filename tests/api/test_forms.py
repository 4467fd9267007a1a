"""Forms: any content gives an answer or a problem, and costs the server only its bytes."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from off_tanet.errors import (
    InvalidRequestError,
    MalformedBase64Error,
    MalformedFormError,
    UnsupportedMediaError,
)
from off_tanet.schemas import multipart, plain_forms
from off_tanet.schemas.forms import ClipForm, FramesForm

from tests.support.processes import processor_seconds
from tests.support.serving import Server
from tests.support.wire import PAIR, exchange, form

BOUNDARY = b"b"


def declared(content_type: str, more: bytes = b"") -> bytes:
    """A valid form with another Content-Type."""
    header = f"Content-Type: {content_type}\r\n".encode("latin-1")
    return form(*PAIR).replace(
        b"Content-Type: multipart/form-data; boundary=b\r\n", header + more, 1
    )


@pytest.mark.parametrize(
    "charset",
    ["punycode", "idna", "utf-16", "utf-7", "latin-1", "hex", "unicode_escape", "none", "x" * 9000],
)
def test_a_form_must_not_name_a_codec(server: Server, charset: str) -> None:
    """Some codecs take minutes for the size of a form, and unknown names are cached."""
    status, body = exchange(server, declared(f"multipart/form-data; boundary=b; charset={charset}"))
    assert (status, json.loads(body)["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("more", [";" * 15_000, "; a=b" * 3000])
@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=b", "application/json"])
def test_a_type_of_thousands_of_parameters_is_not_parsed(
    server: Server, kind: str, more: str
) -> None:
    """Parsing took time quadratic in their number."""
    status, body = exchange(server, declared(kind + more))
    assert (status, json.loads(body)["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"', "utf8"])
def test_utf_8_may_be_named(server: Server, charset: str) -> None:
    assert (
        exchange(server, declared(f"multipart/form-data; boundary=b; charset={charset}"))[0] == 200
    )


@pytest.mark.parametrize("path", ["/v1/predictions", "/v1/predictions/clip"])
def test_json_and_clips_must_not_name_a_codec_either(http: httpx.Client, path: str) -> None:
    kind = "application/json" if path == "/v1/predictions" else "multipart/form-data; boundary=b"
    headers = {"Content-Type": f"{kind}; charset=utf-16"}
    assert http.post(path, content=b"{}", headers=headers).status_code == 415


@pytest.mark.parametrize("coding", ["gzip", "br", "x"])
@pytest.mark.parametrize("path", ["/v1/predictions", "/v1/predictions/frames"])
def test_a_body_declared_as_compressed_is_refused(
    http: httpx.Client, path: str, coding: str
) -> None:
    """Read as it is, it is garbage; decompressed, it could have any size."""
    kind = "application/json" if path == "/v1/predictions" else "multipart/form-data; boundary=b"
    headers = {"Content-Type": kind, "Content-Encoding": coding}
    assert http.post(path, content=b"{}", headers=headers).status_code == 415


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "multipart/mixed; boundary=b", "text/plain", ""]
)
def test_another_kind_of_body_is_refused_unread(http: httpx.Client, kind: str) -> None:
    """Parsing megabytes of ampersands would block all other requests."""
    headers = {"Content-Type": kind} if kind else {}
    answer = http.post("/v1/predictions/frames", content=b"&" * 8_000_000, headers=headers)
    assert answer.status_code == 415


def test_a_form_without_a_boundary_is_malformed(server: Server) -> None:
    status, body = exchange(server, declared("multipart/form-data"))
    assert (status, json.loads(body)["code"]) == (400, "malformed_body")


PREFIX = b'--b\r\nContent-Disposition: form-data; name="onset"; filename="o"\r\n\r\n'
HOGS = {
    "false boundaries": PREFIX + b"\r\n--ba" * 300_000,
    "a boundary and blanks": PREFIX + b"\r\n--b" + b" " * 2_000_000,
    "carriage returns": PREFIX + b"\r" * 2_000_000,
    "a preamble of line ends": b"\r\n" * 1_000_000,
    "an epilogue": PREFIX + b"\r\n--b--" + b"--b\r\n" * 400_000,
}


@pytest.mark.parametrize("case", HOGS)
def test_no_body_costs_the_server_more_than_its_bytes(
    server: Server, http: httpx.Client, case: str
) -> None:
    """The server process serves every client, so workers do the parsing."""
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    body = HOGS[case]
    http.post("/v1/predictions/frames", content=bytes(len(body)), headers=headers)
    before = processor_seconds(server.process.pid)
    answer = http.post("/v1/predictions/frames", content=body, headers=headers)
    spent = processor_seconds(server.process.pid) - before
    assert answer.status_code in (400, 422)
    assert spent < 0.5  # a form of these bytes took the parser seconds


def body_of(*parts: tuple[str, bytes], boundary: bytes = BOUNDARY) -> bytes:
    """A form of files."""
    header = b'Content-Disposition: form-data; name="%s"; filename="f"\r\n\r\n'
    joined = b"".join(
        b"--" + boundary + b"\r\n" + header % name.encode() + content + b"\r\n"
        for name, content in parts
    )
    return joined + b"--" + boundary + b"--\r\n"


almost_boundaries = st.lists(
    st.sampled_from([b"\r\n", b"--", b"b", b"\r\n--", b"\r", b"a", b"\r\n--B"]), max_size=30
).map(b"".join)
contents = st.binary(max_size=200) | almost_boundaries


@given(contents, contents)
def test_parts_are_read_as_they_were_sent(onset: bytes, apex: bytes) -> None:
    """The boundary occurs in no part, so none is cut short."""
    boundary = b"a boundary that occurs nowhere"
    body = body_of(("onset", onset), ("apex", apex), boundary=boundary)
    parsed = FramesForm.parse(body, boundary)
    assert (parsed.onset, parsed.apex) == (onset, apex)


HEADERS = (
    b'Content-Disposition: form-data; name="onset"',
    b'Content-Disposition: form-data; name="apex"; filename="a.jpg"\r\nContent-Type: image/jpeg',
    b'content-disposition: form-data; name="onset"; filename="b; name=x"\r\ncontent-type: a',
    b'Content-Disposition: form-data; name="onset"; name="apex"',
    b'Content-Disposition: form-data; filename="c"; name="apex"',
    b'Content-Disposition: form-data; name="face"',
    b'Content-Disposition: form-data; name="onset"\r\nContent-Transfer-Encoding: base64',
    b"Content-Type: image/jpeg",
)
ENDS = st.sampled_from([b"\r\n--b--\r\n", b"\r\n--b--", b"\r\n--b--x", b"\r\n--b", b""])
written_parts = st.builds(
    lambda headers, content: b"\r\n--b\r\n" + headers + b"\r\n\r\n" + content,
    st.sampled_from(HEADERS),
    contents,
)


@given(st.lists(written_parts, max_size=4).map(b"".join), ENDS)
@settings(max_examples=300)
def test_plain_forms_are_read_as_by_the_parser_of_all_forms(begin: bytes, end: bytes) -> None:
    """The short way must not accept a form that the parser refuses, or read it differently."""
    body, names = (begin + end)[2:], multipart.Names({"onset", "apex"}, {"face"})
    plain = plain_forms.split(body, BOUNDARY, names.files, 16)
    if plain is not None:
        assert plain == multipart.parse(body, BOUNDARY, names)


def test_forms_of_clients_are_plain() -> None:
    """Otherwise the short way would be of no use."""
    pictures: dict[str, Any] = {"onset": ("o.jpg", b"\r\n", "image/jpeg"), "apex": b"--"}
    sent = httpx.Request("POST", "http://localhost", files=pictures)
    boundary = sent.headers["Content-Type"].partition("boundary=")[2].encode()
    for body in (sent.read(), body_of(("onset", b"\r\n"), ("apex", b"--"), boundary=boundary)):
        found = plain_forms.split(body, boundary, {"onset", "apex"}, 16)
        assert found == [("onset", b"\r\n"), ("apex", b"--")]
    assert plain_forms.split(body, boundary, {"onset", "apex"}, 1) is None


@given(st.binary(max_size=400) | almost_boundaries.map(lambda data: PREFIX + data))
@settings(max_examples=300)
def test_any_body_is_a_form_or_an_error_of_the_request(body: bytes) -> None:
    try:
        parsed = ClipForm.parse(body, BOUNDARY)
    except (MalformedFormError, InvalidRequestError, UnsupportedMediaError, MalformedBase64Error):
        return
    assert parsed.video in body


@pytest.mark.parametrize("content", [b"\xff\xfe", b"1" * 65, b"\xef\xbc\x91x", b"1\x00", b"nan"])
def test_an_index_is_a_small_number(content: bytes) -> None:
    """The bytes of a field are checked before they are decoded as text."""
    field = b'--b\r\nContent-Disposition: form-data; name="apex_index"\r\n\r\n' + content + b"\r\n"
    with pytest.raises((InvalidRequestError, MalformedFormError)):
        ClipForm.parse(field + body_of(("video", b"v")), BOUNDARY)


def test_a_file_needs_no_name() -> None:
    """Some clients send no file name; the part's own name identifies it."""
    video = b'--b\r\nContent-Disposition: form-data; name="video"\r\n\r\n' + bytes(1000) + b"\r\n"
    assert ClipForm.parse(video + b"--b--\r\n", BOUNDARY).video == bytes(1000)
