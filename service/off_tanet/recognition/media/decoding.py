"""Decoding of the frames of a video stream that do not depend on lost data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from off_tanet.recognition.media import entropy, jpeg
from off_tanet.recognition.media.entropy import Outcome

DECODING_ERRORS = (av.FFmpegError, OSError, ValueError, OverflowError)
"""FFmpeg's errors, and those of reading where a container refers to bytes beyond its end."""

_MAY_SKIP_FRAMES = {"vp8", "mpeg4"}
"""Codecs whose packets may contain no frame to show: only references, or nothing new."""

_STARTS_ANYWHERE = {"mpeg4"}
"""Codecs whose decoder assumes grey frames before the first one it receives."""

_MOTION_JPEG = "mjpeg"


class Decoder:
    """Iterate once over the frames of a stream, in presentation order.

    Frames are predicted from earlier ones, back to the last key frame. A decoder that misses a
    frame continues with what it has and reports nothing, so that a face moves as it did two frames
    earlier. After a loss, frames are therefore skipped up to the next key frame, which depends on
    no other frame.

    Attributes:
        damaged: Whether a part of the stream could not be decoded so far.
        orientation: The EXIF orientation in the last frame of a Motion JPEG stream, 1 to 8. The
            frame has to be rotated by it.
    """

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self._container, self._stream = container, stream
        # Read here: PyAV 19 crashes on this access after a decoder could not be opened.
        self._codec = stream.codec_context.name
        self._needs_key_frame = self._codec in _STARTS_ANYWHERE
        self._lost_at: int | None = None
        self.damaged = False
        self.orientation = 1

    def __iter__(self) -> Iterator[VideoFrame]:
        missing = 0
        for packet in self._packets():
            missing += packet.size > 0 and not packet.is_discard
            try:
                frames = self._decode(packet)
            except DECODING_ERRORS:
                self._record_loss(packet.pts)
                continue
            missing -= len(frames)
            for frame in frames:
                if self._is_intact(frame):
                    yield frame
                else:
                    self.damaged = True
        # HEVC in particular skips frames that it cannot reconstruct, without an error.
        self.damaged |= missing > 0 and self._codec not in _MAY_SKIP_FRAMES

    def close(self) -> None:
        """Free the decoder and its frames, which otherwise wait for the garbage collector."""
        self._container.close()

    def _packets(self) -> Iterator[Packet[VideoStream]]:
        """Yield the packets up to the end, or up to where the container becomes unreadable."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except DECODING_ERRORS:
                self.damaged = True
                return
            yield packet

    def _decode(self, packet: Packet[VideoStream]) -> Sequence[VideoFrame]:
        if self._codec == _MOTION_JPEG and packet.size > 0:
            self._check_jpeg(jpeg.extract_frame(bytes(packet)))
        try:
            return packet.decode()
        except BlockingIOError:
            # The decoder still holds the undecodable part of an earlier packet (VP9 packets have
            # several frames), and would accept no other packet.
            self._stream.codec_context.flush_buffers()
            return packet.decode()

    def _check_jpeg(self, image: bytes) -> None:
        """Check a frame of Motion JPEG, since FFmpeg fills in missing parts.

        Raises ValueError for a frame that has to be skipped. Takes a fifth of the decoding time
        (1.6 of 8.8 ms at 720p).
        """
        outcome = entropy.walk_jpeg(image)
        if outcome is Outcome.LOST:
            raise ValueError("a part of the frame is missing")
        self.damaged |= outcome is Outcome.SUSPECT
        self.orientation = jpeg.orientation(image)

    def _is_intact(self, frame: VideoFrame) -> bool:
        """Return whether the next frame depends on no lost data."""
        if frame.is_corrupt:
            self._record_loss(frame.pts)
        elif frame.key_frame and self._is_after_loss(frame.pts):
            self._needs_key_frame = False
        return not self._needs_key_frame

    def _record_loss(self, pts: int | None) -> None:
        self.damaged = self._needs_key_frame = True
        self._lost_at = pts

    def _is_after_loss(self, pts: int | None) -> bool:
        """Exclude a key frame that was decoded before the loss but is returned after it."""
        return pts is None or self._lost_at is None or pts > self._lost_at
