"""Off-TANet, the service. In process: `from off_tanet import Recognizer`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from off_tanet.recognition.recognizer import Recognizer

__all__ = ["Recognizer"]


def __getattr__(name: str) -> Any:
    """Names of `__all__` when they are asked for: most modules here need none of what they need."""
    if name != "Recognizer":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from off_tanet.recognition.recognizer import Recognizer

    return Recognizer
