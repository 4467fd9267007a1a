"""Conversion of tensors in JSON to float32, in C++.

The numbers of 64 flow fields as Python objects would take more memory than everything else in a
worker, and making them would take as long as the network. The C++ library has a C interface.
"""

from __future__ import annotations

import ctypes
import math
import re
from functools import cache

import msgspec
import numpy as np
from numpy.typing import NDArray

from off_tanet import native
from off_tanet.errors import InferenceRequestError
from off_tanet.types.tensors import INPUT

_NESTED = re.compile(rb"\s*\[\s*\[")
_NUMBERS = b"+-.0123456789Ee, \t\r\n"
_ABSENT = msgspec.Raw()


class _Tensor(msgspec.Struct, omit_defaults=True):
    """The members of `oip.InputTensor`, as the text that the request has for each."""

    name: msgspec.Raw = _ABSENT
    datatype: msgspec.Raw = _ABSENT
    shape: msgspec.Raw = _ABSENT
    data: msgspec.Raw = _ABSENT
    parameters: msgspec.Raw = _ABSENT


class _Request(msgspec.Struct, omit_defaults=True):
    """The members of `oip.InferenceRequestBody`, as the text that the request has for each."""

    inputs: tuple[_Tensor]
    id: msgspec.Raw = _ABSENT
    outputs: msgspec.Raw = _ABSENT
    parameters: msgspec.Raw = _ABSENT


_REQUESTS = msgspec.json.Decoder(_Request)


def separate_data(body: bytes) -> tuple[bytes, memoryview | None]:
    """Separate the `data` of the input from the JSON of a request.

    Args:
        body: The JSON of an Open Inference Protocol request.

    Returns:
        The JSON without that member, and the text of the member. A body that is not strict JSON, or
        not a request with one input, is returned unchanged with None; the validation that follows
        reports why.
    """
    try:
        request = _REQUESTS.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return body, None
    tensor = request.inputs[0]
    data = memoryview(tensor.data)
    if bytes(data[:1]) != b"[":
        return body, None
    tensor.data = _ABSENT
    return msgspec.json.encode(request), data


def parse(text: memoryview, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Convert the `data` of a tensor.

    Args:
        text: A JSON list of numbers, flat in row-major order or nested as `shape`.
        shape: The shape of the tensor.

    Returns:
        The tensor. Numbers beyond the range of float32 are infinite.

    Raises:
        InferenceRequestError: The structure differs from `shape`, or a value is not a number.
    """
    lengths = shape if _NESTED.match(text) else (math.prod(shape),)
    values = np.empty(lengths, np.float32)
    if not _parse_lists(text, values):
        raise InferenceRequestError(_describe(text, shape))
    return values.reshape(shape)


def _parse_lists(text: memoryview, values: NDArray[np.float32]) -> bool:
    """Parse lists that are nested as the shape of `values`; return whether `text` is such lists."""
    characters = np.frombuffer(text, np.uint8)
    shape = (ctypes.c_size_t * values.ndim)(*values.shape)
    parsed: bool = _library().off_tanet_parse_lists(
        *(characters.ctypes.data, len(characters)),
        *(shape, values.ndim, _to_double(), values.ctypes.data),
    )
    return parsed


def _describe(text: memoryview, shape: tuple[int, ...]) -> str:
    """Return why a list is not that of a tensor of `shape`."""
    if _NESTED.match(text):
        return f"{INPUT} has nested data of another shape."
    if bytes(text).translate(None, _NUMBERS) != b"[]":
        return f"{INPUT} has data that are not numbers."
    count = bytes(text).count(b",") + bool(bytes(text[1:-1]).strip())
    return f"{INPUT} has {count} values; its shape needs {math.prod(shape)}."


@cache
def _to_double() -> ctypes.c_void_p:
    """Return the address of Python's own conversion, for numbers that need many digits."""
    return ctypes.cast(ctypes.pythonapi.PyOS_string_to_double, ctypes.c_void_p)


@cache
def _library() -> ctypes.PyDLL:
    """Return the library, which is called with the interpreter lock because of `_to_double`."""
    library = ctypes.PyDLL(native.library(__path__, "lists"))
    library.off_tanet_parse_lists.argtypes = (
        *(ctypes.c_void_p, ctypes.c_size_t),
        *(ctypes.POINTER(ctypes.c_size_t), ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p),
    )
    library.off_tanet_parse_lists.restype = ctypes.c_bool
    return library
