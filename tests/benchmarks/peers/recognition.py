"""What every server answers: the probabilities for two pictures, on one thread, as our workers."""

from __future__ import annotations

from collections.abc import Callable

import cv2
from off_tanet.recognition.recognizer import Recognizer
from off_tanet.workers import malloc

Answer = Callable[[bytes, bytes], dict[str, float]]


def load() -> Answer:
    """Load and warm up a Recognizer; return a function of the files of onset and apex."""
    cv2.setNumThreads(1)
    malloc.keep_freed()
    recognizer = Recognizer()
    recognizer.warm_up()
    return lambda onset, apex: dict(recognizer.frames(onset, apex).probabilities)
