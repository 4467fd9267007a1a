"""The flow, and a whole request, against OpenCV-contrib's TV-L1 and PyTorch: `make bench-flow`.

    python -m tests.benchmarks.bench_flow [ROUNDS]

Prints medians over the rounds, their 10th and 90th percentile, and ratios of medians. A round goes
through all pairs and runs every contender on each pair before the next, so that a change in the
machine's speed affects all alike. Times are processor time on one thread, independent of other
processes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from off_tanet.configuration import ASSETS
from off_tanet.recognition import flow
from off_tanet.recognition.classifier import Classifier
from off_tanet.recognition.flow import builds, tvl1
from off_tanet.recognition.recognizer import Recognizer
from off_tanet_export.checkpoint import load
from off_tanet_export.graph import PUBLISHED, FlowClassifier
from off_tanet_export.shipped import SHIPPED

from tests.support.paths import ROOT

PAIRS = ROOT / "../shared/data/tvl1_reference.npz"
OPENCV = "opencv-contrib-python-headless==5.0.0.93"
ENVIRONMENT = ROOT / "build" / "opencv-contrib"

Times = NDArray[np.float64]
Pictures = NDArray[np.uint8]
Flows = NDArray[np.float32]


class OpenCV:
    """OpenCV-contrib's TV-L1 in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def seconds(self, pair: int) -> float:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{pair}\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())


@contextmanager
def opencv(pairs: Path = PAIRS) -> Iterator[OpenCV]:
    """OpenCV-contrib on the arrays `onset` and `apex` [N, 112, 112] of a file."""
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        venv.create(ENVIRONMENT, with_pip=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", OPENCV], check=True)
    worker = Path(__file__).with_name("opencv_flow.py")
    pipe = subprocess.PIPE
    with subprocess.Popen([python, worker, pairs], stdin=pipe, stdout=pipe, text=True) as process:
        yield OpenCV(process)


def use(build: str) -> None:
    os.environ[builds.OVERRIDE] = build
    builds.kernel.cache_clear()
    flow.build_name()


def processor_seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def line(name: str, times: Times, baseline: Times | None = None) -> str:
    """One contender's mean of each round, in milliseconds, and the ratio to the baseline."""
    low, middle, high = np.percentile(times.mean(axis=1) * 1e3, [10, 50, 90])
    text = f"{name:>24}{middle:10.2f} ({low:.2f} to {high:.2f})".ljust(58)
    if baseline is not None:
        text += f"{np.median(baseline.mean(axis=1)) * 1e3 / middle:8.1f} x"
    return text


def compare(
    contenders: dict[str, Callable[[int], float]], rounds: int, pairs: int
) -> dict[str, Times]:
    """Seconds [rounds, pairs] of each contender, a function from a pair to its seconds."""
    times = {name: np.empty((rounds, pairs)) for name in contenders}
    for turn in range(-1, rounds):  # the first turn warms up and is overwritten by the last
        for pair in range(pairs):
            for name, contender in contenders.items():
                times[name][turn, pair] = contender(pair)
    return times


def end_point_error(flows: Flows, truth: Flows) -> float:
    return float(np.sqrt(((flows - truth) ** 2).sum(axis=1)).mean())


def bench_builds(theirs: OpenCV, rounds: int) -> None:
    data = np.load(PAIRS)
    onsets, apexes, expected, truth = (
        data[name] for name in ("onset", "apex", "opencv_flow", "true_flow")
    )

    def ours(build: str, pair: int) -> float:
        use(build)
        return processor_seconds(lambda: tvl1(onsets[pair], apexes[pair]))

    names = list(builds.runnable(flow.__path__))
    contenders: dict[str, Callable[[int], float]] = {"OpenCV-contrib": theirs.seconds}
    contenders |= {name: lambda pair, name=name: ours(name, pair) for name in names}  # type: ignore[misc]
    times = compare(contenders, rounds, len(onsets))
    size = " x ".join(map(str, onsets.shape[1:]))
    print(f"flow of one pair of {size}, ms of one core (10th to 90th percentile of {rounds})")
    for name in contenders:
        print(line(name, times[name], times["OpenCV-contrib"]))
    print("difference to OpenCV's flow, and end-point error beyond OpenCV's, in pixels")
    for name in names:
        use(name)
        flows = np.stack(list(map(tvl1, onsets, apexes)))
        beyond = end_point_error(flows, truth) - end_point_error(expected, truth)
        print(f"{name:>24}{np.abs(flows - expected).mean():10.4f}{beyond:+10.4f}")
    use(names[0])  # what follows is measured with the fastest build, as it is served


def bench_crops(theirs: OpenCV, rounds: int) -> None:
    """Two aligned crops to probabilities: this service, and the published method."""
    torch.set_num_threads(1)
    data = np.load(PAIRS)
    onsets, apexes, flows = data["onset"], data["apex"], data["opencv_flow"]
    network = FlowClassifier(load(SHIPPED).network, PUBLISHED).eval()
    classifier = Classifier(ASSETS / "off_tanet.onnx")

    @torch.inference_mode()
    def torch_seconds(pair: int) -> float:
        return processor_seconds(lambda: network(torch.from_numpy(flows[pair : pair + 1])))

    def onnx_seconds(pair: int) -> float:
        return processor_seconds(lambda: classifier.classify(flows[pair]))

    def flow_seconds(pair: int) -> float:
        return processor_seconds(lambda: tvl1(onsets[pair], apexes[pair]))

    times = compare(
        {
            "OpenCV": theirs.seconds,
            "PyTorch": torch_seconds,
            "tvl1": flow_seconds,
            "ONNX": onnx_seconds,
        },
        rounds,
        len(onsets),
    )
    published = times["OpenCV"] + times["PyTorch"]
    print(f"two aligned crops to probabilities, {flow.build_name()}, ms of one core")
    print(line("published way", published))
    print(line("its flow, OpenCV", times["OpenCV"]))
    print(line("its network, PyTorch", times["PyTorch"]))
    print(line("this service", times["tvl1"] + times["ONNX"], published))
    print(line("its flow", times["tvl1"], times["OpenCV"]))
    print(line("its network, ONNX", times["ONNX"], times["PyTorch"]))


def bench_request(rounds: int) -> None:
    """The time of a whole request by stage, from the bytes of two images."""
    cv2.setNumThreads(1)
    recognizer = Recognizer()
    samples = ASSETS / "samples"
    pair = [(samples / f"positive_{which}.jpg").read_bytes() for which in ("onset", "apex")]
    recognizer.frames(pair[0], pair[1])
    stages: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, milliseconds in recognizer.frames(pair[0], pair[1]).timings_ms.items():
            stages.setdefault(name, []).append(milliseconds)
    print("a whole request in process, two JPEGs, ms of wall time (median, least)")
    for name, milliseconds_each in stages.items():
        print(f"{name:>24}{np.median(milliseconds_each):10.2f}{min(milliseconds_each):10.2f}")


def main(arguments: Sequence[str]) -> None:
    rounds = int(arguments[0]) if arguments else 15
    if not PAIRS.exists():
        sys.exit(f"the pairs to measure with are not there: {PAIRS.name}")
    with opencv() as theirs:
        bench_builds(theirs, rounds)
        bench_crops(theirs, rounds)
    bench_request(rounds)


if __name__ == "__main__":
    main(sys.argv[1:])
