"""Clips decoded here and by the installed `ffmpeg`: number, times, geometry and pixels.

FFmpeg turns and mirrors frames as their container says; pixels that are not square are stretched
by its filter as they are here.
"""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import IO

import av
import numpy as np
from numpy.typing import NDArray
from off_tanet.errors import OffTanetError
from off_tanet.limits import MediaLimits
from off_tanet.recognition.media import containers
from off_tanet.recognition.media.video import ClipStream, open_video
from off_tanet.types import Frame, Pixels

from tests.check_media.tally import Tally

_VIDEOS = """3g2 3gp asf avi dv f4v flv gif h264 h265 m2ts m4v mkv mov mp4 mpeg mpg mts mxf ogv qt
ts vob webm wmv"""
ENDINGS = frozenset(f".{name}" for name in _VIDEOS.split())
MOST_LEVELS = 3.0  # of 255 on average; two releases of a scaler differ by it
MOST_SECONDS = 0.0015  # containers count in milliseconds
SQUARE = "scale='if(gt(sar,1),round(iw*sar),iw)':'if(lt(sar,1),round(ih/sar),ih)':flags=bilinear"
_LIMITS = MediaLimits(video_pixels=8192 * 4320)
_POINTER = b"version https://git-lfs"


def check(folder: Path) -> Tally:
    """Compare every clip below `folder`."""
    files, alike = 0, 0
    refused: Counter[str] = Counter()
    differing: list[str] = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in ENDINGS or not path.is_file():
            continue
        data = path.read_bytes()
        if data.startswith(_POINTER):
            continue
        files += 1
        try:
            reported = difference(path, data)
        except OffTanetError as error:
            refused[_reason(error)] += 1
            continue
        alike += not reported
        if reported:
            differing.append(f"{path.relative_to(folder)}: {reported}")
    return Tally("clips", files, alike, dict(refused), differing)


def difference(path: Path, data: bytes) -> str:
    """How the two decoders differ; empty if they agree. Raises OffTanetError."""
    clip = open_video(data, _LIMITS)
    times: list[float] = []
    apart = count = 0.0
    stream = _stream(path)
    with _frames(path, stream) as frames:
        for ours, theirs in zip_longest(_kept(clip, times), frames):
            if ours is None or theirs is None:
                count += (theirs is not None) - (ours is not None)
            elif ours.pixels.shape != theirs.shape:
                return f"{ours.pixels.shape[:2]} instead of {theirs.shape[:2]} pixels"
            else:
                apart = max(apart, _levels(ours.pixels, theirs))
    said = [f"{apart:.1f} levels"] if apart > MOST_LEVELS else []
    said += [f"{-count:+.0f} frames"] if count else []
    said += [] if count else _steps(path, stream, data, np.array(times))
    if said and clip.damaged:
        said.append("reported as damaged")
    return ", ".join(said)


def _kept(clip: ClipStream, times: list[float]) -> Iterator[Frame]:
    for frame in clip:
        times.append(frame.time_s)
        yield frame


def _levels(ours: Pixels, theirs: Pixels) -> float:
    return float(np.abs(ours.astype(np.int16) - theirs).mean())


def _steps(path: Path, stream: int, data: bytes, times: NDArray[np.float64]) -> list[str]:
    """The largest difference of times; those of an AVI are counted and must be even."""
    if containers.kind_of(data) is containers.Kind.AVI:
        steps = np.diff(times)
        uneven = float(np.abs(steps / steps.min() - np.round(steps / steps.min())).max())
        return [f"uneven steps of {steps.min():.4f} to {steps.max():.4f} s"] if uneven > 0.1 else []
    theirs = _times(path, stream)
    if len(theirs) != len(times) or np.isnan(theirs).any():
        return []
    apart = float(np.abs(times - (theirs - theirs[0])).max())
    return [f"{apart:.4f} s"] if apart > MOST_SECONDS else []


def _times(path: Path, stream: int) -> NDArray[np.float64]:
    command = ["ffprobe", "-v", "quiet", "-select_streams", str(stream), "-of", "csv=p=0"]
    command += ["-show_entries", "frame=best_effort_timestamp_time", str(path)]
    reported = subprocess.run(command, capture_output=True, check=False).stdout
    words = [line.split(",")[0] for line in reported.decode().split()]
    return np.array([float(word) if re.match(r"-?\d", word) else np.nan for word in words])


def _stream(path: Path) -> int:
    """The best video stream, if there are several."""
    with av.open(str(path)) as file:
        found = file.streams.best("video")
        return 0 if found is None else found.index


@contextmanager
def _frames(path: Path, stream: int) -> Iterator[Iterator[Pixels]]:
    """Each frame decoded by FFmpeg, as displayed; as PPM images, which contain their size."""
    command = [
        "ffmpeg",
        "-v",
        "quiet",
        "-nostdin",
        "-i",
        str(path),
        "-map",
        f"0:{stream}",
        "-vf",
        SQUARE,
    ]
    command += ["-fps_mode", "passthrough", "-c:v", "ppm", "-pix_fmt", "rgb24"]
    with subprocess.Popen([*command, "-f", "image2pipe", "-"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield _pictures(process.stdout)
        process.kill()


def _pictures(stream: IO[bytes]) -> Iterator[Pixels]:
    while stream.readline() == b"P6\n":
        width, height = map(int, stream.readline().split())
        stream.readline()
        pixels = np.frombuffer(stream.read(3 * width * height), np.uint8)
        yield pixels.reshape(height, width, 3)[..., ::-1]


def _reason(error: OffTanetError) -> str:
    return f"{error.status} {error.detail}"
