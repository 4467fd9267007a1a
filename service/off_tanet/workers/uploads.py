"""The body of a request on its way from a client to a worker."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator


class Upload:
    """The pieces of a body, each let go as it is taken; `size` is the bytes of all of them.

    `on_release` is told of the bytes that are no longer held.
    """

    def __init__(
        self, pieces: Iterable[bytes] = (), on_release: Callable[[int], None] = lambda _: None
    ) -> None:
        self._pieces = deque(pieces)
        self._on_release = on_release
        self.size = sum(map(len, self._pieces))

    def __iter__(self) -> Iterator[bytes]:
        """The pieces in their order, once."""
        while self._pieces:
            piece = self._pieces.popleft()
            yield piece
            size = len(piece)
            del piece
            self._on_release(size)
