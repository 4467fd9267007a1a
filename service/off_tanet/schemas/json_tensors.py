"""Conversion of tensors in JSON to float32, in pieces.

As Python floats, the numbers of 64 flow fields would take more memory than everything else in a
worker.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from off_tanet.errors import InferenceRequestError
from off_tanet.recognition.classifier import INPUT

_PIECE_BYTES = 1 << 16  # of text, decoded at once
_NUMBER_CHARACTERS = b"+-.0123456789Ee \t\r\n"

Members = dict[str, msgspec.Raw]


def separate_data(body: bytes) -> tuple[bytes, memoryview | None]:
    """Separate the `data` of the first input from the JSON of a request.

    Args:
        body: The JSON of an Open Inference Protocol request.

    Returns:
        The JSON without that member, and the text of the member. A body that is not strict JSON, or
        not a request, is returned unchanged with None; the validation that follows reports why.
    """
    try:
        request = msgspec.json.decode(body, type=Members)
        tensors = msgspec.json.decode(request["inputs"], type=list[Members])
        data = memoryview(tensors[0]["data"])
    except (msgspec.DecodeError, UnicodeError, LookupError, RecursionError):
        return body, None
    if bytes(data[:1]) != b"[":
        return body, None
    del tensors[0]["data"]
    request["inputs"] = msgspec.Raw(msgspec.json.encode(tensors))
    return msgspec.json.encode(request), data


def parse(text: memoryview, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Convert the `data` of a tensor.

    Args:
        text: A JSON list of numbers, flat in row-major order or nested as `shape`.
        shape: The shape of the tensor.

    Returns:
        The tensor. Numbers beyond the range of float32 are infinite.

    Raises:
        InferenceRequestError: The structure differs from `shape`, or a value is not a number or
            beyond the range of a double.
    """
    _check_structure(text, shape)
    values = np.empty(math.prod(shape), np.float32)
    filled = 0
    with np.errstate(over="ignore"):
        for piece in _pieces(text):
            numbers = _decode(piece.translate(None, b"[]"))
            values[filled : filled + len(numbers)] = numbers
            filled += len(numbers)
    return values.reshape(shape)


def _check_structure(text: memoryview, shape: tuple[int, ...]) -> None:
    """Compare the nesting too: flow in the order [N, 112, 112, 2] has the same number of values."""
    found = b"".join(piece.translate(None, _NUMBER_CHARACTERS) + b"," for piece in _pieces(text))[
        :-1
    ]
    if found.startswith(b"[["):
        if found != _nested(shape):
            raise InferenceRequestError(f"{INPUT} has nested data of another shape.")
        return
    if found[1:-1].strip(b","):
        raise InferenceRequestError(f"{INPUT} has data that are not numbers.")
    count = found.count(b",") + (len(text) > len("[]"))
    if count != math.prod(shape):
        raise InferenceRequestError(
            f"{INPUT} has {count} values; its shape needs {math.prod(shape)}."
        )


def _nested(shape: tuple[int, ...]) -> bytes:
    """Return the brackets and commas of nested lists of `shape`."""
    structure = b""
    for length in reversed(shape):
        structure = b"[" + b",".join([structure] * length) + b"]"
    return structure


def _pieces(text: memoryview) -> Iterator[bytes]:
    """Yield the text in pieces, which are separated by commas."""
    start = 0
    while start < len(text):
        piece = bytes(text[start : start + _PIECE_BYTES])
        if start + _PIECE_BYTES < len(text):
            if b"," not in piece:
                raise InferenceRequestError(f"{INPUT} has data that are not numbers.")
            piece = piece[: piece.rfind(b",")]
        start += len(piece) + 1
        yield piece


def _decode(piece: bytes) -> list[float]:
    try:
        return msgspec.json.decode(b"[" + piece + b"]", type=list[float])
    except (
        msgspec.ValidationError
    ):  # in strict JSON without strings, only a value that is too large
        raise InferenceRequestError(f"{INPUT} holds values that are not finite in FP32.") from None
