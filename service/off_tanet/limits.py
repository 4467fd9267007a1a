"""All limits, as plain values. The settings take their defaults from here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class MediaLimits:
    """Limits on uploads. An error names the field that was exceeded.

    Attributes:
        upload_bytes: Bytes of an encoded picture or clip.
        video_bytes: Bytes of an encoded long video.
        image_pixels: Width x height of a picture, at 3 bytes per pixel.
        video_pixels: Width x height of a frame of a clip or video.
        frames: Frames of a clip.
        seconds: Duration of a clip.
        video_frames: Frames of a long video.
        video_seconds: Duration of a long video.
    """

    upload_bytes: int = 50_000_000
    video_bytes: int = 128 << 20
    image_pixels: int = 51_000_000  # phones take pictures of 8160 x 6144
    video_pixels: int = 4096 * 2304
    frames: int = 1000
    seconds: float = 30.0
    video_frames: int = 72_000
    video_seconds: float = 1200.0


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Values at which warnings begin, and labels end.

    Motion is measured in pixels at 112 x 112. Between two pictures of a still face, camera noise of
    2 grey levels alone gives a strength of 0.05. An action unit of 0.3 px gives about 0.1; one of
    0.6 px, above which the classes are distinguished reliably, gives 0.2 to 0.3.

    Attributes:
        no_motion_px: Motion below this gives `no_motion`.
        head_motion_share: The share of the head's motion that is added to this limit. Of rendered
            heads that only move, 93 to 100% stay below it up to 3 px (`make bench-head`); what is
            left of their motion looks like an expression.
        still_head_px: If a face has not moved, a head that moved by this or more is the reason
            `head_motion`, a stiller one `no_motion`.
        largest_turn_deg: A head that turns or nods by more degrees between onset and apex is the
            reason `head_motion`, too: up to 10 degrees, its motion is taken out of rendered faces.
        blink_px: Lids that move by this or more, up or down, may blink. In 13 filmed blinks of
            people who were otherwise still, they moved by 2.2 px or more.
        blink_share: The share of the lids' motion that is added to the limit of `no_motion` where
            they may blink; below it, the reason is `blink_only`. In 12 of those blinks, brows and
            mouth moved by less.
        low_motion_px: Motion below this gives `low_motion`.
        large_head_motion_px: Head motion above this gives `large_head_motion`.
        small_face_px: Faces smaller than this, in pixels of the upload, give `small_face`.
        unmatched_light: `light_change` is given if the difference in lighting that remains after
            the crops were matched is more than this multiple of what noise and motion leave. On
            synthetic faces whose head moves by a pixel it is 0.5 at most; a shadow of 15% that ends
            within the face leaves 1, one of 30% leaves 2.
        shading_share: The motion in pixels is multiplied by this and added to that limit. Of 155
            filmed expressions under steady light, 46 are above the limit alone, and 6 with this.
        clipped_share: `light_change` is also given if more than this share of the pixels is too
            bright or too dark to follow. Up to a quarter, no label changed.
        speech_opening: Swings of the mouth from this on, as shares of the distance of the eyes'
            outer corners, belong to the rhythm of `speech`. All of 17 filmed people who
            talk are found, 13 for most of the video; none of 5 who are quiet, and 2 of 155 silent
            expressions. At 0.015, 4 silent expressions are; at 0.03, one who talks is missed.
        macro_px: Landmarks of lips or brows that stay this far from their rest, in pixels at 112 x
            112, are a macro-expression; a micro-expression starts or ends nearer than half of it.
        disturbed_prominence: While a face speaks or its eyes are closed, an expression has to stand
            out by this multiple of what counts otherwise.
        blink_closing: Eyes are closed if this share of their usual opening is missing.
        low_frame_rate: Clips and videos with fewer frames per second give `low_frame_rate`. At 50,
            the fastest onsets, of 0.07 s, still have three frames; at 30, up to 14% of their
            motion is missed.
        dark_brightness: Faces whose crop is darker than this, in grey levels, give `dark`.
            At 37, the strength of 18 expressions of 1 px on a
            made face was a fifth lower than in full light, and below it labels changed.
        backlit_brightness: Faces that are darker than this may give `backlit`. Of 869 public
            photographs of people with all colours of skin, none has a face darker than 63.
        backlit_ratio: `backlit` is given if the surroundings of such a face are brighter than this
            multiple of it. Alone, the ratio would be the contrast of dark skin to a white wall.
        longest_rise_s: More seconds from onset to apex are the reason `too_long`. Macro-expressions
            are named, too; what rises for longer is a change of posture or mood.
        unsure: The reason is `unsure` if the probability that there is an expression of the most
            likely class (the highest of `probabilities` times `expression_probability`) is below
            this. Of 107 filmed expressions, 68% have a label then, and 73% of those are right; of
            15 neutral clips 5 have one (`make bench-real`).
    """

    no_motion_px: float = 0.05
    head_motion_share: float = 0.08
    still_head_px: float = 0.5
    largest_turn_deg: float = 10.0
    blink_px: float = 2.0
    blink_share: float = 0.1
    low_motion_px: float = 0.2
    large_head_motion_px: float = 3.0
    small_face_px: float = 64.0
    unmatched_light: float = 1.0
    shading_share: float = 0.7
    clipped_share: float = 0.25
    speech_opening: float = 0.02
    macro_px: float = 2.0
    disturbed_prominence: float = 2.0
    blink_closing: float = 0.3
    low_frame_rate: float = 50.0
    dark_brightness: float = 40.0
    backlit_brightness: float = 60.0
    backlit_ratio: float = 2.0
    longest_rise_s: float = 4.0
    unsure: float = 0.3


