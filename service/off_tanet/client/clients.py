"""One client that waits and one that awaits; all else they share is in the rooms beside this."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from itertools import count
from types import TracebackType
from typing import Self, TypeVar

import httpx
from httpx_sse import EventSource

from off_tanet.client import problems, requests, responses
from off_tanet.client.requests import Ask, EventReader
from off_tanet.client.retry import Failure, RetryPolicy
from off_tanet.errors import OffTanetError
from off_tanet.types import (
    ExpressionCallback,
    FaceMode,
    ModelCard,
    Prediction,
    Progress,
    VideoSpotting,
)

T = TypeVar("T")

_TIMEOUT_S = 60.0
_FAILURES = (OffTanetError, httpx.TransportError)


class Client:
    """Asks a running service what a Recognizer would be asked.

    Its methods raise the errors of `off_tanet.errors` as a Recognizer does, further
    UnauthorizedError, QuotaError, EngineErrors and `problems.UnknownProblemError`, and httpx's
    TransportError where the service cannot be reached. Close it, or use it in a `with` statement.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        key: str | None = None,
        timeout_s: float = _TIMEOUT_S,
        retry: RetryPolicy | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`url` may have a path, where the service is mounted under a prefix."""
        self._http = httpx.Client(base_url=url, headers=_headers(key), timeout=timeout_s)
        self._retry = retry or RetryPolicy()
        self._sleep = sleep

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    @property
    def card(self) -> ModelCard:
        """What the served model says of itself."""

        def ask() -> ModelCard:
            answer = self._http.get("v1/model")
            problems.raise_for(answer)
            return responses.card(answer.content)

        return self._with_retries(ask)

    def frames(self, onset: bytes, apex: bytes, *, face: FaceMode = "auto") -> Prediction:
        """Like `Recognizer.frames`."""
        return self._answer(requests.frames(onset, apex, face))

    def clip(
        self,
        video: bytes,
        *,
        onset_index: int | None = None,
        apex_index: int | None = None,
        face: FaceMode = "auto",
        progress: Progress | None = None,
    ) -> Prediction:
        """Like `Recognizer.clip`; with `progress`, the answer comes as a stream of events."""
        ask = requests.clip(video, onset_index, apex_index, face, streamed=progress is not None)
        return self._answer(ask, progress)

    def video(
        self,
        video: bytes,
        *,
        face: FaceMode = "auto",
        progress: Progress | None = None,
        on_expression: ExpressionCallback | None = None,
    ) -> VideoSpotting:
        """Like `Recognizer.video`: `on_expression` is called with each expression as it comes."""
        return self._answer(requests.video(video, face), progress, on_expression)

    def _answer(
        self,
        ask: Ask[T],
        progress: Progress | None = None,
        on_expression: ExpressionCallback | None = None,
    ) -> T:
        listener = EventReader(ask, progress, on_expression)
        return self._with_retries(lambda: self._once(listener), lambda: listener.told)

    def _once(self, listener: EventReader[T]) -> T:
        ask = listener.ask
        with self._http.stream(**ask.arguments()) as answer:
            if not (ask.streamed and answer.is_success):
                answer.read()
                problems.raise_for(answer)
                return ask.read(answer.text)
            for event in EventSource(answer).iter_sse():
                listener.hear(event.event, event.data)
        return listener.end()

    def _with_retries(self, once: Callable[[], T], told: Callable[[], bool] = lambda: False) -> T:
        for attempt in count(1):
            try:
                return once()
            except _FAILURES as failure:
                pause_s = _pause_s(self._retry, failure, attempt, told())
                if pause_s is None:
                    raise
            self._sleep(pause_s)
        raise AssertionError("unreachable")


class AsyncClient:
    """The same as `Client`, awaited; `progress` and `on_expression` are ordinary functions."""

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        key: str | None = None,
        timeout_s: float = _TIMEOUT_S,
        retry: RetryPolicy | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`url` may have a path, where the service is mounted under a prefix."""
        self._http = httpx.AsyncClient(base_url=url, headers=_headers(key), timeout=timeout_s)
        self._retry = retry or RetryPolicy()
        self._sleep = sleep

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def card(self) -> ModelCard:
        """What the served model says of itself."""

        async def ask() -> ModelCard:
            answer = await self._http.get("v1/model")
            problems.raise_for(answer)
            return responses.card(answer.content)

        return await self._with_retries(ask)

    async def frames(self, onset: bytes, apex: bytes, *, face: FaceMode = "auto") -> Prediction:
        """Like `Recognizer.frames`."""
        return await self._answer(requests.frames(onset, apex, face))

    async def clip(
        self,
        video: bytes,
        *,
        onset_index: int | None = None,
        apex_index: int | None = None,
        face: FaceMode = "auto",
        progress: Progress | None = None,
    ) -> Prediction:
        """Like `Client.clip`."""
        ask = requests.clip(video, onset_index, apex_index, face, streamed=progress is not None)
        return await self._answer(ask, progress)

    async def video(
        self,
        video: bytes,
        *,
        face: FaceMode = "auto",
        progress: Progress | None = None,
        on_expression: ExpressionCallback | None = None,
    ) -> VideoSpotting:
        """Like `Client.video`; cancelling the task cancels the work."""
        return await self._answer(requests.video(video, face), progress, on_expression)

    async def _answer(
        self,
        ask: Ask[T],
        progress: Progress | None = None,
        on_expression: ExpressionCallback | None = None,
    ) -> T:
        listener = EventReader(ask, progress, on_expression)
        return await self._with_retries(lambda: self._once(listener), lambda: listener.told)

    async def _once(self, listener: EventReader[T]) -> T:
        ask = listener.ask
        async with self._http.stream(**ask.arguments()) as answer:
            if not (ask.streamed and answer.is_success):
                await answer.aread()
                problems.raise_for(answer)
                return ask.read(answer.text)
            async for event in EventSource(answer).aiter_sse():
                listener.hear(event.event, event.data)
        return listener.end()

    async def _with_retries(
        self, once: Callable[[], Awaitable[T]], told: Callable[[], bool] = lambda: False
    ) -> T:
        for attempt in count(1):
            try:
                return await once()
            except _FAILURES as failure:
                pause_s = _pause_s(self._retry, failure, attempt, told())
                if pause_s is None:
                    raise
            await self._sleep(pause_s)
        raise AssertionError("unreachable")


def _headers(key: str | None) -> dict[str, str]:
    return {} if key is None else {"X-API-Key": key}


def _pause_s(retry: RetryPolicy, failure: Failure, attempt: int, told: bool) -> float | None:
    return None if told else retry.pause_s(failure, attempt)
