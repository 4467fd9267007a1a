"""The OpenAPI document, from which clients are generated."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from off_tanet.schemas.prediction import PredictionBody

ROUTES = {
    "/v1/predictions/frames": "post",
    "/v1/predictions/clip": "post",
    "/v1/predictions": "post",
}


@pytest.fixture(scope="module")
def document(http: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = http.get("/openapi.json").json()
    return found


def examples_of(document: dict[str, Any], route: dict[str, Any]) -> dict[str, Any]:
    referred = route["responses"]["200"]["content"]["application/json"]["examples"]
    named = document["components"]["examples"]
    return {
        name: named[link["$ref"].rpartition("/")[2]]["value"] for name, link in referred.items()
    }


@pytest.mark.parametrize("path", ROUTES)
def test_each_route_has_an_example_and_its_errors(document: dict[str, Any], path: str) -> None:
    route = document["paths"][path][ROUTES[path]]
    examples = examples_of(document, route)
    assert (examples["named"]["label"], examples["named"]["reason"]) == ("positive", None)
    assert (examples["unnamed"]["label"], examples["unnamed"]["reason"]) == (None, "no_motion")
    for example in examples.values():
        PredictionBody.model_validate(example)
    for status in ("400", "413", "415", "422", "503", "504"):
        content = route["responses"][status]["content"]
        assert list(content) == ["application/problem+json"]
        assert content["application/problem+json"]["example"]["status"] == int(status)
    assert "curl" in route["description"] or "examples" in str(route["requestBody"])


def test_the_clip_route_declares_that_it_streams(document: dict[str, Any]) -> None:
    ok = document["paths"]["/v1/predictions/clip"]["post"]["responses"]["200"]
    assert "text/event-stream" in ok["content"]


def test_base64_is_a_string_in_the_schema(document: dict[str, Any]) -> None:
    schema = document["components"]["schemas"]["FramesInput"]["properties"]["onset"]
    assert schema["type"] == "string"


def test_only_our_own_errors_are_declared(document: dict[str, Any]) -> None:
    """FastAPI adds its own form of 422 to each route with a parameter; it is never sent."""
    assert "HTTPValidationError" not in document["components"]["schemas"]
    for path in document["paths"].values():
        for operation in path.values():
            for status, answer in operation["responses"].items():
                assert status < "400" or list(answer["content"]) == ["application/problem+json"]


OPTIONS = {"face", "faces", "include"}
INDICES = {"onset_index", "apex_index"}


@pytest.mark.parametrize(
    ("path", "options", "files"),
    [
        ("/v1/predictions/frames", OPTIONS, {"onset", "apex"}),
        ("/v1/predictions/clip", OPTIONS | INDICES, {"video"}),
        ("/v1/predictions/video", OPTIONS, {"video"}),
        ("/v1/predictions", OPTIONS, set()),
    ],
)
def test_options_are_declared_in_query_and_form(
    document: dict[str, Any], path: str, options: set[str], files: set[str]
) -> None:
    """Unknown options are refused, so all known ones must be declared."""
    route = document["paths"][path]["post"]
    queries = {each["name"]: each for each in route["parameters"]}
    assert set(queries) == options
    assert all(each["in"] == "query" and each["description"] for each in queries.values())
    if files:
        (content,) = route["requestBody"]["content"].values()
        form = document["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
        assert set(form["properties"]) == options | files
        assert (set(form["required"]), form["additionalProperties"]) == (files, False)
        assert form["properties"]["include"]["pattern"] == queries["include"]["schema"]["pattern"]
