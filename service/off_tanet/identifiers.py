"""Identifiers of requests and predictions."""

from __future__ import annotations

import secrets
import time
from itertools import product

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(map("".join, product(_CROCKFORD, repeat=2)))  # the digits of ten bits


def ulid() -> str:
    """Return a new ULID: 26 characters whose order is that of their creation times."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    return "".join([_PAIRS[value >> shift & 1023] for shift in range(120, -1, -10)])
