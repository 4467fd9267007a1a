"""The numbers of a tensor in JSON, from text to float32 without a Python number for each at once.

As Python's, the numbers of 64 flows take more memory than all else that a worker holds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from off_tanet.errors import InferenceRequestError
from off_tanet.recognition.classifier import INPUT

_PIECE = 1 << 16  # bytes of text that are read at once
_OF_NUMBERS = b"+-.0123456789Ee \t\r\n"

Members = dict[str, msgspec.Raw]


def lift(body: bytes) -> tuple[bytes, memoryview | None]:
    """The JSON of a request without the first input's `data`, and the text of those.

    A body that is no strict JSON or no request comes back whole: who reads it finds the fault.
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


def read(text: memoryview, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Numbers of JSON, flat or nested as `shape`; those beyond float32 become infinite.

    Raises InferenceRequestError for another structure and for numbers that no double holds.
    """
    _check_structure(text, shape)
    values = np.empty(math.prod(shape), np.float32)
    filled = 0
    with np.errstate(over="ignore"):
        for piece in _pieces(text):
            numbers = _decoded(piece.translate(None, b"[]"))
            values[filled : filled + len(numbers)] = numbers
            filled += len(numbers)
    return values.reshape(shape)


def _check_structure(text: memoryview, shape: tuple[int, ...]) -> None:
    """Flow in the order [N, 112, 112, 2] has the right number of values, too."""
    found = b"".join(piece.translate(None, _OF_NUMBERS) + b"," for piece in _pieces(text))[:-1]
    if found.startswith(b"[["):
        if found != _nested(shape):
            raise InferenceRequestError(f"{INPUT} has nested data that are not of its shape.")
        return
    if found[1:-1].strip(b","):
        raise InferenceRequestError(f"{INPUT} has data that are not numbers.")
    count = found.count(b",") + (len(text) > len("[]"))
    if count != math.prod(shape):
        raise InferenceRequestError(
            f"{INPUT} has {count} values; its shape needs {math.prod(shape)}."
        )


def _nested(shape: tuple[int, ...]) -> bytes:
    """The brackets and commas of nested lists of `shape`."""
    structure = b""
    for length in reversed(shape):
        structure = b"[" + b",".join([structure] * length) + b"]"
    return structure


def _pieces(text: memoryview) -> Iterator[bytes]:
    """The text, cut at some of its commas."""
    start = 0
    while start < len(text):
        piece = bytes(text[start : start + _PIECE])
        if start + _PIECE < len(text):
            if b"," not in piece:
                raise InferenceRequestError(f"{INPUT} has data that are not numbers.")
            piece = piece[: piece.rfind(b",")]
        start += len(piece) + 1
        yield piece


def _decoded(piece: bytes) -> list[float]:
    try:
        return msgspec.json.decode(b"[" + piece + b"]", type=list[float])
    except msgspec.ValidationError:  # strict JSON without text and names: only size is left
        raise InferenceRequestError(f"{INPUT} holds values that are not finite in FP32.") from None
