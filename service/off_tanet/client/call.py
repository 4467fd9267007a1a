"""One call of a client without its I/O: attempts, pauses, events and the result.

`Client` and `AsyncClient` only send the request, read the response and sleep.
"""

from __future__ import annotations

import json
from typing import Generic, TypeVar

import httpx
from httpx_sse import ServerSentEvent

from off_tanet.client import problems, responses
from off_tanet.client.requests import Request
from off_tanet.client.retry import Failure, RetryPolicy
from off_tanet.errors import OffTanetError
from off_tanet.types import ExpressionCallback, Progress

T = TypeVar("T")

FAILURES = (OffTanetError, httpx.TransportError)
"""The exceptions of an attempt that `Call.pause_after` takes."""


class Call(Generic[T]):
    """The state of one call over all its attempts."""

    def __init__(
        self,
        request: Request[T],
        retry: RetryPolicy,
        progress: Progress | None = None,
        on_expression: ExpressionCallback | None = None,
    ) -> None:
        self.request = request
        self._retry = retry
        self._progress = progress
        self._on_expression = on_expression
        self._attempts = 0
        self._expression_reported = False
        self._result: T | None = None

    def is_stream(self, response: httpx.Response) -> bool:
        """Whether the response is read event by event; an error never is."""
        return self.request.streamed and response.is_success

    def receive(self, event: ServerSentEvent) -> None:
        """Handle one event of a stream.

        Raises:
            OffTanetError: The event is a problem.
        """
        if event.event == "progress" and self._progress:
            step = json.loads(event.data)
            self._progress(step["stage"], step["done"], step["total"])
        elif event.event == "expression" and self._on_expression:
            self._expression_reported = True
            self._on_expression(responses.expression(event.data))
        elif event.event == "problem":
            raise problems.error_in(event.data)
        elif event.event == self.request.last_event:
            self._result = self.request.parse(event.data)

    def result(self, response: httpx.Response) -> T:
        """Return the result of a response that has been read to its end.

        Raises:
            OffTanetError: The response is an error.
            httpx.RemoteProtocolError: The stream ended before its last event.
        """
        if not self.is_stream(response):
            problems.raise_for(response)
            return self.request.parse(response.text)
        if self._result is None:
            raise httpx.RemoteProtocolError("the stream of events broke off")
        return self._result

    def pause_after(self, failure: Failure) -> float:
        """Return the seconds to wait before the next attempt, or raise `failure` if it is final.

        A call that has reported an expression is not repeated: it would report it twice.
        """
        self._attempts += 1
        if self._expression_reported:
            raise failure
        pause_s = self._retry.pause_s(failure, self._attempts)
        if pause_s is None:
            raise failure
        return pause_s
