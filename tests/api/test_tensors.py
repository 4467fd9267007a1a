"""Tensors of the Open Inference Protocol, against the codec of Triton's own client."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import numpy as np
import pytest
import tritonclient.http as triton  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from off_tanet.errors import InferenceRequestError, LimitExceededError
from off_tanet.schemas import oip_codec
from off_tanet.schemas.oip import OutputName
from off_tanet.types import ModelName

MODEL = ModelName("off-tanet", "1.0.0")
NAMES: tuple[OutputName, ...] = ("probabilities", "attention")
MAX_BATCH = 3
Floats = NDArray[np.float32]


@st.composite
def batches(draw: st.DrawFn, *shape: int) -> Floats:
    """[N, *shape], N up to the limit: noise of any amplitude, mixed with any finite values."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    values = random.standard_normal((draw(st.integers(1, MAX_BATCH)), *shape), np.float32)
    values *= np.float32(draw(st.floats(2**-60, 2**60, width=32)))
    chosen = draw(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), max_size=3))
    values.ravel()[: len(chosen)] = chosen
    return values


def encoded_request(flows: Floats, *, binary: bool, **more: Any) -> tuple[bytes, str | None]:
    """The body and header length of a request, as Triton's client encodes them."""
    tensor = triton.InferInput("flow", list(flows.shape), "FP32")
    tensor.set_data_from_numpy(flows, binary_data=binary)
    body, length = triton.InferenceServerClient.generate_request_body([tensor], **more)
    return body, None if length is None else str(length)


def still(count: int = 1) -> Floats:
    return np.zeros((count, 2, 112, 112), np.float32)


def described(**changes: Any) -> bytes:
    """A valid request in JSON with changes to its input; None removes a member."""
    tensor = {
        "name": "flow",
        "datatype": "FP32",
        "shape": [1, 2, 112, 112],
        "data": still().ravel().tolist(),
    } | changes
    return json.dumps(
        {"inputs": [{name: value for name, value in tensor.items() if value is not None}]}
    ).encode()


@settings(max_examples=15, deadline=None)
@given(batches(2, 112, 112), st.booleans())
def test_flows_arrive_bit_by_bit(flows: Floats, binary: bool) -> None:
    """Decimal numbers in between must not lose a bit."""
    parsed = oip_codec.parse(*encoded_request(flows, binary=binary), MAX_BATCH)
    np.testing.assert_array_equal(parsed.flows, flows)
    assert parsed.flows.dtype == np.float32


@settings(max_examples=5, deadline=None)
@given(batches(2, 112, 112))
def test_nested_data_equal_flat_data(flows: Floats) -> None:
    body = described(shape=list(flows.shape), data=flows.tolist())
    np.testing.assert_array_equal(oip_codec.parse(body, None, MAX_BATCH).flows, flows)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(NAMES), st.booleans()), unique_by=lambda output: output[0]),
    batches(3),
    st.text(min_size=1),
)
def test_the_client_reads_the_outputs_it_requested(
    wanted: list[tuple[OutputName, bool]], probabilities: Floats, name: str
) -> None:
    """Any choice of outputs, each in JSON or binary; without one, all of them."""
    outputs = [triton.InferRequestedOutput(name, binary_data=binary) for name, binary in wanted]
    body, length = encoded_request(still(), binary=True, outputs=outputs, request_id=name)
    request = oip_codec.parse(body, length, MAX_BATCH)
    attention = np.linspace(0, 1, len(probabilities) * 196, dtype=np.float32).reshape(-1, 14, 14)
    given_ = {"probabilities": probabilities, "attention": attention}
    reply = oip_codec.reply(request, MODEL, given_)
    read = triton.InferResult.from_response_body(
        reply.header + reply.binary, header_length=len(reply.header) if reply.binary else None
    )
    assert read.get_response()["id"] == name
    for output in NAMES:
        if output in (dict(wanted) or NAMES):
            np.testing.assert_array_equal(read.as_numpy(output), given_[output])
        else:
            assert read.get_output(output) is None


def test_an_output_without_a_format_follows_the_request() -> None:
    """`binary_data_output` is the default, which `binary_data` overrides."""
    request = json.loads(described())
    request["parameters"] = {"binary_data_output": True}
    request["outputs"] = [
        {"name": "attention"},
        {"name": "probabilities", "parameters": {"binary_data": False}},
    ]
    parsed = oip_codec.parse(json.dumps(request).encode(), None, MAX_BATCH)
    assert parsed.outputs == {"attention": True, "probabilities": False}


