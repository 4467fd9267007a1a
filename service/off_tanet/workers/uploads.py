"""Bodies of requests that are passed on to workers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain


class Upload:
    """The pieces of a body, each of which is released when it has been taken."""

    def __init__(
        self, pieces: Iterable[bytes] = (), on_release: Callable[[int], None] = lambda _: None
    ) -> None:
        """Store the pieces.

        Args:
            pieces: The pieces of the body in order.
            on_release: Called with the number of bytes that were released.
        """
        self._pieces = deque(pieces)
        self._on_release = on_release
        self._size = sum(map(len, self._pieces))

    @property
    def size(self) -> int:
        """Number of bytes of all pieces, also of those that have been taken."""
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        """Yield the pieces in order, once."""
        while self._pieces:
            piece = self._pieces.popleft()
            yield piece
            size = len(piece)
            del piece
            self._on_release(size)


class JointUpload(Upload):
    """Bodies that follow each other.

    Attributes:
        uploads: The bodies.
    """

    def __init__(self) -> None:
        super().__init__()
        self.uploads: list[Upload] = []

    @property
    def size(self) -> int:
        """Number of bytes of all bodies."""
        return sum(upload.size for upload in self.uploads)

    def __iter__(self) -> Iterator[bytes]:
        """Yield the pieces of all bodies in order, once."""
        return chain.from_iterable(self.uploads)
