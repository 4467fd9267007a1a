"""A plain FastAPI application, which queues without end."""

from __future__ import annotations

import threading
from typing import Annotated

from fastapi import FastAPI, File

from tests.benchmarks.peers import recognition

app = FastAPI()
answer = recognition.load()
lock = threading.Lock()  # a Recognizer handles one request at a time


@app.post("/predict")
def predict(onset: Annotated[bytes, File()], apex: Annotated[bytes, File()]) -> dict[str, float]:
    with lock:
        return answer(onset, apex)
