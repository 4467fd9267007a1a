"""Checks the running container; its Python reads this program from standard input.

`inside.py [WORKERS]`: sends all sample pairs, one in every format of pictures, and the clip to the
service, and checks the environment of its user. WORKERS is the expected number of workers.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import sys
import tempfile
import urllib.request
from collections.abc import Mapping
from importlib.resources import files
from importlib.util import find_spec

import cv2
import numpy as np

URL = "http://127.0.0.1:8000"
CLASSES = ("negative", "positive", "surprise")
COMPILERS = ("cc", "gcc", "c++", "g++", "clang", "as", "ld", "make", "cmake", "ninja")


def main(workers: str | None = None) -> None:
    check_user()
    check_read_only()
    check_lean()
    check_samples()
    if workers is not None:
        check_workers(int(workers))


def check_user() -> None:
    ids = os.getresuid() + os.getresgid()
    expect(0 not in ids, f"the user is {os.getuid()}:{os.getgid()}, not root")


def check_read_only() -> None:
    places = ("/", "/tmp", "/var/tmp", "/run", "/opt/off-tanet", files("off_tanet"))  # nosec B108
    expect(not any(map(writable, places)), "no place to write to")


def writable(place: object) -> bool:
    try:
        with tempfile.TemporaryFile(dir=str(place)):
            return True
    except OSError:
        return False


def check_lean() -> None:
    found = [name for name in COMPILERS if shutil.which(name)]
    expect(not found, f"no compiler{''.join(f', but {name}' for name in found)}")
    expect(find_spec("torch") is None, "no PyTorch")


def check_samples() -> None:
    for name in CLASSES:
        pictures = {frame: sample(f"{name}_{frame}.jpg") for frame in ("onset", "apex")}
        label = recognise({"type": "frames", **pictures})
        expect(label == name, f"the sample pair {name} is {label}")
    for kind in ("bmp", "png", "tiff", "webp"):
        pictures = {frame: converted(f"surprise_{frame}.jpg", kind) for frame in ("onset", "apex")}
        label = recognise({"type": "frames", **pictures})
        expect(label == "surprise", f"the sample pair surprise as {kind.upper()} is {label}")
    label = recognise({"type": "clip", "video": sample("clip.mp4")})
    expect(label == "surprise", f"the sample clip is {label}")


def sample(name: str) -> str:
    return base64.b64encode((files("off_tanet") / "assets/samples" / name).read_bytes()).decode()


def converted(name: str, kind: str) -> str:
    picture = cv2.imdecode(
        np.frombuffer(base64.b64decode(sample(name)), np.uint8), cv2.IMREAD_COLOR
    )
    assert picture is not None
    return base64.b64encode(cv2.imencode(f".{kind}", picture)[1].tobytes()).decode()


def recognise(media: Mapping[str, str]) -> str:
    body = json.dumps({"input": media}).encode()
    request = urllib.request.Request(
        f"{URL}/v1/predictions", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return str(json.load(response)["label"])


def check_workers(expected: int) -> None:
    with urllib.request.urlopen(f"{URL}/metrics", timeout=10) as response:
        text = response.read().decode()
    found = re.search(r'^off_tanet_workers\{state="alive"\} (\S+)$', text, re.MULTILINE)
    alive = float(found[1]) if found else 0
    expect(alive == expected, f"{alive:g} worker(s) for a quota of {expected}")


def expect(holds: bool, what: str) -> None:
    """Print a check that passes; end with exit code 1 if it fails."""
    if not holds:
        sys.exit(f"failed: {what}")
    print(f"ok: {what}")


if __name__ == "__main__":
    main(*sys.argv[1:])
