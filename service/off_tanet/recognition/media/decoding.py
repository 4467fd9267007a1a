"""The frames of a stream that can be trusted, and whether some were lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from off_tanet.recognition.media import entropy, jpeg
from off_tanet.recognition.media.entropy import Outcome

BROKEN = (av.FFmpegError, OSError, ValueError, OverflowError)
"""FFmpeg's own, and what reading raises where a container points outside of its bytes."""

_UNSHOWN = {"vp8", "mpeg4"}
"""Codecs whose packets may show no frame: references alone, or nothing new."""

_BEGINS_ANYWHERE = {"mpeg4"}
"""Codecs whose decoder takes grey for the frames before the first that it is given."""


_MOTION_JPEG = "mjpeg"


class Decoder:
    """The frames of a stream, once, in the order in which they are shown.

    Frames are built on those before them, back to the last key frame. A decoder that misses one
    goes on with what it has and says nothing: a face that moves like the picture two frames ago. So
    what follows a loss waits for a key frame, which builds on nothing.
    """

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self._container, self._stream = container, stream
        # Asked now: PyAV 19 crashes when it is asked of a decoder that could not be opened.
        self._codec = stream.codec_context.name
        self._waiting = self._codec in _BEGINS_ANYWHERE
        self._lost_at: int | None = None
        self.damaged = False
        """Whether a part could not be decoded so far."""
        self.orientation = 1
        """EXIF's, as the frame's own picture tells it (Motion JPEG): it has to be turned by it."""

    def __iter__(self) -> Iterator[VideoFrame]:
        missing = 0
        for packet in self._packets():
            missing += packet.size > 0 and not packet.is_discard
            try:
                frames = self._decoded(packet)
            except BROKEN:
                self._lose(packet.pts)
                continue
            missing -= len(frames)
            for frame in frames:
                if self._is_whole(frame):
                    yield frame
                else:
                    self.damaged = True
        # HEVC above all skips what it cannot rebuild, and says nothing.
        self.damaged |= missing > 0 and self._codec not in _UNSHOWN

    def _packets(self) -> Iterator[Packet[VideoStream]]:
        """The packets up to the end, or to where the container cannot be read on."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except BROKEN:
                self.damaged = True
                return
            yield packet

    def _decoded(self, packet: Packet[VideoStream]) -> Sequence[VideoFrame]:
        if self._codec == _MOTION_JPEG and packet.size > 0:
            self._look_at(jpeg.frame(bytes(packet)))
        try:
            return packet.decode()
        except BlockingIOError:
            # The rest of a packet that it could not decode (VP9's have several frames) fills it,
            # and it would take no other any more.
            self._stream.codec_context.flush_buffers()
            return packet.decode()

    def _look_at(self, picture: bytes) -> None:
        """A frame of Motion JPEG, of which FFmpeg fills in what is missing.

        Raises ValueError for one that has to be left out. Takes a fifth of the decoding's time
        (1.6 of 8.8 ms at 720p).
        """
        outcome = entropy.walk_jpeg(picture)
        if outcome is Outcome.LOST:
            raise ValueError("a part of the frame is missing")
        self.damaged |= outcome is Outcome.SUSPECT
        self.orientation = jpeg.orientation(picture)

    def _is_whole(self, frame: VideoFrame) -> bool:
        """Whether the next frame is built on nothing that was lost."""
        if frame.is_corrupt:
            self._lose(frame.pts)
        elif frame.key_frame and self._follows_the_loss(frame.pts):
            self._waiting = False
        return not self._waiting

    def _lose(self, stamp: int | None) -> None:
        self.damaged = self._waiting = True
        self._lost_at = stamp

    def _follows_the_loss(self, stamp: int | None) -> bool:
        """A key frame that was decoded before the loss may come out after it."""
        return stamp is None or self._lost_at is None or stamp > self._lost_at
