"""The codes with which a WebSocket is closed (RFC 6455, section 7.4.1)."""

from __future__ import annotations

from off_tanet.errors import (
    DrainingError,
    EngineError,
    LimitExceededError,
    MediaError,
    OffTanetError,
    UnsupportedMediaError,
)

NORMAL = 1000
_GOING_AWAY, _UNSUPPORTED, _INVALID, _POLICY, _TOO_BIG, _INTERNAL, _TRY_AGAIN = (
    1001,
    1003,
    1007,
    1008,
    1009,
    1011,
    1013,
)


def close_code(error: OffTanetError) -> int:
    """Return the code for an error, whose details a `problem` event has given."""
    if isinstance(error, DrainingError):
        return _GOING_AWAY
    if isinstance(error, EngineError) and error.status == DrainingError.status:
        return _TRY_AGAIN
    if error.status >= 500:
        return _INTERNAL
    if isinstance(error, LimitExceededError):
        return _POLICY if error.limit.endswith("seconds") else _TOO_BIG
    if isinstance(error, UnsupportedMediaError):
        return _UNSUPPORTED
    return _INVALID if isinstance(error, MediaError) else _POLICY
