"""Clients that leave at any moment, workers that are killed, stopped or taken over: no request gets
another one's answer.

Every request has an answer of its own, which a Recognizer in this process computes beforehand.
"""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from off_tanet.configuration import ASSETS
from off_tanet.recognition.recognizer import Recognizer
from off_tanet.workers.answers import clip_answer, frames_answer

from tests.benchmarks import load
from tests.soak.part import Part
from tests.support import sabotage
from tests.support.processes import workers_of
from tests.support.serving import Server, serving

CLIENTS = 8
WORKERS = 2
DEADLINE_S = 1.5
CLIP_SHARE = 0.08
LEAVING_SHARE = 0.4
REQUESTS_FOR_EACH_SABOTAGE = 25
REFUSED_PAUSE_S = 0.3  # otherwise refusals, which take no time, would be most of the requests
SEED = 14

_SAMPLES = ASSETS / "samples"
_EXACT = 1e-4


@dataclass(frozen=True, slots=True)
class Question:
    """A request's bytes, and its own answer."""

    request: bytes = field(repr=False)
    answer: dict[str, Any]


def run(count: int) -> Part:
    """`count` requests; each answer of 200 is compared with the request's own."""
    part = Part(f"crossing, {count} requests, deadline {DEADLINE_S} s")
    random.seed(SEED)
    pairs, clips = _pairs(), _clips()
    with (
        tempfile.TemporaryDirectory() as home,
        serving(Path(home), workers=WORKERS, deadline_s=DEADLINE_S) as server,
    ):
        tally, crossed, done = asyncio.run(_ask_all(server, pairs, clips, count))
    part.faults += crossed
    for title, counts in (("outcomes", tally), ("sabotage", done)):
        summary = ", ".join(f"{what} {times}" for what, times in counts.most_common())
        part.say(f"{title}: {summary}")
    part.check(tally["200"] > count // 4, "too few were answered to show anything")
    strange = {what for what in tally if what.split()[0] not in ("200", "503", "504", "left")}
    part.check(not strange, f"answers that no sabotage explains: {strange}")
    part.summary = f"{len(crossed)} crossed of {tally['200']} answers, {tally['left']} left early"
    return part


async def _ask_all(
    server: Server, pairs: list[Question], clips: list[Question], count: int
) -> tuple[Counter[str], list[str], Counter[str]]:
    tally: Counter[str] = Counter()
    crossed: list[str] = []
    done: Counter[str] = Counter()
    left = iter(range(count))

    async def client() -> None:
        connection = load.Connection(server.port)
        for index in left:
            question = random.choice(clips if random.random() < CLIP_SHARE else pairs)
            outcome, answer = await _ask(connection, question)
            tally[outcome] += 1
            if outcome.startswith("503"):
                await asyncio.sleep(random.uniform(0, 2 * REFUSED_PAUSE_S))
            elif random.random() < 1 / REQUESTS_FOR_EACH_SABOTAGE:
                workers = workers_of(server.process.pid) or [0]
                done[sabotage.sabotage(random.choice(workers))] += 1
            if outcome == "200" and not _is_same(question.answer, answer):
                crossed.append(f"request {index} got {answer}, not {question.answer}")

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return tally, crossed, done


async def _ask(connection: load.Connection, question: Question) -> tuple[str, dict[str, Any]]:
    """The status and the answer; `left` if the client did not wait for it."""
    patience_s = None
    if random.random() < LEAVING_SHARE:
        # Half of them at any time, half within the last second before the deadline.
        earliest_s = random.choice([0.0, DEADLINE_S - 1.0])
        patience_s = random.uniform(earliest_s, DEADLINE_S + 0.2)
        if random.random() < 0.3:
            patience_s = random.uniform(0.0, 0.05)
    try:
        async with asyncio.timeout(patience_s):
            reply = await connection.ask(question.request)
    except TimeoutError:
        connection.close()
        return "left", {}
    except (asyncio.IncompleteReadError, ConnectionError):
        connection.close()
        return "broken", {}
    content = json.loads(reply.body)
    if reply.status == 200:
        return "200", _identity(content)
    return f"{reply.status} {content['code']}", {}


def _identity(answer: dict[str, Any]) -> dict[str, Any]:
    """The members of an answer that identify its request."""
    if not answer.keys() >= {"probabilities", "quality", "apex", "face"}:
        return {"of no request": answer}
    content: dict[str, Any] = {**answer["probabilities"], **answer["quality"]}
    content["apex"] = answer["apex"]["index"]
    content["box"] = sum(answer["face"]["box"])
    return content


def _is_same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(
        abs(value - other[name]) < _EXACT if isinstance(value, float) else value == other[name]
        for name, value in one.items()
    )


def _pairs() -> list[Question]:
    """Faces of three expressions at sixteen places: each has an answer of its own."""
    recognizer = Recognizer()
    questions = []
    for label in ("negative", "positive", "surprise"):
        frames = [
            np.asarray(cv2.imread(str(_SAMPLES / f"{label}_{name}.jpg")), np.uint8)
            for name in ("onset", "apex")
        ]
        for shift in range(16):
            onset, apex = (_jpeg(np.roll(frame, 2 * shift, axis=1)) for frame in frames)
            answer = json.loads(frames_answer(recognizer, onset, apex).json)
            request = load.upload("/v1/predictions/frames", {"onset": onset, "apex": apex})
            questions.append(Question(request, _identity(answer)))
    answers = [question.answer for question in questions]
    assert not any(_is_same(one, other) for one, other in combinations(answers, 2))
    return questions


def _clips() -> list[Question]:
    """The sample clip with a given apex: the answer contains it."""
    recognizer = Recognizer()
    clip = (_SAMPLES / "clip.mp4").read_bytes()
    questions = []
    for apex in range(8, 20):
        answer = json.loads(clip_answer(recognizer, clip, apex_index=apex).json)
        request = load.upload(
            "/v1/predictions/clip", {"video": clip, "apex_index": str(apex).encode()}
        )
        questions.append(Question(request, _identity(answer)))
    return questions


def _jpeg(frame: Any) -> bytes:
    return bytes(cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 95])[1])
