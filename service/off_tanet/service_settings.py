"""The settings of the service around the recognition: workers, connections, requests, media."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from off_tanet import cpu, logs
from off_tanet.limits import (
    BatchingLimits,
    BodyLimits,
    ConnectionLimits,
    EngineLimits,
    HeaderLimits,
    LiveLimits,
    MediaLimits,
    ShareBy,
    SocketLimits,
)
from off_tanet.setting_names import PREFIX, STANDARD

_MEDIA, _ENGINE, _HEADERS, _LIVE = MediaLimits(), EngineLimits(), HeaderLimits(), LiveLimits()
_BATCHING = BatchingLimits()
_SPARE_BYTES = 65536
_VIDEO_NICENESS = 5  # next to a short request, a third of the CPU time

_Workers = Annotated[int, Field(ge=1, le=256)]
_NoWorkers = Annotated[int, Field(ge=0, le=256)]


class ServiceSettings(BaseSettings):
    """The settings around the recognition, one field per environment variable.

    The variable of a field is its name in upper case after `OFF_TANET_`. The exception is
    `otlp_endpoint`, which is read from `OTEL_EXPORTER_OTLP_ENDPOINT`.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        populate_by_name=True,
        frozen=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,  # clocks, sums and JSON accept them, and would never end
    )

    # Model and access
    model: Path | None = None
    """ONNX model file; if unset, the one in the package."""
    api_keys: Path | None = None
    """File of API key hashes, one `digest name` per line; if unset, no API key is required."""
    quota: str | None = None
    """Quota of requests per API key, such as `100/minute`; if unset, there is none."""
    cors_origins: str = Field("", pattern=r"^(\*|https?://[^\s,/]+(,https?://[^\s,/]+)*)?$")
    """Origins that may call the API from a browser (CORS), separated by commas, or * for all."""
    docs: bool = True
    """Whether the documentation of the API is a page, at `/docs`."""

    # Workers
    workers: _Workers | None = None
    """Worker processes, which use one core each; if unset, one per available core."""
    queue_size: NonNegativeInt = _ENGINE.queue_size
    """Maximum number of requests that wait for a worker."""
    refusal_delay_s: NonNegativeFloat = 0.2
    """Seconds that a request waits for a place in a full queue before it is refused."""
    worker_memory_bytes: PositiveInt = _ENGINE.worker_memory_bytes
    """Memory in bytes above which a worker is stopped and its request fails."""
    worker_idle_memory_bytes: PositiveInt = _ENGINE.worker_idle_memory_bytes
    """Memory in bytes above which a worker is replaced after a request."""
    max_answer_bytes: int = Field(_ENGINE.answer_bytes, ge=1 << 16)
    """Maximum bytes of the answer of a worker."""
    max_pending_bytes: PositiveInt = 16 << 20
    """Maximum bytes of an event stream that its client has not read yet."""
    max_batched_requests: PositiveInt = _BATCHING.requests
    """Maximum number of a client's waiting /v2 requests that a worker answers together."""
    max_batched_bytes: NonNegativeInt = _BATCHING.body_bytes
    """Bytes of the body of a /v2 request above which it is answered alone."""
    share_by: ShareBy = "client"
    """What gets an equal share of the workers: client (API key, else address), key or none."""
    trusted_proxies: str = ""
    """Addresses of proxies whose X-Forwarded headers are trusted, separated by commas; * is all."""
    deadline_s: PositiveFloat = _ENGINE.deadline_s
    """Seconds from the admission of a request until it is stopped."""
    startup_timeout_s: PositiveFloat = _ENGINE.startup_timeout_s
    """Seconds that a worker may take to become ready."""
    shutdown_timeout_s: NonNegativeFloat = _ENGINE.shutdown_timeout_s
    """Seconds for admitted requests to complete on shutdown."""

    # Long videos
    video_shutdown_timeout_s: NonNegativeFloat = 60.0
    """Seconds for admitted long videos to complete on shutdown."""
    video_workers: _Workers = 1
    """Worker processes for long videos, which start with the first video."""
    video_queue_size: NonNegativeInt = 2
    """Maximum number of long videos that wait for a worker."""
    video_deadline_s: PositiveFloat = 900.0
    """Seconds from the admission of a long video until it is stopped."""

    # Live streams
    stream_workers: _NoWorkers = 1
    """Worker processes for live streams, one each, started by the first; 0: no live streams."""
    stream_idle_timeout_s: PositiveFloat = _LIVE.idle_s
    """Seconds without a frame after which a live stream ends."""
    max_stream_seconds: PositiveFloat = _LIVE.seconds
    """Maximum duration of a live stream in seconds."""
    max_stream_frame_bytes: PositiveInt = _LIVE.frame_bytes
    """Maximum bytes of the picture of a frame of a live stream."""

    # Ray Serve
    min_replicas: PositiveInt = 1
    """Minimum number of replicas on Ray."""
    max_replicas: PositiveInt = 8
    """Maximum number of replicas on Ray."""
    upscale_delay_s: NonNegativeFloat = 30.0
    """Seconds of load before Ray adds replicas."""
    downscale_delay_s: NonNegativeFloat = 600.0
    """Seconds without load before Ray removes replicas."""

    # Log and traces
    log_format: logs.Format = "auto"
    """Format of log lines: json, text, or auto: text on a terminal, otherwise json."""
    log_queue_size: PositiveInt = logs.QUEUE
    """Maximum number of log lines that wait to be written; further lines are lost."""
    otlp_endpoint: str | None = Field(
        None,
        validation_alias=STANDARD["otlp_endpoint"],
        pattern=r"^(https?://[^\s/]+(/\S*)?)?$",
    )
    """Collector of traces, such as `http://collector:4318`; if unset, there are no traces."""

    # Connections and requests
    max_url_bytes: PositiveInt = _HEADERS.url_bytes
    """Maximum bytes of the URL of a request."""
    max_headers: PositiveInt = _HEADERS.headers
    """Maximum number of headers of a request."""
    max_header_bytes: PositiveInt = _HEADERS.header_bytes
    """Maximum bytes of all headers of a request."""
    # With the workers of 47 cores, 800 is what Linux's default of 1,024 files per process allows.
    max_connections: PositiveInt = 800
    """Maximum number of open connections."""
    header_timeout_s: PositiveFloat = 10.0
    """Seconds for the headers of a request to arrive."""
    write_timeout_s: PositiveFloat = 30.0
    """Seconds after which a connection is closed if its client reads nothing of the response."""
    max_unsent_bytes: PositiveInt = 256 << 20
    """Maximum bytes of all responses that clients have not read yet."""
    body_timeout_s: PositiveFloat = 60.0
    """Seconds for the body of a request to arrive."""
    max_body_bytes: PositiveInt = 64 << 20
    """Maximum bytes of the body of a request."""
    max_inflight_body_bytes: PositiveInt = 1 << 30
    """Maximum bytes of all request bodies in memory."""

    # Media
    max_image_pixels: PositiveInt = _MEDIA.image_pixels
    """Maximum pixels (width x height) of a picture."""
    max_video_pixels: PositiveInt = _MEDIA.video_pixels
    """Maximum pixels (width x height) of a frame of a clip or video."""
    max_frames: int = Field(_MEDIA.frames, ge=2)
    """Maximum number of frames of a clip."""
    max_seconds: PositiveFloat = _MEDIA.seconds
    """Maximum duration of a clip in seconds."""
    max_video_bytes: PositiveInt = _MEDIA.video_bytes
    """Maximum bytes of the body of a request with a long video."""
    max_video_frames: int = Field(_MEDIA.video_frames, ge=2)
    """Maximum number of frames of a long video."""
    max_video_seconds: PositiveFloat = _MEDIA.video_seconds
    """Maximum duration of a long video in seconds."""

    @field_validator("quota")
    @classmethod
    def _check_quota(cls, quota: str | None) -> str | None:
        """Accept one quota; of several, the library would enforce only the first."""
        if quota is None:
            return None
        from limits import parse_many  # takes as long to load as all other settings

        if [limit.amount > 0 for limit in parse_many(quota)] != [True]:
            raise ValueError("it must be one quota, such as 100/minute")
        return quota

    @model_validator(mode="after")
    def _check_quota_has_keys(self) -> Self:
        """Refuse a quota that would count no request."""
        if self.quota is not None and self.api_keys is None:
            raise ValueError(f"{PREFIX}QUOTA counts by API key, and {PREFIX}API_KEYS is not set")
        return self

    @model_validator(mode="after")
    def _check_replicas(self) -> Self:
        if self.max_replicas < self.min_replicas:
            raise ValueError(f"{PREFIX}MAX_REPLICAS is below {PREFIX}MIN_REPLICAS")
        return self

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """The origins of `cors_origins`."""
        return tuple(self.cors_origins.split(",")) if self.cors_origins else ()

    @property
    def header_limits(self) -> HeaderLimits:
        """Limits on URLs and headers."""
        return HeaderLimits(self.max_url_bytes, self.max_headers, self.max_header_bytes)

    @property
    def body_limits(self) -> BodyLimits:
        """Limits on request bodies."""
        return BodyLimits(self.max_body_bytes, self.max_inflight_body_bytes, self.body_timeout_s)

    @property
    def connection_limits(self) -> ConnectionLimits:
        """Limits on connections."""
        return ConnectionLimits(
            connections=self.max_connections,
            header_bytes=self.header_limits.server_bytes,
            header_timeout_s=self.header_timeout_s,
            write_timeout_s=self.write_timeout_s,
            unsent_bytes=self.max_unsent_bytes,
        )

    @property
    def engine_limits(self) -> EngineLimits:
        """Limits of the engine for pictures and clips."""
        return EngineLimits(
            workers=self.workers or cpu.available(),
            queue_size=self.queue_size,
            refusal_delay_s=self.refusal_delay_s,
            deadline_s=self.deadline_s,
            startup_timeout_s=self.startup_timeout_s,
            shutdown_timeout_s=self.shutdown_timeout_s,
            worker_memory_bytes=self.worker_memory_bytes,
            worker_idle_memory_bytes=self.worker_idle_memory_bytes,
            answer_bytes=self.max_answer_bytes,
        )

    @property
    def batching_limits(self) -> BatchingLimits:
        """Limits of the /v2 requests that are answered together."""
        return BatchingLimits(self.max_batched_requests, self.max_batched_bytes)

    @property
    def video_limits(self) -> EngineLimits:
        """Limits of the engine for long videos, which has its own workers.

        Therefore short requests never wait for a long video.
        """
        return replace(
            self.engine_limits,
            workers=self.video_workers,
            queue_size=self.video_queue_size,
            deadline_s=self.video_deadline_s,
            shutdown_timeout_s=self.video_shutdown_timeout_s,
            niceness=_VIDEO_NICENESS,
        )

    @property
    def live_limits(self) -> LiveLimits:
        """Limits of a live stream."""
        return LiveLimits(
            frame_bytes=self.max_stream_frame_bytes,
            seconds=self.max_stream_seconds,
            idle_s=self.stream_idle_timeout_s,
            start_s=self.header_timeout_s,
            refusal_delay_s=self.refusal_delay_s,
        )

    @property
    def socket_limits(self) -> SocketLimits:
        """Limits on the messages of a WebSocket: beyond them, no problem tells what is wrong."""
        return SocketLimits(bytes=self.max_stream_frame_bytes + _SPARE_BYTES)

    @property
    def live_engine_limits(self) -> EngineLimits:
        """Limits of the engine for live streams, which never wait for a worker.

        The deadline is that of each frame.
        """
        return replace(
            self.engine_limits, workers=self.stream_workers, queue_size=0, refusal_delay_s=0.0
        )
