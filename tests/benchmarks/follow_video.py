"""Decodes and tracks the long video on standard input, in a process that holds nothing else.

    python follow_video.py FPS < VIDEO

Prints milliseconds of processor time for each frame, and the process's memory at its largest.
"""

import sys
import time
from pathlib import Path

import cv2

from service.recognition.clips import open_video
from service.recognition.face import FaceDetector
from service.recognition.media import MediaLimits
from service.recognition.recognizer import ASSETS
from service.recognition.tracking import FaceTrack


def peak_mb() -> float:
    """The most that this process has held; `getrusage` would count its parent's memory, too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e6


def main() -> None:
    cv2.setNumThreads(1)
    track = FaceTrack(FaceDetector(ASSETS))
    limits = MediaLimits(upload_bytes=1 << 30)
    start, count, shown = time.process_time(), 0, 0
    for frame in open_video(sys.stdin.buffer.read(), limits):
        shown += track.view(frame.pixels).crop is not None
        count += 1
    spent = time.process_time() - start
    peak = peak_mb()
    print(
        f"{1e3 * spent / count:.2f} ms a frame to decode and track, "
        f"{count / spent / int(sys.argv[1]):.0f} times as fast as it plays, "
        f"the face on {shown} of {count}, {peak:.0f} MB at most"
    )


if __name__ == "__main__":
    main()
