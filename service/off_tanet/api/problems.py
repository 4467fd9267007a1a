"""Every error as `application/problem+json` (RFC 9457), from one place."""

from __future__ import annotations

import asyncio
import logging
import re
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from off_tanet import errors, logs
from off_tanet.api.middleware.instrumentation import note_problem
from off_tanet.api.middleware.request_id import request_id
from off_tanet.api.paths import route_path
from off_tanet.schemas.validation import error_of

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

# The framework's own, for a body that could not even be read.
_HTTP_CODES = {400: "malformed_body"}


class Problem(BaseModel):
    """What went wrong, in the form of RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    limit: str | None = Field(None, description="with 413: the setting that was exceeded")
    error: str | None = Field(None, description="under /v2, for its clients: the detail again")


def problem(scope: Scope, error: errors.OffTanetError) -> Problem:
    """The problem that tells of `error`."""
    detail = error.detail
    if isinstance(error, errors.ClipTooLongError):
        mount = scope.get("root_path", "")
        detail += f" Long recordings are videos: POST {mount}/v1/predictions/video."
    told = _problem(scope, error.status, error.code, error.title, detail)
    if isinstance(error, errors.LimitExceededError):
        told.limit = f"max_{error.limit}"
    return told


def response(scope: Scope, error: errors.OffTanetError) -> Response:
    """The response that tells of `error`, with `Retry-After` where coming back helps."""
    headers = {}
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, errors.UnauthorizedError):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, errors.SlowRequestError):
        headers["Connection"] = "close"  # the rest of the body may never come
    return _response(problem(scope, error), headers)


def unexpected(error: Exception) -> errors.OffTanetError:
    """What a client is told of an error of ours; the log gets its type and its place."""
    log.error("%s", logs.told(error))
    return errors.OffTanetError("The service failed on this request.")


def install(app: FastAPI) -> None:
    """Answer every error of `app`, the framework's own included, with a problem."""

    @app.exception_handler(errors.OffTanetError)
    async def domain(request: Request, error: errors.OffTanetError) -> Response:
        return response(request.scope, error)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        if isinstance(error, BodyRefusedError):
            return response(request.scope, error.error)
        title = HTTPStatus(error.status_code).phrase
        code = _HTTP_CODES.get(error.status_code) or re.sub(r"\W+", "_", title.lower())
        return _response(
            _problem(request.scope, error.status_code, code, title, str(error.detail)),
            dict(error.headers or {}),
        )

    @app.exception_handler(RequestValidationError)
    async def validation(request: Request, error: RequestValidationError) -> Response:
        return response(request.scope, error_of(error.errors()))


class UnexpectedErrorMiddleware:
    """Answers an error of ours with a problem, and so what the server cancels when it stops.

    The log gets an error's type and its place.

    The framework's own handler stands outside all middleware, where its answer gets none of their
    headers, and raises the error again, whereupon the server logs it with its message.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = False

        async def send_noted(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        failed: errors.OffTanetError
        try:
            await self.app(scope, receive, send_noted)
            return
        except asyncio.CancelledError:  # by the server, which stops and waits no longer
            if began:
                raise
            failed = errors.DrainingError("The service stopped before this request's end.")
        except Exception as error:
            failed = unexpected(error)
        answer = response(scope, failed)
        if not began:  # else the server sees an answer without an end, and hangs up
            await answer(scope, receive, send)


class BodyRefusedError(HTTPException):
    """Carries the error through the framework's reading of a body; only this kind gets through."""

    def __init__(self, error: errors.OffTanetError) -> None:
        super().__init__(error.status, error.detail)
        self.error = error


def _problem(scope: Scope, status: int, code: str, title: str, detail: str) -> Problem:
    note_problem(scope, code)
    return Problem(
        type=f"urn:off-tanet:problem:{code}",
        title=title,
        status=status,
        detail=detail,
        instance=scope["path"],
        code=code,
        request_id=request_id(scope),
        error=detail if route_path(scope).startswith("/v2") else None,
    )


def _response(body: Problem, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse(
        body.model_dump(exclude_none=True),
        status_code=body.status,
        headers=headers,
        media_type=MEDIA_TYPE,
    )
