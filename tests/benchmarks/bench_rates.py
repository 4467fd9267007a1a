"""The same motion at any frame rate, length, size and codec: what is found, as a table.

    make bench-rates        (about ten minutes on one core)

A brow raise of 0.23 s is rendered for the clip route at 24 to 1,000 frames a second, 0.4 to 20 s
long, on faces of 60 to 400 pixels and in several codecs; three slower ones for the video route.
Every row should read the same.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace

import cv2
from off_tanet.recognition.recognizer import Recognizer
from threadpoolctl import threadpool_limits

from tests.support import encoders, factories, moving_portrait
from tests.support.moving_portrait import Take

RATES = (24, 30, 50, 100, 200, 400, 1000)
SIZES = (60, 89, 115, 180, 270, 400)
LENGTHS = ((0.4, 0.2), (0.5, 0.2), (2.4, 1.0), (5.0, 2.0), (9.6, 4.0))
"""Seconds, and the place of the apex."""
CODECS = ("libx264", "mpeg4", "mjpeg", "libvpx-vp9")
CONTAINERS = {"libvpx-vp9": "webm"}

CLIP = Take(50, noise=2.0)
VIDEO = Take(25, 12.0, (2.4, 5.2, 8.4), rise_s=0.2, fall_s=0.24)


def encoded(take: Take, codec: str = "libx264") -> bytes:
    pictures = list(moving_portrait.film(take))
    if codec == "mjpeg":
        return factories.avi(pictures, take.fps)
    container = CONTAINERS.get(codec, "mp4")
    options = {"crf": "16", "preset": "veryfast"} if codec == "libx264" else {"b": "4M"}
    return encoders.film(pictures, container, codec, fps=round(take.fps), options=options)


def clips() -> Iterator[tuple[str, Take, str]]:
    """What is varied, how it is rendered, and the codec."""
    for fps in RATES:
        yield f"{fps} fps", replace(CLIP, fps=fps), "libx264"
    for px in SIZES:
        yield f"{px} px", replace(CLIP, face_px=px), "libx264"
    for seconds, apex_s in LENGTHS:
        long = replace(CLIP, fps=100, seconds=seconds, apexes_s=(apex_s,))
        yield f"{seconds} s", long, "libx264"
    for codec in CODECS:
        yield codec, CLIP, codec


def videos() -> Iterator[tuple[str, Take]]:
    for fps in RATES:
        short = replace(VIDEO, seconds=2.5, apexes_s=(1.2,)) if fps > 100 else VIDEO
        yield f"{fps} fps", replace(short, fps=fps)
    for px in SIZES:
        yield f"{px} px", replace(VIDEO, face_px=px)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--where", choices=("brows", "mouth"), default="brows")
    where = parser.parse_args().where
    cv2.setNumThreads(1)
    threadpool_limits(1)
    recognizer = Recognizer()
    print(f"{'clip':12} {'label':10} {'onset':>7} {'apex':>7} {'true':>7}  warnings")
    for name, take, codec in clips():
        found = recognizer.clip(encoded(replace(take, where=where), codec))
        print(
            f"{name:12} {found.label:10} {found.onset.time_s:7.3f} {found.apex.time_s:7.3f} "
            f"{take.apexes_s[0]:7.3f}  {', '.join(found.quality.warnings)}",
            flush=True,
        )
    print(f"{'video':12} {'true apexes':16} found: apex, kind, label, pixels")
    for name, take in videos():
        each = [
            f"{one.apex.time_s:.2f} {one.kind} {one.prediction.label if one.prediction else '-'} "
            f"{one.strength_px:.2f}"
            for one in recognizer.video(encoded(replace(take, where=where))).expressions
        ]
        true = " ".join(f"{apex_s:g}" for apex_s in take.apexes_s)
        print(f"{name:12} {true:16} {'; '.join(each)}", flush=True)


if __name__ == "__main__":
    main()
