"""Times OpenCV-contrib's TV-L1 in an environment of its own.

Its `cv2` conflicts with the service's, so `bench_flow` starts this file with another interpreter.
For each line with a pair's index on standard input it prints the seconds of processor time.

    python opencv_flow.py PAIRS.npz
"""

import sys
import time

import cv2
import numpy as np


def main() -> None:
    cv2.setNumThreads(1)
    pairs = np.load(sys.argv[1])
    onsets, apexes = pairs["onset"], pairs["apex"]
    method = cv2.optflow.DualTVL1OpticalFlow_create()  # type: ignore[attr-defined]
    for line in sys.stdin:
        index = int(line)
        start = time.process_time()
        method.calc(onsets[index], apexes[index], None)
        print(time.process_time() - start, flush=True)


if __name__ == "__main__":
    main()
