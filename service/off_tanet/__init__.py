"""Off-TANet: micro-expression recognition as a service or in process.

For use in process, `from off_tanet import Recognizer`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from off_tanet.recognition.recognizer import Recognizer

__all__ = ["Recognizer"]


def __getattr__(name: str) -> Any:
    """Import the names of `__all__` on first use, because they load ONNX Runtime and OpenCV."""
    if name != "Recognizer":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from off_tanet.recognition.recognizer import Recognizer

    return Recognizer
