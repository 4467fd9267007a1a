"""Examples and descriptions for the OpenAPI document."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel

from off_tanet.api.problems import MEDIA_TYPE, Problem
from off_tanet.schemas.forms import ClipForm, FramesForm, VideoForm
from off_tanet.schemas.json_requests import PredictionRequest
from off_tanet.schemas.oip import InferenceRequestBody
from off_tanet.schemas.options import Options

PREDICTION: dict[str, Any] = {
    "id": "01KAQ4T6E0R5JPZ3M7V8XW2YBC",
    "model": {"name": "off-tanet", "version": "1.0.0"},
    "label": "positive",
    "probabilities": {"negative": 0.07, "positive": 0.88, "surprise": 0.05},
    "onset": {"index": 0, "time_s": 0.0},
    "apex": {"index": 14, "time_s": 0.07},
    "face": {
        "box": [112.0, 40.0, 260.0, 300.0],
        "score": 0.99,
        "landmarks": {
            "left_eye": [191.2, 152.4],
            "right_eye": [293.8, 151.9],
            "nose": [242.1, 214.6],
            "mouth_left": [203.5, 272.0],
            "mouth_right": [281.3, 271.4],
        },
    },
    "quality": {"motion_px": 0.41, "head_motion_px": 0.12, "warnings": []},
    "timings_ms": {"decode": 2.1, "face": 6.0, "flow": 6.2, "inference": 1.0, "total": 15.9},
}

EXPRESSION: dict[str, Any] = {
    "kind": "micro",
    **PREDICTION,
    "onset": {"index": 371, "time_s": 12.366667},
    "apex": {"index": 376, "time_s": 12.533333},
    "offset": {"index": 382, "time_s": 12.733333},
    "read_at": {"index": 376, "time_s": 12.533333},
    "strength_px": 0.45,
    "confidence": 0.71,
}
SPOTTING: dict[str, Any] = {
    "id": "01KAQ4T6E0R5JPZ3M7V8XW2YBD",
    "model": PREDICTION["model"],
    "expressions": [
        EXPRESSION,
        {
            **EXPRESSION,
            "kind": "macro",
            "onset": {"index": 610, "time_s": 20.333333},
            "apex": {"index": 628, "time_s": 20.933333},
            "offset": {"index": 655, "time_s": 21.833333},
            "read_at": {"index": 613, "time_s": 20.433333},
            "strength_px": 4.32,
            "confidence": 0.83,
        },
    ],
    "events": [
        {
            "kind": "blink",
            "start": {"index": 212, "time_s": 7.066667},
            "end": {"index": 216, "time_s": 7.2},
            "strength": 0.71,
        },
    ],
    "video": {
        "frames": 1800,
        "frames_with_face": 1800,
        "seconds": 59.966667,
        "judged_s": 56.3,
        "unjudged_s": {"turned_head": 3.7},
        "time_uncertainty_s": 0.0333,
    },
    "warnings": [],
    "timings_ms": {"decode": 830.1, "spotting": 7410.5, "total": 8290.7},
}

_COMPONENT = "#/components/schemas/{model}"

_FRAMES_REQUEST = {
    "summary": "An onset and an apex frame",
    "value": {"input": {"type": "frames", "onset": "iVBORw0KGgo…", "apex": "iVBORw0KGgo…"}},
}
_CLIP_REQUEST = {
    "summary": "A clip",
    "value": {"input": {"type": "clip", "video": "AAAAIGZ0eXA…"}},
}

INFERENCE: dict[str, Any] = {
    "model_name": "off-tanet",
    "model_version": "1.0.0",
    "id": "42",
    "outputs": [
        {
            "name": "probabilities",
            "datatype": "FP32",
            "shape": [1, 3],
            "data": [0.07, 0.88, 0.05],
        }
    ],
}
_INFERENCE_REQUEST = {
    "id": "42",
    "inputs": [
        {
            "name": "flow",
            "datatype": "FP32",
            "shape": [1, 2, 112, 112],
            "data": ["25088 numbers"],
        }
    ],
    "outputs": [{"name": "probabilities"}],
}

_DETAILS = {
    400: ("malformed_json", "body.5: JSON decode error"),
    401: ("unauthorized", "The request has no API key that this service accepts."),
    408: ("slow_request", "The body did not arrive within 60 s."),
    413: ("limit_exceeded", "The body has more than 67108864 bytes."),
    414: ("limit_exceeded", "The URL has more than 8192 bytes."),
    415: ("unsupported_media_type", "The body is compressed (gzip): send it uncompressed."),
    422: ("no_face", "No face was found on the onset frame."),
    429: ("quota_exceeded", "The quota of this API key is 100 per 1 minute."),
    431: ("limit_exceeded", "There are more than 100 headers."),
    500: ("internal_error", "The service failed on this request."),
    503: ("queue_full", "The service has more work than it can queue."),
    504: ("deadline_exceeded", "The work took too long and was stopped."),
}
_LIMITS = {413: "max_body_bytes", 414: "max_url_bytes", 431: "max_headers"}
_INFERENCE_DETAILS = _DETAILS | {
    400: ("invalid_inference_request", "inputs.0.datatype: Input should be 'FP32'"),
    404: ("unknown_model", "The model of this service is off-tanet."),
}


def success(example: dict[str, Any]) -> dict[str, Any]:
    """Describe a JSON response with status 200."""
    return {"description": "OK", "content": {"application/json": {"example": example}}}


def success_or_events(
    example: dict[str, Any], name: str = "prediction", *partial: tuple[str, dict[str, Any]]
) -> dict[str, Any]:
    """Describe a response with status 200 that is JSON or a stream of events.

    Args:
        example: The JSON, which is also the data of the last event.
        name: The name of the last event.
        partial: Names and data of the events before it.
    """
    progress = {"stage": "decode", "done": 3, "total": 26}
    events = "".join(
        f"event: {kind}\ndata: {json.dumps(body)}\n\n"
        for kind, body in (("progress", progress), *partial, (name, example))
    )
    plain = success(example)
    plain["content"]["text/event-stream"] = {"schema": {"type": "string"}, "example": events}
    return plain


def prediction_body() -> dict[str, Any]:
    """Describe the query and the body of a JSON prediction request."""
    json_body = {
        "schema": {"$ref": _COMPONENT.format(model=PredictionRequest.__name__)},
        "examples": {"frames": _FRAMES_REQUEST, "clip": _CLIP_REQUEST},
    }
    content = {"application/json": json_body}
    return {
        "parameters": _queries(Options),
        "requestBody": {"required": True, "content": content},
    }


def form_body(form: type[FramesForm | ClipForm | VideoForm]) -> dict[str, Any]:
    """Describe the query and the body of a request with a form."""
    content = {"multipart/form-data": {"schema": {"$ref": _COMPONENT.format(model=form.__name__)}}}
    return {
        "parameters": _queries(form.options),
        "requestBody": {"required": True, "content": content},
    }


def _queries(options: type[Options]) -> list[dict[str, Any]]:
    """Describe each option as a parameter of the query."""
    return [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": schema.pop("description"),
            "schema": schema,
        }
        for name, schema in options.model_json_schema()["properties"].items()
    ]


def components() -> dict[str, Any]:
    """Return the named schemas that the descriptions of bodies and problems refer to."""
    schema = PredictionRequest.model_json_schema(ref_template=_COMPONENT)
    return {
        **schema.pop("$defs"),
        PredictionRequest.__name__: schema,
        Problem.__name__: Problem.model_json_schema(),
        **{form.__name__: form.model_json_schema() for form in (FramesForm, ClipForm, VideoForm)},
    }


def inference_body() -> dict[str, Any]:
    """Describe the body of an Open Inference Protocol request."""
    json_body = {"schema": _inline(InferenceRequestBody), "example": _INFERENCE_REQUEST}
    binary = {
        "schema": {
            "type": "string",
            "format": "binary",
            "description": "Inference-Header-Content-Length bytes of JSON, then the binary tensor.",
        }
    }
    content = {"application/json": json_body, "application/octet-stream": binary}
    return {"requestBody": {"required": True, "content": content}}


def _inline(model: type[BaseModel]) -> Any:
    """Return the model's schema without references, which would point into the whole document."""
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})

    def inline(node: Any) -> Any:
        if isinstance(node, list):
            return [inline(part) for part in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return inline(definitions[node["$ref"].rpartition("/")[2]])
        return {name: inline(part) for name, part in node.items()}

    return inline(schema)


def failures(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the problems that a route may respond with, each with an example."""
    return {
        status: _failure(_example(status, *_DETAILS[status], "/v1/predictions/frames"))
        for status in statuses
    }


def inference_failures(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the problems of a route under /v2, whose details are repeated as `error`."""
    described: dict[int | str, dict[str, Any]] = {}
    for status in statuses:
        code, detail = _INFERENCE_DETAILS[status]
        example = _example(status, code, detail, "/v2/models/off-tanet/infer")
        described[status] = _failure(example.model_copy(update={"error": detail}))
    return described


def _example(status: int, code: str, detail: str, instance: str) -> Problem:
    return Problem(
        type=f"urn:off-tanet:problem:{code}",
        title=code.replace("_", " ").capitalize(),
        status=status,
        detail=detail,
        instance=instance,
        code=code,
        request_id="01KAQ4T6DZ7N2R9C5F8G3H1JKM",
        limit=_LIMITS.get(status),
    )


def _failure(example: Problem) -> dict[str, Any]:
    return {
        "description": HTTPStatus(example.status).phrase,
        "content": {
            MEDIA_TYPE: {
                "schema": {"$ref": _COMPONENT.format(model=Problem.__name__)},
                "example": example.model_dump(exclude_none=True),
            }
        },
    }
