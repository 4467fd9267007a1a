"""The asynchronous client."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self, TypeVar

import httpx
from httpx_sse import EventSource

from off_tanet.client import requests
from off_tanet.client.call import FAILURES, Call
from off_tanet.client.retry import RetryPolicy
from off_tanet.face_choice import FaceChoice, FaceCount
from off_tanet.types import (
    ExpressionCallback,
    ModelCard,
    Prediction,
    Progress,
    VideoSpotting,
)

T = TypeVar("T")


class AsyncClient:
    """The asynchronous counterpart of `Client`, for use in an event loop.

    Close it after use, or use it in an `async with` statement. Requests can run concurrently.
    Cancelling the task of a request also stops its work in the service. Every request can raise
    the errors that `Client` lists.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        key: str | None = None,
        timeout_s: float = 60.0,
        retry: RetryPolicy | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Create a client; no connection is opened before the first request.

        Args:
            url: Address of the service, with the prefix under which it is mounted, if any.
            key: API key, sent as `X-API-Key`.
            timeout_s: Limit in seconds for connecting and for each read and write, not for the
                whole request. `video` waits for its events without a limit.
            retry: When failed requests are repeated; by default `RetryPolicy()`.
            sleep: Awaited with the seconds to wait before a retry.
        """
        headers = requests.headers(key)
        self._http = httpx.AsyncClient(base_url=url, headers=headers, timeout=timeout_s)
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
        """Return the description of the served model."""
        return await self._send(Call(requests.CARD, self._retry))

    async def frames(
        self,
        onset: bytes,
        apex: bytes,
        *,
        face: FaceChoice = "auto",
        faces: FaceCount = "one",
    ) -> Prediction:
        """Recognise the expression between two pictures.

        Args:
            onset: Picture of the face before the expression: PNG, JPEG, WebP, BMP or TIFF.
            apex: Picture of the face at the peak of the expression, of the same size.
            face: The face to analyse, by default the largest one; `"none"` takes the pictures as
                tight face crops.
            faces: With `"all"`, the prediction has those of all faces.

        Returns:
            The prediction, with the flow, the attention map and both face crops.

        Raises:
            MediaError: A picture cannot be used.
            NoFaceError: The onset shows no face, or not the chosen one.
        """
        return await self._send(Call(requests.frames(onset, apex, face, faces), self._retry))

    async def clip(
        self,
        video: bytes,
        *,
        onset_index: int | None = None,
        apex_index: int | None = None,
        face: FaceChoice = "auto",
        faces: FaceCount = "one",
        progress: Progress | None = None,
    ) -> Prediction:
        """Recognise the expression of a short clip.

        Args:
            video: Contents of an MP4, MOV, AVI, WebM, MKV or GIF file.
            onset_index: Frame at which the expression begins, from 0; by default it is spotted.
            apex_index: Frame at its peak, from 0; by default it is spotted.
            face: The face to analyse, by default the largest one; `"none"` takes the frames as
                tight face crops.
            faces: With `"all"`, the prediction has those of all faces.
            progress: An ordinary function, called with a stage's name, the steps done and the
                total. The response is then a stream of events.

        Returns:
            The prediction, with the motion curve of the clip.

        Raises:
            MediaError: The clip cannot be used.
            NoFaceError: The clip or a given frame shows no face, or not the chosen one.
            FrameOrderError: The onset is not before the apex.
            FrameIndexError: The clip has no frame of a given index.
        """
        streamed = progress is not None
        request = requests.clip(video, onset_index, apex_index, face, faces, streamed)
        return await self._send(Call(request, self._retry, progress))

    async def video(
        self,
        video: bytes,
        *,
        face: FaceChoice = "auto",
        faces: FaceCount = "one",
        progress: Progress | None = None,
        on_expression: ExpressionCallback | None = None,
    ) -> VideoSpotting:
        """Find every expression of a long video, and recognise the micro-expressions.

        Args:
            video: Contents of an MP4, MOV, AVI, WebM, MKV or GIF file.
            face: The face to analyse, by default the largest one; `"none"` takes the frames as
                tight face crops.
            faces: With `"all"`, the expressions are those of all faces.
            progress: An ordinary function, called with a stage's name, the frames done and the
                total.
            on_expression: An ordinary function, called with each expression as soon as the service
                reports it. The request is not repeated after the first call.

        Returns:
            All expressions of the video.

        Raises:
            MediaError: The video cannot be used.
            NoFaceError: The video shows no face, or not the chosen one.
        """
        call = Call(requests.video(video, face, faces), self._retry, progress, on_expression)
        return await self._send(call)

    async def _send(self, call: Call[T]) -> T:
        while True:
            try:
                async with self._http.stream(**call.request.arguments()) as response:
                    if call.is_stream(response):
                        async for event in EventSource(response).aiter_sse():
                            call.receive(event)
                    else:
                        await response.aread()
                    return call.result(response)
            except FAILURES as failure:
                pause_s = call.pause_after(failure)
            await self._sleep(pause_s)