def test_only_outputs_of_the_model_can_be_requested() -> None:
    """Without names there are all of them, whether or not the model has `expressive`."""
    outputs = (*NAMES, "expressive")
    parsed = oip_codec.parse(described(), None, MAX_BATCH, outputs)
    assert list(parsed.outputs) == [*outputs]
    request = json.loads(described()) | {"outputs": [{"name": "expressive"}]}
    body = json.dumps(request).encode()
    assert list(oip_codec.parse(body, None, MAX_BATCH, outputs).outputs) == ["expressive"]
    with pytest.raises(InferenceRequestError, match="no output expressive"):
        oip_codec.parse(body, None, MAX_BATCH)


def test_null_members_are_absent() -> None:
    """MLServer's types write all of their members."""
    request = json.loads(described())
    request |= {"id": None, "parameters": None, "outputs": None}
    request["inputs"][0]["parameters"] = None
    parsed = oip_codec.parse(json.dumps(request).encode(), None, MAX_BATCH)
    assert parsed.id is None
    assert parsed.outputs == {"probabilities": False, "attention": False}


ZEROS = still().ravel().tolist()
BAD_INPUTS: dict[str, tuple[dict[str, Any], str]] = {
    "another name": ({"name": "image"}, "inputs.0.name"),
    "another datatype": ({"datatype": "FP64"}, "inputs.0.datatype"),
    "another shape": ({"shape": [1, 3, 112, 112]}, "inputs.0.shape.1"),
    "channels last": ({"shape": [1, 112, 112, 2]}, "inputs.0.shape.1"),
    "no batch": ({"shape": [2, 112, 112]}, "inputs.0.shape"),
    "an empty batch": ({"shape": [0, 2, 112, 112], "data": []}, "inputs.0.shape.0"),
    "a shape that is no number": ({"shape": [True, 2, 112, 112]}, "inputs.0.shape.0"),
    "a value too few": ({"data": ZEROS[1:]}, "25087 values"),
    "no value": ({"data": []}, "0 values"),
    "no data": ({"data": None}, "neither data"),
    "two kinds of data": ({"parameters": {"binary_data_size": 100352}}, "both data"),
    "text": ({"data": ["0", *ZEROS[1:]]}, "not numbers"),
    "a truth": ({"data": [True, *ZEROS[1:]]}, "not numbers"),
    "nothing": ({"data": [None, *ZEROS[1:]]}, "not numbers"),
    "a list among numbers": ({"data": [*ZEROS[1:], [0]]}, "not numbers"),
    "not a number": ({"data": [float("nan"), *ZEROS[1:]]}, "not finite"),
    "infinity": ({"data": [float("inf"), *ZEROS[1:]]}, "not finite"),
    "more than FP32 holds": ({"data": [1e39, *ZEROS[1:]]}, "not finite"),
    "more than a double holds": ({"data": [10**400, *ZEROS[1:]]}, "not finite"),
    "nested channels last": (
        {"data": np.zeros((1, 112, 112, 2)).tolist()},
        "nested data",
    ),
    "nested and ragged": ({"data": [[still()[0, 0].tolist(), [[0.0]]]]}, "nested data"),
    "nested too deep": ({"data": [still().tolist()]}, "nested data"),
}


@pytest.mark.parametrize("case", BAD_INPUTS)
def test_a_bad_input_is_named(case: str) -> None:
    """Neither guessed at nor an internal error."""
    changes, reason = BAD_INPUTS[case]
    with pytest.raises(InferenceRequestError, match=reason):
        oip_codec.parse(described(**changes), None, MAX_BATCH)


def test_numbers_are_parsed_with_little_memory() -> None:
    """As Python numbers, a full batch took more memory than everything else in a worker."""
    flows = np.linspace(-3, 3, MAX_BATCH * 25088, dtype=np.float32).reshape(-1, 2, 112, 112)
    for data in (flows.tolist(), flows.ravel().tolist()):
        body = described(shape=list(flows.shape), data=data)
        tracemalloc.start()
        oip_codec.parse(body, None, MAX_BATCH)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < flows.nbytes + len(body)


@pytest.mark.parametrize("between", ["", " ", "\n" * 20])
def test_any_space_between_numbers(between: str) -> None:
    values = [float(value) for value in range(25088)]
    text = f"{between},{between}".join(map(repr, values))
    body = described(data=[]).replace(b"[]", f"[{between}{text}{between}]".encode())
    assert oip_codec.parse(body, None, MAX_BATCH).flows.ravel().tolist() == values


