"""Clients in other languages: the programs if installed, otherwise the bytes that they send."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from off_tanet.configuration import ASSETS

from tests.support.requests import CLIP, pair
from tests.support.serving import Server
from tests.support.wire import exchange

PROGRAMS = Path(__file__).with_name("languages")
SAMPLES = ASSETS / "samples"
ONSET, APEX = SAMPLES / "positive_onset.jpg", SAMPLES / "positive_apex.jpg"


def output(*command: str | Path) -> str:
    """The output of a program, which must not fail. Skips the test if it is not installed."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"no {command[0]} here")
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_java_is_answered(server: Server) -> None:
    """Its client asks for HTTP/2 by an Upgrade in each request, with a body."""
    url = f"{server.url}/v1/predictions/frames"
    status, _, body = output("java", PROGRAMS / "Ask.java", url, ONSET, APEX).partition(" ")
    assert (status, json.loads(body)["label"]) == ("200", "positive")


@pytest.mark.parametrize("version", ["--http2", "--http1.1", "--http1.0"])
def test_curl_is_answered_in_every_version(server: Server, version: str) -> None:
    """A plain port speaks HTTP/1.1, whatever else the client offers."""
    files = "-F", f"onset=@{ONSET}", "-F", f"apex=@{APEX}"
    response = output(
        "curl", "-s", version, *files, "-w", "\n%{http_version} %{http_code}",
        f"{server.url}/v1/predictions/frames",
    )  # fmt: skip
    body, _, end = response.rpartition("\n")
    assert (end, json.loads(body)["label"]) == ("1.1 200", "positive")


def test_fetch_of_node_is_answered(server: Server) -> None:
    answers = json.loads(output("node", PROGRAMS / "ask.mjs", server.url, SAMPLES))
    own_header, slip = answers.pop("own header"), answers.pop("slip of a name")
    # Images instead of crops: there is an answer, which may be that nothing is sure.
    assert answers.pop("fields") in {"negative", "positive", "surprise", "unsure"}
    assert answers == {
        "blobs": "positive",
        "uris": "positive",
        "recorded": "surprise",
        "json": "positive",
    }
    assert own_header.startswith("400 The Content-Type of the form has no boundary")
    assert slip.startswith("422 query.Face: unknown name")


HEAD = "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
PATH = "/v1/predictions/frames"


def request(
    body: bytes, content_type: str, *, path: str = PATH, more: str = "", chunked: bool = False
) -> bytes:
    """A request as a client writes it, in one piece or in chunks."""
    head = f"{HEAD.format(path=path)}{more}Content-Type: {content_type}\r\n"
    if not chunked:
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    pieces = [body[at : at + 4096] for at in range(0, len(body), 4096)]
    sent = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + sent + b"0\r\n\r\n"


def parts(boundary: str, *heads: str, contents: tuple[bytes, ...] = ()) -> bytes:
    """A form of the pair, each part preceded by these lines."""
    contents = contents or pair("positive")
    body = b"".join(
        f"--{boundary}\r\n{head}\r\n\r\n".encode() + content + b"\r\n"
        for head, content in zip(heads, contents, strict=True)
    )
    return body + f"--{boundary}--\r\n".encode()


def disposition(name: str, more: str = "") -> str:
    return f'Content-Disposition: form-data; name="{name}"{more}'


