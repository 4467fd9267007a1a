"""Conversion of errors to `application/problem+json` (RFC 9457), in one place."""

from __future__ import annotations

import logging
import re
from http import HTTPStatus
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from off_tanet import errors, logs
from off_tanet.api.middleware.instrumentation import record_problem
from off_tanet.api.middleware.request_id import request_id
from off_tanet.api.paths import route_path
from off_tanet.schemas.validation import error_of

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

# The framework's own error for a body that it cannot read.
_HTTP_CODES = {400: "malformed_body"}


class Problem(BaseModel):
    """An error in the format of RFC 9457."""

    type: str = Field(description="A URN that identifies the kind of problem.")
    title: str = Field(description="The kind of problem in a few words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What is wrong with this request, for people.")
    instance: str = Field(description="The path of the request.")
    code: str = Field(description="The kind of problem, for programs; stable.")
    request_id: str = Field(description="Identifies the request in the service's log.")
    limit: str | None = Field(None, description="With 413, 414 and 431: the setting exceeded.")
    error: str | None = Field(None, description="Under /v2, as its clients expect: the detail.")


def problem(scope: Scope, error: errors.OffTanetError) -> Problem:
    """Return the problem that describes `error`, and record its code."""
    detail = error.detail
    if isinstance(error, errors.ClipTooLongError):
        mount = scope.get("root_path", "")
        detail += f" Long recordings are videos: POST {mount}/v1/predictions/video."
    body = _problem(scope, error.status, error.code, error.title, detail)
    if isinstance(error, errors.LimitExceededError):
        body.limit = f"max_{error.limit}"
    return body


def response(scope: Scope, error: errors.OffTanetError) -> Response:
    """Return the response that describes `error`, with the headers that its kind requires."""
    headers = {}
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, errors.UnauthorizedError):
        headers["WWW-Authenticate"] = "Bearer"
    if error.status == HTTPStatus.UPGRADE_REQUIRED:
        headers |= {"Upgrade": "websocket", "Connection": "Upgrade"}
    if isinstance(error, errors.SlowRequestError):
        headers["Connection"] = "close"  # the remainder of the body may never arrive
    return _response(scope, problem(scope, error), headers)


def unexpected(error: Exception) -> errors.OffTanetError:
    """Return the error that a client receives for a fault of the service.

    The log receives the type of the fault and the place that raised it.
    """
    log.error("%s", logs.describe_error(error))
    return errors.OffTanetError("The service failed on this request.")


def install(app: FastAPI) -> None:
    """Answer every error of `app`, including the framework's own, with a problem."""

    @app.exception_handler(errors.OffTanetError)
    async def domain(request: Request, error: errors.OffTanetError) -> Response:
        return response(request.scope, error)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        title = HTTPStatus(error.status_code).phrase
        code = _HTTP_CODES.get(error.status_code) or re.sub(r"\W+", "_", title.lower())
        scope = request.scope
        body = _problem(scope, error.status_code, code, title, str(error.detail))
        return _response(scope, body, dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def validation(request: Request, error: RequestValidationError) -> Response:
        return response(request.scope, error_of(error.errors()))


def _problem(scope: Scope, status: int, code: str, title: str, detail: str) -> Problem:
    record_problem(scope, code)
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


def _response(scope: Scope, body: Problem, headers: dict[str, str]) -> Response:
    return Response(
        body.model_dump_json(exclude_none=True),
        status_code=body.status,
        headers={**headers, "Link": _links(scope)},
        media_type=MEDIA_TYPE,
    )


def _links(scope: Scope) -> str:
    """Return the header that names the documentation (RFC 8288), by the relations of RFC 8631."""
    mount = quote(scope.get("root_path", ""))
    documents = [f'<{mount}/openapi.json>; rel="service-desc"; type="application/json"']
    if page := getattr(getattr(scope.get("app"), "state", None), "docs", None):
        documents.append(f'<{mount}{page}>; rel="service-doc"; type="text/html"')
    return ", ".join(documents)
