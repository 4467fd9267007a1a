"""Hostile requests: bytes on the wire, and what is known of them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from urllib.parse import quote

from tests.fuzz.mutations import CLIPS, PICTURES, mutated, sound, telling

FRAMES, CLIP, VIDEO = (f"/v1/predictions/{kind}" for kind in ("frames", "clip", "video"))
JSON = "/v1/predictions"
INFER = "/v2/models/off-tanet/infer"

_QUERIES = (
    *("face=none",) * 6,
    *("",) * 3,
    "include=flow,attention,motion&face=none",
    "face=auto&face=none",
    "include=flow%2Cflow&face=none",
    "face=%00",
    "include=" + "flow," * 500,
    "%ff%fe=%zz&&&===",
    "face=" + quote("√§…"),
)
_DISPOSITIONS = (
    'form-data; name="{name}"; filename="f"',
    'form-data; name="{name}"',
    'form-data; name={name}; filename=""',
    "form-data; name=\"{name}\"; filename*=utf-8''f%00%ff",
    'form-data; filename="f"',
    'attachment; name="{name}"; filename="f',
    'form-data; name="{name}"; name="apex"; filename="../../etc/passwd"',
    "",
)
_PART_HEADERS = (
    "",
    "Content-Transfer-Encoding: base64\r\n",
    "Content-Type: multipart/mixed; boundary=inner\r\n",
    "Content-Type: \r\n",
    "X: " + "y" * 5000 + "\r\n",
    ": no name\r\n",
    "no colon\r\n",
)
_CHARSETS = ("", "; charset=utf-16", "; charset=idna", "; charset=zlib", "; charset=\xff", ";;=;")
_SCALARS: tuple[object, ...] = (
    None,
    True,
    0,
    -1,
    1e400,
    10**400,
    "",
    "frames",
    "\ud800",
    "A" * 5000,
    [],
    {},
    [[]] * 9,
)


@dataclass(frozen=True, slots=True)
class Case:
    """`request` is all that is sent; a request that is not `whole` may stay without a response."""

    kind: str
    request: bytes
    whole: bool = True


def case(seed: int, index: int) -> Case:
    """The same case for the same two numbers, independent of earlier cases."""
    random = Random(f"{seed}:{index}")
    return random.choice(_MAKERS)(random)


def _http(path: str, body: bytes, content_type: str, headers: str = "") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Connection: close\r\n"
    kind = f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return (head + kind).encode("latin-1") + body


def _form(parts: list[tuple[str, bytes]], boundary: bytes = b"b") -> bytes:
    """Parts, each with its headers, as a multipart body."""
    lines = [b"--%s\r\n%s\r\n%s\r\n" % (boundary, head.encode(), body) for head, body in parts]
    return b"".join(lines) + b"--%s--\r\n" % boundary


def _file(name: str) -> str:
    return f"Content-Disposition: {_DISPOSITIONS[0].format(name=name)}\r\n"


def _path(random: Random, route: str) -> str:
    query = random.choice(_QUERIES)
    return f"{route}?{query}" if query else route


def _pictures(random: Random) -> Case:
    """One image of the pair is damaged, or both in the same way, so that their sizes agree."""
    original = sound(random, PICTURES)
    bad = mutated(random, original)
    pair = random.choice(((bad, bad), (bad, bad), (original.data, bad), (bad, original.data)))
    parts = [(_file("onset"), pair[0]), (_file("apex"), pair[1])]
    request = _http(_path(random, FRAMES), _form(parts), "multipart/form-data; boundary=b")
    return Case(original.kind, request)


def _clips(random: Random) -> Case:
    original = sound(random, CLIPS)
    parts = [(_file("video"), mutated(random, original))]
    for name in ("onset_index", "apex_index"):
        if random.random() < 0.1:
            value = str(random.choice((0, 1, 4, 99, -1, 10**30, "x", "1.5", ""))).encode()
            parts.append((f'Content-Disposition: form-data; name="{name}"\r\n', value))
    streamed = "Accept: text/event-stream\r\n" if random.random() < 0.2 else ""
    body, content_type = _form(parts), "multipart/form-data; boundary=b"
    path = _path(random, random.choice((CLIP, CLIP, CLIP, VIDEO)))
    return Case(original.kind, _http(path, body, content_type, streamed))


def _forms(random: Random) -> Case:
    """Parts that are swapped, missing, repeated, nested or oddly named, in a damaged body."""
    names = random.choices(("onset", "apex", "video", "onset_index", "x" * 300, ""), k=3)
    parts = [
        (
            f"Content-Disposition: {random.choice(_DISPOSITIONS).format(name=name)}\r\n"
            f"{random.choice(_PART_HEADERS)}",
            sound(random, PICTURES + CLIPS).data[: random.choice((0, 10, 10**6))],
        )
        for name in names[: random.randint(0, 3)]
    ]
    boundary = random.choice((b"b", b"b", b"-", b"b" * 70, b"b" * 500))
    body = bytearray(_form(parts, boundary))
    for _ in range(random.choice((0, 1, 1, 3))):
        start = random.randint(0, len(body))
        body[start : start + random.randint(0, 9)] = random.choice((b"", b"\r\n", b"--b", b"\0"))
    declared = f"multipart/form-data; boundary={boundary.decode()}{random.choice(_CHARSETS)}"
    if random.random() < 0.1:
        declared = random.choice(("multipart/form-data", "multipart/form-data; boundary=", ""))
    return Case("form", _http(random.choice((FRAMES, CLIP)), bytes(body), declared))


def _json(random: Random) -> Case:
    """JSON with damaged base64 in it, other values, or damage to its text."""
    original = sound(random, PICTURES + CLIPS)
    data = base64.b64encode(mutated(random, original)).decode()
    content: dict[str, object] = {"type": "frames", "onset": data, "apex": data}
    if original.kind in CLIPS:
        content = {
            "type": "clip",
            "video": data,
            "apex_index": random.choice((None, 1, -5, 10**25)),
        }
    if random.random() < 0.3:
        content[random.choice((*content, "extra"))] = random.choice(_SCALARS)
    return _text(random, JSON, {"input": content}, "application/json")


def _tensors(random: Random) -> Case:
    """Open Inference Protocol: sizes and shapes that disagree, truncated binary tensors."""
    count = random.choice((1, 1, 2, 0, 65, 10**12))
    size = 2 * 112 * 112 * 4
    tensor: dict[str, object] = {"name": "flow", "datatype": "FP32", "shape": [count, 2, 112, 112]}
    tensor["parameters"] = {"binary_data_size": random.choice((size, telling(random, size, 4)))}
    if random.random() < 0.3:
        tensor[random.choice(("name", "shape", "data", "parameters"))] = random.choice(_SCALARS)
    header = json.dumps({"inputs": [tensor]}).encode()
    binary = random.randbytes(random.choice((size, size, size - 1, 0)))
    length = random.choice((len(header), len(header), telling(random, len(header), 4)))
    declared = f"Inference-Header-Content-Length: {length}\r\n"
    return Case("tensors", _http(INFER, header + binary, "application/octet-stream", declared))


def _text(random: Random, path: str, content: object, content_type: str) -> Case:
    text = bytearray(json.dumps(content).encode())
    for _ in range(random.choice((0, 0, 1, 3))):
        start = random.randint(0, min(len(text), random.choice((60, 10**6))))
        damage = (b"", b'"', b"}", b"[" * 20_000, b"\\ud800", b"\xff", b"NaN", b"-", b"1" * 6000)
        text[start : start + random.randint(0, 4)] = random.choice(damage)
    return Case("json", _http(_path(random, path), bytes(text), content_type))


def _messages(random: Random) -> Case:
    """HTTP itself: damaged heads, wrong lengths, endless chunks."""
    request = bytearray(_pictures(random).request)
    end = request.index(b"\r\n\r\n") + 4
    match random.choice(("head", "short", "chunks", "method", "upgrade")):
        case "head":
            place = random.randrange(end)
            request[place : place + 1] = random.choice((b"", b"\0", b"\r\n", b"\xff", b"9" * 30))
        case "short":
            del request[random.randint(end, len(request)) :]
        case "chunks":
            sizes = (b"5\r\nhello\r\n0\r\n\r\n", b"ffffffffffffffff\r\n", b"-1\r\n", b"5\r\nhel")
            head = bytes(request[:end]).replace(b"Content-Length", b"X-Length")
            chunked = head[:-2] + b"Transfer-Encoding: chunked\r\n\r\n"
            request = bytearray(chunked + random.choice(sizes))
        case "method":
            request[:4] = random.choice((b"GET", b"HEAD", b"PUT", b"OPTIONS", b"BREW", b"post"))
        case "upgrade":
            request[end - 2 : end - 2] = b"Upgrade: websocket\r\nExpect: 100-continue\r\n"
    return Case("http", bytes(request), whole=False)


Maker = Callable[[Random], Case]

_MAKERS: tuple[Maker, ...] = (
    *(_pictures,) * 6,
    *(_clips,) * 6,
    *(_json,) * 3,
    *(_forms,) * 3,
    _tensors,
    _messages,
)
