"""Every limit once: plain values, whose defaults are those of the settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class MediaLimits:
    """What an upload may cost. An error names the field that was exceeded.

    `upload_bytes`: the encoded file; `video_bytes`: that of a long video. `image_pixels`: width x
    height of a picture, 3 bytes each.
    `video_pixels`: width x height of a clip's or video's frame. `frames` and `seconds`: a clip's
    length. `video_frames` and `video_seconds`: the length of a long video.
    """

    upload_bytes: int = 50_000_000
    video_bytes: int = 128 << 20
    image_pixels: int = 51_000_000  # telephones take 8160 x 6144
    video_pixels: int = 4096 * 2304
    frames: int = 1000
    seconds: float = 30.0
    video_frames: int = 72_000
    video_seconds: float = 1200.0


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where a warning begins. Motions in pixels at 112 x 112, faces in pixels of the upload.

    Of two pictures of a still face, camera noise of 2 grey levels alone gives a strength of 0.05;
    an action unit of 0.3 px gives about 0.1 and one of 0.6 px, from which on the classes are
    told apart reliably, 0.2 to 0.3.

    A change of light is too much where what is left of it, when the crops have been brought to one
    light, is larger than what noise and motion leave (0.5 at most on made faces whose head moves
    by a pixel; a shadow of 15% that ends within the face leaves 1, one of 30% leaves 2), or where
    a share of the pixels is too bright or too dark to follow: up to a quarter, no label changed.
    """

    no_motion_px: float = 0.05
    low_motion_px: float = 0.2
    large_head_motion_px: float = 3.0
    small_face_px: float = 64.0
    unmatched_light: float = 1.0
    clipped_share: float = 0.25


@dataclass(frozen=True, slots=True)
class Durations:
    """Seconds from onset to offset: what is shorter is no expression, what is longer is `macro`."""

    shortest_s: float = 1 / 25
    longest_s: float = 0.5


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """`workers` processes, `queue` requests waiting for one, seconds for each step.

    A worker that holds more than `worker_memory_bytes` while it works is stopped, one that holds
    more than `worker_idle_memory_bytes` afterwards is replaced; an answer has at most
    `answer_bytes`. `niceness` is added to every worker's: the nicer ones get the processor's time
    that the others leave.
    """

    workers: int = 1
    queue_size: int = 16
    deadline_s: float = 30.0
    startup_timeout_s: float = 60.0
    shutdown_timeout_s: float = 20.0
    worker_memory_bytes: int = 1_500_000_000
    worker_idle_memory_bytes: int = 500_000_000
    answer_bytes: int = 256 << 20
    niceness: int = 0


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Bounds of one connection, and of all together.

    Attributes:
        connections: Those that are open at once.
        head_bytes: What is not yet a head, or trailers behind a body.
        header_timeout_s: Seconds for a whole head, from the connection's beginning or the first
            byte after an answer.
        write_timeout_s: Seconds without progress in writing an answer.
        unsent_bytes: What all clients together have not taken yet of their answers.
    """

    connections: int
    head_bytes: int
    header_timeout_s: float
    write_timeout_s: float
    unsent_bytes: int


_SPARE_BYTES = 8192


@dataclass(frozen=True, slots=True)
class HeaderLimits:
    """Bytes of a URL, number of headers, and their bytes with names and separators."""

    url_bytes: int = 8192
    headers: int = 100
    header_bytes: int = 16384

    @property
    def server_bytes(self) -> int:
        """Bytes of an unfinished head that the server may hold."""
        return self.url_bytes + self.header_bytes + _SPARE_BYTES


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """`bytes` of one body, `held_bytes` of all at once, `seconds` from a head to its body's end."""

    bytes: int
    held_bytes: int
    seconds: float


ShareBy = Literal["client", "key", "none"]
"""`client`: by API key, else by address; `key`: by API key alone; `none`: all are one client."""
