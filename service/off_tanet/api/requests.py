"""What the routes read from the head of a request, and the run of its job."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Protocol, TypeVar, cast

from python_multipart.multipart import parse_options_header
from starlette.requests import Request
from starlette.types import Receive

from off_tanet.api.headers import header
from off_tanet.api.middleware.body_limits import read_upload
from off_tanet.api.middleware.instrumentation import record_stages, record_wait
from off_tanet.errors import ClientGoneError, MalformedFormError, UnsupportedMediaError
from off_tanet.schemas import compression
from off_tanet.schemas.options import Options, Query, read_query
from off_tanet.workers.engine import Engine
from off_tanet.workers.messages import Job
from off_tanet.workers.uploads import Upload

# The parser's time grows with the square of their number: 16,000, which fit into the headers, took
# 15 ms.
_MAX_TYPE_PARAMETERS = 16
# As clients declare a form; the parser of all other declarations takes ten times as long.
_PLAIN_FORM = re.compile(r"multipart/form-data; ?boundary=([0-9A-Za-z_-]+)")
_UTF_8 = {b"utf-8", b"utf8"}


class Timed(Protocol):
    """The answer of any job."""

    @property
    def stages_ms(self) -> Mapping[str, float]:
        """Milliseconds of each stage in order, and their `total`."""
        ...


T = TypeVar("T", bound=Timed)


Run = Callable[[Upload, str, Callable[[float], None]], Awaitable[T]]
"""Runs a job on an upload of a client, and tells how many seconds it has waited for a worker."""


async def run_job(request: Request, engine: Engine, job: Job[T]) -> T:
    """Run a job on the body of a request, as `run_with` does."""
    return await run_with(
        request,
        lambda upload, client, waited: engine.run(job, upload, client=client, waited=waited),
    )


async def run_with(request: Request, run: Run[T]) -> T:
    """Run a job on the body of a request, until it ends or the client disconnects.

    Args:
        request: The request.
        run: Runs the job; it is cancelled if the client disconnects.

    Raises:
        OffTanetError: As raised by `read_upload` and `run`.
    """
    upload = await read_upload(request)
    client = request.app.state.client_of(request.scope)
    waited = partial(record_wait, request.scope)
    with _Connected(request.receive):
        answer = await run(upload, client, waited)
    record_stages(request.scope, answer.stages_ms)
    return answer


class _Connected:
    """Cancels what is awaited in its `with` block if the client disconnects.

    The block then raises ClientGoneError. As with `asyncio.timeout`, the work needs no task of its
    own.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._left = False

    def __enter__(self) -> None:
        self._task = cast("asyncio.Task[object]", asyncio.current_task())
        self._gone = asyncio.create_task(disconnected(self._receive))
        self._gone.add_done_callback(self._leave)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._gone.remove_done_callback(self._leave)
        self._gone.cancel()
        # If the task was cancelled for another reason too, the cancellation goes on.
        if self._left and not self._task.uncancel() and kind is asyncio.CancelledError:
            raise ClientGoneError("The client closed the connection.") from None

    def _leave(self, _: object) -> None:
        self._left = True
        self._task.cancel()


async def disconnected(receive: Receive) -> None:
    """Wait until the client has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


def query(request: Request, options: type[Options]) -> Query:
    """Return the checked options in the query of a request."""
    if not request.scope["query_string"]:
        return {}
    return read_query(options, request.query_params.multi_items())


def wants_events(request: Request) -> bool:
    """Whether the client accepts a stream of events."""
    return any(map(_accepts_events, header(request.scope, b"accept").split(",")))


def check_json(request: Request, example: str) -> None:
    """Raise UnsupportedMediaError if the body is not declared as uncompressed JSON in UTF-8.

    Args:
        request: The request.
        example: A command that sends such a body, for the error's detail.
    """
    _type_parameters(request, "application/json", example)


def boundary(request: Request, example: str) -> bytes:
    """Return the boundary of the multipart form in a request.

    Args:
        request: The request.
        example: A command that sends such a form, for the error's detail.

    Raises:
        UnsupportedMediaError: The body is not declared as an uncompressed form in UTF-8.
        MalformedFormError: The declaration has no boundary.
    """
    if plain := _PLAIN_FORM.fullmatch(header(request.scope, b"content-type")):
        check_encoding(request)
        return plain[1].encode()
    found = _type_parameters(request, "multipart/form-data", example).get(b"boundary", b"")
    if not found:
        raise MalformedFormError(
            "The Content-Type of the form has no boundary: let the HTTP client set this header."
        )
    return found


def check_encoding(request: Request) -> None:
    """Raise UnsupportedMediaError if the body is declared to be compressed."""
    compression.check_header(header(request.scope, b"content-encoding"))


def _type_parameters(request: Request, media_type: str, example: str) -> dict[bytes, bytes]:
    """Return the parameters of the Content-Type, which must be `media_type`."""
    declared = header(request.scope, b"content-type")
    if declared.count(";") > _MAX_TYPE_PARAMETERS:
        raise UnsupportedMediaError(
            f"The Content-Type has more than {_MAX_TYPE_PARAMETERS} parameters."
        )
    given, parameters = parse_options_header(declared)
    if given.decode("latin-1") != media_type:
        raise UnsupportedMediaError(f"This route accepts {media_type}, for example: {example}")
    if parameters.get(b"charset", b"utf-8").lower() not in _UTF_8:
        raise UnsupportedMediaError("This route accepts only text in UTF-8.")
    check_encoding(request)
    return parameters


def _accepts_events(media_range: str) -> bool:
    """Whether one range of an Accept header is that of events; a weight of 0 excludes them."""
    if "event-stream" not in media_range.lower():
        return False
    media_type, parameters = parse_options_header(media_range)
    return media_type == b"text/event-stream" and parameters.get(b"q", b"1").strip(b"0.") != b""
