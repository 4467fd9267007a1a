"""Spots the expressions of the long video on standard input, in a process of its own.

    python follow_video.py FPS < VIDEO

Prints milliseconds of processor time for each frame, their shares, and the process's peak memory.
"""

import sys
import time
from pathlib import Path

import cv2
from off_tanet.configuration import Configuration
from off_tanet.limits import MediaLimits
from off_tanet.recognition.recognizer import Recognizer
from off_tanet.workers import malloc
from threadpoolctl import threadpool_limits


def peak_mb() -> float:
    """The peak memory of this process; `getrusage` would include its parent's."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e6


def main() -> None:
    cv2.setNumThreads(1)
    threadpool_limits(1)
    malloc.keep_freed()  # as in a worker
    recognizer = Recognizer(Configuration(media=MediaLimits(video_bytes=1 << 30)))
    recognizer.warm_up()
    start = time.process_time()
    found = recognizer.video(sys.stdin.buffer.read())
    spent = time.process_time() - start
    peak = peak_mb()
    shares = {name: ms / found.timings_ms["total"] for name, ms in found.timings_ms.items()}
    print(
        f"{1e3 * spent / found.frames:.2f} ms a frame ("
        + ", ".join(f"{name} {share:.0%}" for name, share in shares.items() if name != "total")
        + f"), {found.frames / spent / int(sys.argv[1]):.1f} times as fast as it plays, "
        f"the face on {found.frames_with_face} of {found.frames}, {peak:.0f} MB at most"
    )


if __name__ == "__main__":
    main()
