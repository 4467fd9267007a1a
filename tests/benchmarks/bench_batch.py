"""The throughput of a batch: rows a second on one worker and on all cores, against one Recognizer.

    make bench-batch        (about two minutes)
    python -m tests.benchmarks.bench_batch --pairs 2000 --clips 200

All figures of one kind come from one run with the same files: pairs of 640 x 480 JPEG images with a
face in them, and clips of 100 such frames in H.264, detection on. The time until the workers are
warm is given separately. Processor time shows what an idle machine would reach, wall time what this
one did: one process decodes clips on a second core, so that two workers cannot be twice as fast.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import cv2
from off_tanet.batch.journal import Journal, JsonLines
from off_tanet.batch.rows import Row
from off_tanet.batch.runner import score_rows
from off_tanet.batch.scoring import score
from off_tanet.configuration import Configuration
from off_tanet.limits import EngineLimits
from off_tanet.recognition.recognizer import Recognizer
from off_tanet.workers import malloc
from threadpoolctl import threadpool_limits

from tests.benchmarks import bench_clip
from tests.benchmarks.bench_serve import framed
from tests.support.encoders import film
from tests.support.processes import processor_seconds, workers_of


@dataclass(frozen=True)
class Moment:
    """Wall time, and the processor time of this process and its workers, in seconds."""

    wall_s: float
    processor_s: float

    @classmethod
    def now(cls) -> Moment:
        here = os.getpid()
        spent = sum(map(processor_seconds, [here, *workers_of(here)]))
        return cls(time.perf_counter(), spent)


@dataclass(frozen=True)
class Rate:
    """Rows a second of wall time, and milliseconds of processor time for each row."""

    per_s: float
    each_ms: float

    @property
    def cores(self) -> float:
        """The cores that were in use, on average."""
        return self.per_s * self.each_ms / 1e3

    @classmethod
    def between(cls, start: Moment, end: Moment, rows: int) -> Rate:
        wall_s, processor_s = end.wall_s - start.wall_s, end.processor_s - start.processor_s
        return cls(rows / wall_s, 1e3 * processor_s / rows)


def alone(rows: list[Row]) -> Rate:
    """One Recognizer in this process."""
    cv2.setNumThreads(1)
    malloc.keep_freed()  # as in a worker, like the limit of threads
    recognizer = Recognizer()
    recognizer.warm_up()
    with threadpool_limits(1):
        start = Moment.now()
        for row in rows:
            score(row, recognizer)
    return Rate.between(start, Moment.now(), len(rows))


async def batch(rows: list[Row], workers: int, output: Path) -> Rate:
    """From the first quarter on, when all workers are warm."""
    done, warm = 0, len(rows) // 4
    with Journal(output, JsonLines()) as journal:
        async with aclosing(score_rows(rows, Configuration(), EngineLimits(workers))) as results:
            async for result in results:
                journal.add(result.record)
                done += 1
                if done == warm:
                    start = Moment.now()
                if done == len(rows):
                    end = Moment.now()  # while the workers still run
    return Rate.between(start, end, len(rows) - warm)


def stored_clips(folder: Path, count: int) -> list[Row]:
    """This many equal clips, each in a file of its own."""
    content = film(bench_clip.frames(bench_clip.FRAMES), fps=bench_clip.FPS)
    for index in range(count):
        (folder / f"{index}.mp4").write_bytes(content)
    return [Row(folder, clip=f"{index}.mp4") for index in range(count)]


def stored_pairs(folder: Path, count: int) -> list[Row]:
    """This many equal pairs, each in files of its own."""
    for frame in ("onset", "apex"):
        content = framed(f"surprise_{frame}.jpg")
        for index in range(count):
            (folder / f"{index}_{frame}.jpg").write_bytes(content)
    return [Row(folder, f"{index}_onset.jpg", f"{index}_apex.jpg") for index in range(count)]


def bench(kind: str, rows: list[Row], home: Path) -> None:
    """Print the rates of these rows."""
    one = alone(rows)
    print(
        f"in process: {one.per_s:.1f} {kind}/s, {one.each_ms:.1f} ms of processor time each, "
        f"{one.cores:.2f} cores"
    )
    for workers in sorted({1, os.cpu_count() or 1}):
        many = asyncio.run(batch(rows, workers, home / f"{kind}_{workers}.jsonl"))
        of_one = many.per_s / one.per_s, many.each_ms / one.each_ms
        print(
            f"batch, {workers} workers: {many.per_s:.1f} {kind}/s, {of_one[0]:.2f} of one; "
            f"{many.each_ms:.1f} ms of processor time each, {of_one[1]:.2f} of one's; "
            f"{many.cores:.2f} cores",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=400)
    parser.add_argument("--clips", type=int, default=40)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        if options.pairs:
            bench("pairs", stored_pairs(Path(home), options.pairs), Path(home))
        if options.clips:
            bench("clips", stored_clips(Path(home), options.clips), Path(home))


if __name__ == "__main__":
    main()
