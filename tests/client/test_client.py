"""The client against a real server: it behaves like an in-process Recognizer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from off_tanet import Recognizer
from off_tanet.api.middleware.auth import digest, new_key
from off_tanet.client import AsyncClient, Client
from off_tanet.configuration import ASSETS
from off_tanet.errors import (
    FrameIndexError,
    LimitExceededError,
    NoFaceError,
    OffTanetError,
    UnauthorizedError,
    UndecodableMediaError,
)
from off_tanet.types import Expression, Prediction, Signals

from tests.support import factories
from tests.support.requests import pair, sample_video
from tests.support.serving import Server, serving

CLIP = (ASSETS / "samples/clip.mp4").read_bytes()


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer()


@pytest.fixture(scope="module")
def video() -> bytes:
    return sample_video()


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.url) as connected:
        yield connected


def check_same(there: Prediction, here: Prediction) -> None:
    """All of a prediction except its timings, to the precision of the JSON."""
    assert (there.model, there.label, there.reason) == (here.model, here.label, here.reason)
    assert there.expression_probability == pytest.approx(here.expression_probability, abs=1e-4)
    assert there.probabilities == pytest.approx(here.probabilities, abs=1e-6)
    assert (there.onset.index, there.apex.index) == (here.onset.index, here.apex.index)
    assert there.face is not None
    assert here.face is not None
    assert there.face.box == pytest.approx(here.face.box, abs=0.01)
    assert there.face.landmarks.nose == pytest.approx(here.face.landmarks.nose, abs=0.01)
    assert there.quality.motion_px == pytest.approx(here.quality.motion_px, abs=1e-4)
    assert there.quality.warnings == here.quality.warnings
    np.testing.assert_allclose(there.flow, here.flow, atol=1e-4)
    np.testing.assert_allclose(there.attention, here.attention, atol=1e-4)
    np.testing.assert_array_equal(there.onset_crop, here.onset_crop)
    np.testing.assert_array_equal(there.apex_crop, here.apex_crop)
    assert set(there.timings_ms) == set(here.timings_ms)
    check_same_signals(there.signals, here.signals)


def test_a_still_face_has_a_reason(client: Client, recognizer: Recognizer) -> None:
    onset, _ = pair("surprise")
    here, there = recognizer.frames(onset, onset), client.frames(onset, onset)
    assert (there.label, there.reason) == (None, "no_motion")
    check_same(there, here)
    assert there.most_likely == max(there.probabilities, key=lambda name: there.probabilities[name])


def check_same_signals(there: Signals | None, here: Signals | None) -> None:
    """Equal as far as the wire rounds them, and NaN in the same places."""
    assert (there is None) == (here is None)
    if there is not None:
        for name in (field.name for field in fields(Signals)):
            remote, local = getattr(there, name), getattr(here, name)
            assert (remote.dtype, remote.shape) == (local.dtype, local.shape)
            np.testing.assert_allclose(remote, local, atol=1e-4)


def test_frames_are_answered_as_in_process(client: Client, recognizer: Recognizer) -> None:
    check_same(client.frames(*pair("positive")), recognizer.frames(*pair("positive")))


@pytest.mark.parametrize("streamed", [False, True])
def test_clips_are_answered_as_in_process(
    client: Client, recognizer: Recognizer, streamed: bool
) -> None:
    """With its curve, whether it comes alone or at the end of a stream."""
    steps: list[tuple[str, int, int]] = []
    there = client.clip(CLIP, progress=(lambda *step: steps.append(step)) if streamed else None)
    here = recognizer.clip(CLIP)
    check_same(there, here)
    assert there.motion is not None
    assert here.motion is not None
    np.testing.assert_allclose(there.motion.strength_px, here.motion.strength_px, atol=1e-4)
    assert there.motion.offset(there.apex.index) == here.motion.offset(here.apex.index)
    assert bool(steps) == streamed
    if streamed:
        assert ("decode", 30, 30) in steps


def test_videos_are_answered_as_in_process(
    client: Client, recognizer: Recognizer, video: bytes
) -> None:
    """Expressions are passed to the callback on the way, and equal those of the result."""
    found: list[Expression] = []
    there = client.video(video, on_expression=found.append)
    here = recognizer.video(video)
    assert [each.kind for each in there.expressions] == ["micro", "macro"]
    assert (there.frames, there.warnings) == (here.frames, here.warnings)
    assert there.signals is not None
    assert len(there.signals.mouth) == there.frames
    check_same_signals(there.signals, here.signals)
    for reported, remote, local in zip(found, there.expressions, here.expressions, strict=True):
        assert (reported.onset, reported.offset) == (remote.onset, remote.offset)
        assert remote.apex.index == local.apex.index
        assert remote.confidence == pytest.approx(local.confidence, abs=1e-4)
        assert (remote.prediction is None) == (local.prediction is None)
        if remote.prediction and local.prediction:
            check_same(remote.prediction, local.prediction)


def test_the_model_describes_itself_alike(client: Client, recognizer: Recognizer) -> None:
    assert client.card == recognizer.card


def test_a_prediction_renders_itself(client: Client) -> None:
    """A notebook shows it as the one-page report, whichever class made it."""
    assert client.frames(*pair("surprise"))._repr_png_().startswith(b"\x89PNG")


def test_problems_are_the_same_errors(client: Client, recognizer: Recognizer) -> None:
    """The same `except` works with both; the request id is added as a note."""
    faceless = factories.mp4(factories.frames())
    for either in (client, recognizer):
        with pytest.raises(UndecodableMediaError):
            either.frames(b"", b"")
        with pytest.raises(NoFaceError) as raised:
            either.clip(faceless)
        with pytest.raises(NoFaceError):
            either.clip(faceless, progress=lambda *_: None)
        with pytest.raises(NoFaceError):
            either.video(faceless)
        with pytest.raises(FrameIndexError):
            either.clip(CLIP, apex_index=99)
        assert (either is client) == any("request" in note for note in _notes(raised.value))


def _notes(error: BaseException) -> list[str]:
    return getattr(error, "__notes__", [])


def test_keys_and_limits_are_errors_of_their_own(tmp_path: Path) -> None:
    secret, keys = new_key(), tmp_path / "keys"
    keys.write_text(f"{digest(secret)} someone\n")
    with serving(tmp_path, workers=1, api_keys=keys, max_image_pixels=1000) as server:
        with Client(server.url) as client, pytest.raises(UnauthorizedError):
            client.frames(*pair("positive"))
        with Client(server.url, key=secret) as client:
            with pytest.raises(LimitExceededError) as raised:
                client.frames(*pair("positive"))
            assert raised.value.limit == "image_pixels"


def test_the_asynchronous_client_is_equivalent(
    server: Server, recognizer: Recognizer, video: bytes
) -> None:
    """Three requests at once, over one client."""

    async def run() -> None:
        steps: list[str] = []
        found: list[Expression] = []
        async with AsyncClient(server.url) as client:
            frames, clip, spotting = await asyncio.gather(
                client.frames(*pair("positive")),
                client.clip(CLIP, progress=lambda stage, *_: steps.append(stage)),
                client.video(video, on_expression=found.append),
            )
            assert await client.card() == recognizer.card
            with pytest.raises(OffTanetError):
                await client.frames(b"", b"")
        check_same(frames, recognizer.frames(*pair("positive")))
        assert clip.label == "surprise"
        assert {"decode", "spotting"} <= set(steps)
        assert len(found) == len(spotting.expressions) == 2

    asyncio.run(run())
