"""Stops the service while it works: `stopping.py PID`, run in the container by its Python.

Sends SIGTERM to the server once its worker has a clip, and expects the answer all the same.
"""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files

URL = "http://127.0.0.1:8000"
PATIENCE_S = 30


def main(server: str) -> None:
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(clip_label)
        wait_for_work()
        os.kill(int(server), signal.SIGTERM)
        label = answer.result(PATIENCE_S)
    if label != "surprise":
        sys.exit(f"failed: a clip that was admitted before SIGTERM is {label}")
    print("ok: a clip that was admitted before SIGTERM is answered")


def clip_label() -> str:
    clip = (files("off_tanet") / "assets/samples/clip.mp4").read_bytes()
    media = {"type": "clip", "video": base64.b64encode(clip).decode()}
    request = urllib.request.Request(
        f"{URL}/v1/predictions",
        json.dumps({"input": media}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:
        return str(json.load(response)["label"])


def wait_for_work() -> None:
    give_up = time.monotonic() + PATIENCE_S
    while workers("idle") == workers("alive"):
        if time.monotonic() > give_up:
            sys.exit("failed: no worker has taken the clip")


def workers(state: str) -> float:
    with urllib.request.urlopen(f"{URL}/metrics", timeout=PATIENCE_S) as response:
        text = response.read().decode()
    found = re.search(rf'^off_tanet_workers{{state="{state}"}} (\S+)$', text, re.MULTILINE)
    return float(found[1]) if found else 0.0


if __name__ == "__main__":
    main(*sys.argv[1:])