@dataclass(frozen=True, slots=True)
class Durations:
    """Durations of expressions from onset to offset.

    Attributes:
        shortest_s: Shorter motions, in seconds, are not expressions.
        longest_s: Longer expressions, in seconds, are `macro`.
    """

    shortest_s: float = 1 / 25
    longest_s: float = 0.5


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """Limits of an engine and its workers.

    Attributes:
        workers: Number of worker processes.
        queue_size: Number of requests that may wait for a worker.
        refusal_delay_s: Seconds that a request waits for a place in a full queue.
        deadline_s: Seconds from the admission of a request until it is stopped.
        startup_timeout_s: Seconds that a worker may take to become ready.
        shutdown_timeout_s: Seconds for admitted requests to complete on shutdown.
        worker_memory_bytes: A worker that holds more than this while it works is stopped.
        worker_idle_memory_bytes: A worker that holds more than this after its work is replaced.
        answer_bytes: Maximum size of a worker's answer.
        niceness: Added to the niceness of every worker; nicer workers run when the others leave CPU
            time unused.
    """

    workers: int = 1
    queue_size: int = 16
    refusal_delay_s: float = 0.0
    deadline_s: float = 30.0
    startup_timeout_s: float = 60.0
    shutdown_timeout_s: float = 20.0
    worker_memory_bytes: int = 1_500_000_000
    worker_idle_memory_bytes: int = 500_000_000
    answer_bytes: int = 256 << 20
    niceness: int = 0


@dataclass(frozen=True, slots=True)
class BatchingLimits:
    """Limits of the requests that a worker answers in one run of the network.

    Attributes:
        requests: Number of requests, divided among the clients; 1 turns it off.
        body_bytes: A request with more bytes has a run of its own.
    """

    requests: int = 8
    body_bytes: int = 1 << 20


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Limits of one connection, and of all connections together.

    Attributes:
        connections: Number of open connections.
        header_bytes: Bytes of an unfinished request line and headers, or of trailers.
        header_timeout_s: Seconds for the request line and headers to arrive, from the start of the
            connection or the first byte after a response.
        write_timeout_s: Seconds without progress in sending a response.
        unsent_bytes: Bytes of all responses that clients have not read yet.
    """

    connections: int
    header_bytes: int
    header_timeout_s: float
    write_timeout_s: float
    unsent_bytes: int


_SPARE_BYTES = 8192


@dataclass(frozen=True, slots=True)
class HeaderLimits:
    """Limits on what precedes a request's body.

    Attributes:
        url_bytes: Bytes of the URL.
        headers: Number of headers.
        header_bytes: Bytes of all headers, with their names and separators.
    """

    url_bytes: int = 8192
    headers: int = 100
    header_bytes: int = 16384

    @property
    def server_bytes(self) -> int:
        """Bytes of an unfinished request line and headers that the server may buffer."""
        return self.url_bytes + self.header_bytes + _SPARE_BYTES


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """Limits on request bodies.

    Attributes:
        bytes: Bytes of one body.
        held_bytes: Bytes of all bodies in memory.
        seconds: Seconds from the request's headers to the end of its body.
    """

    bytes: int
    held_bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class LiveLimits:
    """Limits of a live stream.

    Attributes:
        frame_bytes: Bytes of the picture of a frame.
        seconds: Duration of a stream, by its times and by the clock.
        idle_s: Seconds without a frame after which the stream ends.
        start_s: Seconds for the first message to arrive.
        refusal_delay_s: Seconds that a client waits for a worker before it is refused.
    """

    frame_bytes: int = 4 << 20
    seconds: float = 1200.0
    idle_s: float = 10.0
    start_s: float = 10.0
    refusal_delay_s: float = 0.2


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """Limits on the messages of a WebSocket.

    Attributes:
        bytes: Bytes of a message.
        first_bytes: Bytes of a message before the application has sent its first one: until then,
            the client is not known.
    """

    bytes: int
    first_bytes: int = 16384


ShareBy = Literal["client", "key", "none"]
"""How clients are identified for fair sharing.

`client`: by API key, or else by address; `key`: by API key only; `none`: all are one client.
"""