def test_a_number_of_any_length_is_one_number() -> None:
    number = "0." + "1" * 200_000
    body = described(data=[]).replace(b"[]", f"[{number}{',0' * 25087}]".encode())
    values = oip_codec.parse(body, None, MAX_BATCH).flows.ravel().tolist()
    assert values == [float(np.float32(1 / 9)), *[0.0] * 25087]


@pytest.mark.parametrize("name", ['"d\\u0061ta"', '"data": [1], "data"'])
def test_data_under_an_escaped_name(name: str) -> None:
    """JSON allows escapes in names, and the last of two equal names counts."""
    body = described().replace(b'"data"', name.encode())
    assert not oip_codec.parse(body, None, MAX_BATCH).flows.any()


BODY, LENGTH = encoded_request(still(), binary=True)
assert LENGTH is not None
JSON_PART = BODY[: int(LENGTH)]
BAD_BODIES: dict[str, tuple[bytes, str | None, str]] = {
    "empty": (b"", None, "body: Invalid JSON"),
    "no JSON": (b"flow", None, "body: Invalid JSON"),
    "a list": (b"[]", None, "body: Input should be an object"),
    "not UTF-8": (b'{"id": "\xff"}', None, "Invalid JSON"),
    "nested without end": (b"[" * 100_000, None, "body"),
    "no input": (b'{"inputs": []}', None, "inputs"),
    "two inputs": (
        json.dumps({"inputs": json.loads(JSON_PART)["inputs"] * 2}).encode(),
        None,
        "inputs",
    ),
    "an unknown output": (
        described()[:-1] + b', "outputs": [{"name": "label"}]}',
        None,
        "outputs.0.name",
    ),
    "an extension that is not offered": (
        described()[:-1]
        + b', "outputs": [{"name": "attention", "parameters": {"classification": 1}}]}',
        None,
        "outputs.0.parameters.classification",
    ),
    "an id that is no text": (described()[:-1] + b', "id": 7}', None, "id"),
    "no header length": (BODY, None, "Invalid JSON"),
    "only JSON": (JSON_PART, None, "0 bytes follow"),
    "a length that is no number": (BODY, "many", "not a number of bytes"),
    "a length that is negative": (BODY, "-1", "not a number of bytes"),
    "a length of many digits": (BODY, "9" * 5000, "not a number of bytes"),
    "a length of nothing": (BODY, "0", "is 0"),
    "a length beyond the body": (BODY, str(len(BODY) + 1), "the body has"),
    "a length too short": (BODY, str(int(LENGTH) - 1), "Invalid JSON"),
    "a byte too few": (BODY[:-1], LENGTH, "100351 bytes follow"),
    "a byte too many": (BODY + b"\0", LENGTH, "100353 bytes follow"),
    "bytes that nobody owns": (
        described() + bytes(4),
        str(len(described())),
        "no input has a binary_data_size",
    ),
    "a binary size that is not the shape's": (
        JSON_PART.replace(b"100352", b"100348") + bytes(100348),
        LENGTH,
        "its shape needs 100352",
    ),
    "values that are not finite": (
        JSON_PART + np.full(25088, np.nan, "<f4").tobytes(),
        LENGTH,
        "not finite",
    ),
}


@pytest.mark.parametrize("case", BAD_BODIES)
def test_a_bad_body_is_named(case: str) -> None:
    body, length, reason = BAD_BODIES[case]
    with pytest.raises(InferenceRequestError, match=reason):
        oip_codec.parse(body, length, MAX_BATCH)


@pytest.mark.parametrize(
    "body",
    [
        described(shape=[MAX_BATCH + 1, 2, 112, 112]),
        b'{"inputs": [' + b"0," * 25088 * (MAX_BATCH + 1) + b"0]}",
    ],
    ids=["claimed", "sent"],
)
def test_a_batch_over_the_limit(body: bytes) -> None:
    """Found by the declared shape and by the actual data, before either takes memory."""
    with pytest.raises(LimitExceededError) as caught:
        oip_codec.parse(body, None, MAX_BATCH)
    assert caught.value.limit == "batch"


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_mutated_body_is_a_domain_error(data: st.DataObject) -> None:
    """Anything else would be a 500."""
    body = bytearray(BODY[: int(LENGTH or 0) + 40])
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(body)))
        body[at : at + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    length = data.draw(st.none() | st.just(LENGTH) | st.integers().map(str) | st.text())
    with pytest.raises((InferenceRequestError, LimitExceededError)):
        oip_codec.parse(bytes(body), length, MAX_BATCH)
