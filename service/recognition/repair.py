"""Which frames can be trusted after a part of a clip was lost."""

from __future__ import annotations

from av.video.frame import VideoFrame


class Repair:
    """Frames are built on those before them, back to the last key frame.

    A decoder that misses one goes on with what it has and says nothing: a face that moves like the
    picture two frames ago. So what follows a loss waits for a key frame, which builds on nothing.
    """

    def __init__(self, waiting: bool) -> None:
        """Begin with a clip, `waiting` for its first key frame or trusting the decoder."""
        self._waiting = waiting
        self._lost: int | None = None

    def lose(self, stamp: int | None) -> None:
        """Note that the packet with this stamp could not be decoded."""
        self._waiting, self._lost = True, stamp

    def is_whole(self, frame: VideoFrame) -> bool:
        """Whether the next frame is built on nothing that was lost."""
        if frame.is_corrupt:
            self.lose(frame.pts)
        elif frame.key_frame and self._follows(frame.pts):
            self._waiting = False
        return not self._waiting

    def _follows(self, stamp: int | None) -> bool:
        """A key frame that was decoded before the loss may be shown after it."""
        return stamp is None or self._lost is None or stamp > self._lost