DOTNET = "d3b07384-d9a0-4c9b-8f6e-1a2b3c4d5e6f"
GO = "5f0e2ef9a0b3d4c5e6f7a8b9c0d1e2f3a4b5c6d7e8f9"
OCTETS = "\r\nContent-Type: application/octet-stream"
BIG = tuple(content + bytes(1_200_000) for content in pair("positive"))
UPGRADE = (
    "Connection: Upgrade, HTTP2-Settings\r\n"
    "Upgrade: h2c\r\n"
    "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABk\r\n"
)
REQUESTS = {
    ".NET, ByteArrayContent without a file name": request(
        parts(
            DOTNET,
            "Content-Disposition: form-data; name=onset",
            "Content-Disposition: form-data; name=apex",
        ),
        f'multipart/form-data; boundary="{DOTNET}"',
    ),
    ".NET, with file names": request(
        parts(
            DOTNET,
            "Content-Type: image/jpeg\r\nContent-Disposition: form-data; name=onset; "
            "filename=a.jpg; filename*=utf-8''%C3%A4.jpg",
            'Content-Disposition: form-data; name=apex; filename="=?utf-8?B?w6QuanBn?="',
        ),
        f'multipart/form-data; boundary="{DOTNET}"',
        chunked=True,
    ),
    "Go, CreateFormFile": request(
        parts(
            GO,
            disposition("onset", '; filename="a.jpg"') + OCTETS,
            disposition("apex", '; filename="b.jpg"') + OCTETS,
        ),
        f"multipart/form-data; boundary={GO}",
        more="Accept-Encoding: gzip\r\n",
        chunked=True,
    ),
    "Go, CreateFormField": request(
        parts(GO, disposition("onset"), disposition("apex")), f"multipart/form-data; boundary={GO}"
    ),
    "axios, large buffers": request(
        parts("axios", disposition("onset") + OCTETS, disposition("apex") + OCTETS, contents=BIG),
        "multipart/form-data; boundary=axios",
    ),
    "React Native, a type and no name": request(
        parts(
            "rn",
            disposition("onset").lower() + "\r\ncontent-type: image/jpeg",
            disposition("apex").lower() + "\r\ncontent-type: image/jpeg",
        ),
        "multipart/form-data; boundary=rn",
    ),
    "a text type": request(
        parts(
            "text",
            disposition("onset") + "\r\nContent-Type: text/plain; charset=utf-8",
            disposition("apex") + "\r\nContent-Type: application/json",
        ),
        "multipart/form-data; boundary=text",
    ),
    "okhttp, lengths of parts": request(
        parts(
            "ok",
            disposition("onset", '; filename="a"')
            + f"\r\nContent-Length: {len(ONSET.read_bytes())}",
            disposition("apex", '; filename="b"') + f"\r\nContent-Length: {len(APEX.read_bytes())}",
        ),
        "multipart/form-data; boundary=ok",
    ),
    "Apache HttpClient, binary": request(
        parts(
            "ap",
            disposition("onset", '; filename="a"') + "\r\nContent-Transfer-Encoding: binary",
            disposition("apex", '; filename="b"') + "\r\nContent-Transfer-Encoding: 8BIT",
        ),
        "multipart/form-data; boundary=ap; charset=UTF-8",
    ),
    "curl --http2": request(
        parts("h2c", disposition("onset"), disposition("apex")),
        "multipart/form-data; boundary=h2c",
    ).replace(b"Connection: close\r\n", UPGRADE.replace("Upgrade,", "close, Upgrade,").encode(), 1),
    "a preamble and an epilogue": request(
        b"This is a message in MIME format.\r\n\r\n"
        + parts("pre", disposition("onset"), disposition("apex"))
        + b"and words after it\r\n",
        "multipart/form-data; boundary=pre",
    ),
    "no line end at the end": request(
        parts("end", disposition("onset"), disposition("apex"))[:-2],
        "multipart/form-data; boundary=end",
    ),
}


@pytest.mark.parametrize("case", REQUESTS)
def test_a_form_is_read_as_clients_write_it(server: Server, case: str) -> None:
    """A part is a file by its own name, with or without a file name, of any size and type."""
    status, body = exchange(server, REQUESTS[case])
    assert status == 200, body
    assert json.loads(body)["label"]


def encoded_part(encoding: str, content: bytes) -> bytes:
    head = f"{disposition('video')}\r\nContent-Transfer-Encoding: {encoding}"
    body = parts("cte", head, contents=(content,))
    return request(body, "multipart/form-data; boundary=cte", path="/v1/predictions/clip")


def test_a_part_in_base64_is_decoded(server: Server) -> None:
    """RFC 7578 deprecates it, but mail libraries still write it."""
    content = base64.encodebytes(CLIP.read_bytes()).replace(b"\n", b"\r\n")
    status, body = exchange(server, encoded_part("Base64", content))
    assert (status, json.loads(body).get("label")) == (200, "surprise")
    status, body = exchange(server, encoded_part("base64", CLIP.read_bytes()))
    assert (status, json.loads(body)["code"]) == (400, "malformed_base64")


@pytest.mark.parametrize("encoding", ["quoted-printable", "x-gzip"])
def test_another_encoding_of_a_part_is_named(server: Server, encoding: str) -> None:
    """Otherwise its content would be reported as a broken clip."""
    status, body = exchange(server, encoded_part(encoding, CLIP.read_bytes()))
    assert status == 415
    assert "body.video: its Content-Transfer-Encoding" in json.loads(body)["detail"]


BROKEN = {
    "LF alone": (
        parts("b", disposition("onset"), disposition("apex")).replace(b"\r\n", b"\n"),
        "lines end with LF",
    ),
    "LF after a preamble": (b"words\n--b\nContent-Disposition: form-data\n\nx\n--b--\n", "with LF"),
    "another boundary": (parts("other", disposition("onset"), disposition("apex")), "boundary"),
    "cut off": (parts("b", disposition("onset"), disposition("apex"))[:-9], "closing boundary"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_form_is_refused_with_the_reason(server: Server, case: str) -> None:
    body, reason = BROKEN[case]
    status, answered = exchange(server, request(body, "multipart/form-data; boundary=b"))
    problem = json.loads(answered)
    assert (status, problem["code"]) == (400, "malformed_body")
    assert reason in problem["detail"]
