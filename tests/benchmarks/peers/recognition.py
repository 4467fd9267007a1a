"""What every server answers, on one thread, as our workers: to two pictures, or to optical flow."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray
from off_tanet.configuration import Configuration
from off_tanet.recognition.classifier import Classifier
from off_tanet.recognition.recognizer import Recognizer
from off_tanet.workers import malloc

Answer = Callable[[bytes, bytes], dict[str, float]]
FlowAnswer = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def load() -> Answer:
    """Load and warm up a Recognizer; return a function of the files of onset and apex."""
    cv2.setNumThreads(1)
    malloc.keep_freed()
    recognizer = Recognizer()
    recognizer.warm_up()
    return lambda onset, apex: dict(recognizer.frames(onset, apex).probabilities)


def load_classifier() -> FlowAnswer:
    """Load the network alone; return a function of flow [N, 2, 112, 112] to [N, classes]."""
    malloc.keep_freed()
    classifier = Classifier(Configuration().model)

    def answer(flow: NDArray[np.float32]) -> NDArray[np.float32]:
        classified = classifier.classify_batch(flow)
        return np.array([each.probabilities for each in classified], np.float32)

    return answer
