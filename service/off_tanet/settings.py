"""Every setting of the service: `OFF_TANET_*` variables, and standard ones where there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Self

import limits
from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from off_tanet import cpu, logs
from off_tanet.configuration import Configuration
from off_tanet.limits import (
    BodyLimits,
    ConnectionLimits,
    Durations,
    EngineLimits,
    HeaderLimits,
    MediaLimits,
    ShareBy,
    Thresholds,
)
from off_tanet.setting_names import (
    ELSEWHERE,
    PREFIX,
    STANDARD,
    in_environment,
    variable,
    variable_at,
    with_new_name,
)

_DEFAULTS = Configuration()
_MEDIA, _QUALITY = _DEFAULTS.media, _DEFAULTS.thresholds
_ENGINE = EngineLimits()
_DURATIONS = Durations()
_VIDEO_NICENESS = 5  # a third of the processor's time of a short request beside it
_HEADS = HeaderLimits()


class SettingsError(Exception):
    """A setting that is unknown or has a bad value; the message is one line."""


class Settings(BaseSettings):
    """One field for each variable; see `variable`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        populate_by_name=True,
        frozen=True,
        allow_inf_nan=False,  # clocks, sums and JSON go on with them, and never come to an end
    )

    model: Path | None = Field(None, description="The model file; none: the one in the package.")

    api_keys: Path | None = Field(
        None,
        description="A file of API key hashes, `digest name` a line; none: no key is asked for.",
    )

    quota: str | None = Field(
        None, description="Requests for each API key, as in `100/minute`; none: no quota."
    )

    cors_origins: str = Field(
        "",
        pattern=r"^(\*|https?://[^\s,/]+(,https?://[^\s,/]+)*)?$",
        description="Origins whose pages may ask, separated by commas, or *; none: no CORS.",
    )

    workers: int | None = Field(
        None,
        ge=1,
        le=256,
        description="Worker processes, one core each; none: as many as cores may be used.",
    )
    queue_size: int = Field(
        _ENGINE.queue_size, ge=0, description="Requests that may wait for a worker."
    )
    worker_memory_bytes: int = Field(
        _ENGINE.worker_memory_bytes, ge=1, description="Memory that a worker may hold, in bytes."
    )
    worker_idle_memory_bytes: int = Field(
        _ENGINE.worker_idle_memory_bytes,
        ge=1,
        description="Memory that a worker may hold between requests, in bytes.",
    )
    max_answer_bytes: int = Field(
        _ENGINE.answer_bytes, ge=1 << 16, description="Bytes of a worker's answer."
    )
    max_pending_bytes: int = Field(
        16 << 20, ge=1, description="Bytes of a stream's events that its client has not read yet."
    )
    share_by: ShareBy = Field(
        "client",
        description="What has an equal share of the workers: client (an API key, else an address), "
        "key, or none.",
    )
    trusted_proxies: str = Field(
        "",
        description="Addresses of proxies whose X-Forwarded-For names the client, separated by "
        "commas, or *; none: no proxy's.",
    )
    deadline_s: float = Field(
        _ENGINE.deadline_s, gt=0, description="Seconds from arrival until a request is stopped."
    )
    startup_timeout_s: float = Field(
        _ENGINE.startup_timeout_s, gt=0, description="Seconds a worker may warm up."
    )
    shutdown_timeout_s: float = Field(
        _ENGINE.shutdown_timeout_s,
        ge=0,
        description="Seconds for admitted work to end when stopping.",
    )

    video_shutdown_timeout_s: float = Field(
        60.0, ge=0, description="Seconds for admitted long videos to end when stopping."
    )
    video_workers: int = Field(
        1,
        ge=1,
        le=256,
        description="Worker processes for long videos; the first video starts them.",
    )
    video_queue_size: int = Field(2, ge=0, description="Long videos that may wait for a worker.")
    video_deadline_s: float = Field(
        900.0, gt=0, description="Seconds from arrival until a long video is stopped."
    )

    min_replicas: int = Field(1, ge=1, description="Replicas on Ray that are always there.")
    max_replicas: int = Field(8, ge=1, description="Replicas on Ray under load.")
    upscale_delay_s: float = Field(
        30.0, ge=0, description="Seconds of load before Ray adds replicas."
    )
    downscale_delay_s: float = Field(
        600.0, ge=0, description="Seconds without load before Ray ends replicas."
    )

    log_format: logs.Format = Field("json", description="Lines of the log: json or text.")
    log_queue_size: int = Field(
        logs.QUEUE,
        ge=1,
        description="Lines of the log that may wait to be written; what is more is lost.",
    )
    otlp_endpoint: str | None = Field(
        None,
        validation_alias=STANDARD["otlp_endpoint"],
        pattern=r"^(https?://[^\s/]+(/\S*)?)?$",
        description="Collector for traces, as `http://collector:4318`; none: no traces.",
    )

    max_url_bytes: int = Field(_HEADS.url_bytes, ge=1, description="Bytes of a request's URL.")
    max_headers: int = Field(_HEADS.headers, ge=1, description="Headers of a request.")
    max_header_bytes: int = Field(
        _HEADS.header_bytes, ge=1, description="Bytes of a request's headers together."
    )
    # With the workers of 47 cores, this is what Linux lets a process have by default: 1,024 files.
    max_connections: int = Field(800, ge=1, description="Connections that are open at once.")
    header_timeout_s: float = Field(
        10.0, gt=0, description="Seconds for a request's head to arrive."
    )
    write_timeout_s: float = Field(
        30.0, gt=0, description="Seconds without progress until an unread answer is cut off."
    )
    max_unsent_bytes: int = Field(
        256 << 20, ge=1, description="Bytes of all answers that wait for clients to read them."
    )
    body_timeout_s: float = Field(60.0, gt=0, description="Seconds for a request's body to arrive.")
    max_body_bytes: int = Field(64 << 20, ge=1, description="Bytes of a request's body.")
    max_inflight_body_bytes: int = Field(
        1 << 30, ge=1, description="Bytes of all bodies that are held at once."
    )
    max_image_pixels: int = Field(
        _MEDIA.image_pixels, ge=1, description="Pixels (width x height) of a picture."
    )
    max_video_pixels: int = Field(
        _MEDIA.video_pixels, ge=1, description="Pixels (width x height) of a video frame."
    )
    max_frames: int = Field(_MEDIA.frames, ge=2, description="Frames of a clip.")
    max_seconds: float = Field(_MEDIA.seconds, gt=0, description="Seconds of a clip.")
    max_video_bytes: int = Field(
        _MEDIA.video_bytes, ge=1, description="Bytes of a request's body with a long video."
    )
    max_video_frames: int = Field(_MEDIA.video_frames, ge=2, description="Frames of a long video.")
    max_video_seconds: float = Field(
        _MEDIA.video_seconds, gt=0, description="Seconds of a long video."
    )
    max_batch: int = Field(_DEFAULTS.batch, ge=1, description="Flows of a /v2 request.")

    min_expression_duration_s: float = Field(
        _DURATIONS.shortest_s, ge=0, description="Seconds; what is shorter is no expression."
    )
    max_micro_duration_s: float = Field(
        _DURATIONS.longest_s, gt=0, description="Seconds; longer expressions are macro."
    )
    no_motion_px: float = Field(
        _QUALITY.no_motion_px, ge=0, description="Motion below it is warned of as no_motion."
    )
    low_motion_px: float = Field(
        _QUALITY.low_motion_px, ge=0, description="Motion below it is warned of as low_motion."
    )
    large_head_motion_px: float = Field(
        _QUALITY.large_head_motion_px,
        ge=0,
        description="Head motion above it is warned of as large_head_motion.",
    )
    small_face_px: float = Field(
        _QUALITY.small_face_px, ge=0, description="Faces below it are warned of as small_face."
    )
    unmatched_light: float = Field(
        _QUALITY.unmatched_light,
        ge=0,
        description="Light that changes and cannot be matched, in multiples of what noise and "
        "motion leave: above it, light_change.",
    )
    clipped_share: float = Field(
        _QUALITY.clipped_share,
        ge=0,
        le=1,
        description="Share of a crop that is too bright or too dark in one frame: above it, "
        "light_change.",
    )

    @field_validator("quota")
    @classmethod
    def _readable(cls, quota: str | None) -> str | None:
        """The library takes several, of which only the first would hold, and none at all."""
        if quota is not None and [limit.amount > 0 for limit in limits.parse_many(quota)] != [True]:
            raise ValueError("it is one quota, as in 100/minute")
        return quota

    @model_validator(mode="after")
    def _quota_of_keys(self) -> Self:
        """A quota that counts nobody would be believed to protect."""
        if self.quota is not None and self.api_keys is None:
            raise ValueError(f"{PREFIX}QUOTA counts by API key, and {PREFIX}API_KEYS is not set")
        return self

    @model_validator(mode="after")
    def _replicas_in_order(self) -> Self:
        if self.max_replicas < self.min_replicas:
            raise ValueError(f"{PREFIX}MAX_REPLICAS is below {PREFIX}MIN_REPLICAS")
        return self

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        return tuple(self.cors_origins.split(",")) if self.cors_origins else ()

    @property
    def body_limits(self) -> BodyLimits:
        return BodyLimits(self.max_body_bytes, self.max_inflight_body_bytes, self.body_timeout_s)

    @property
    def connection_limits(self) -> ConnectionLimits:
        return ConnectionLimits(
            connections=self.max_connections,
            head_bytes=self.head_limits.server_bytes,
            header_timeout_s=self.header_timeout_s,
            write_timeout_s=self.write_timeout_s,
            unsent_bytes=self.max_unsent_bytes,
        )

    @property
    def configuration(self) -> Configuration:
        """What the workers' Recognizers are made of."""
        return Configuration(
            model=self.model or _DEFAULTS.model,
            media=MediaLimits(
                upload_bytes=self.max_body_bytes,
                image_pixels=self.max_image_pixels,
                video_pixels=self.max_video_pixels,
                frames=self.max_frames,
                seconds=self.max_seconds,
                video_bytes=self.max_video_bytes,
                video_frames=self.max_video_frames,
                video_seconds=self.max_video_seconds,
            ),
            thresholds=Thresholds(
                no_motion_px=self.no_motion_px,
                low_motion_px=self.low_motion_px,
                large_head_motion_px=self.large_head_motion_px,
                small_face_px=self.small_face_px,
                unmatched_light=self.unmatched_light,
                clipped_share=self.clipped_share,
            ),
            durations=Durations(self.min_expression_duration_s, self.max_micro_duration_s),
            batch=self.max_batch,
        )

    @property
    def head_limits(self) -> HeaderLimits:
        return HeaderLimits(self.max_url_bytes, self.max_headers, self.max_header_bytes)

    @property
    def engine_limits(self) -> EngineLimits:
        return EngineLimits(
            workers=self.workers or cpu.available(),
            queue_size=self.queue_size,
            deadline_s=self.deadline_s,
            startup_timeout_s=self.startup_timeout_s,
            shutdown_timeout_s=self.shutdown_timeout_s,
            worker_memory_bytes=self.worker_memory_bytes,
            worker_idle_memory_bytes=self.worker_idle_memory_bytes,
            answer_bytes=self.max_answer_bytes,
        )

    @property
    def video_limits(self) -> EngineLimits:
        """Long videos have workers of their own: no short request ever waits for one."""
        return replace(
            self.engine_limits,
            workers=self.video_workers,
            queue_size=self.video_queue_size,
            deadline_s=self.video_deadline_s,
            shutdown_timeout_s=self.video_shutdown_timeout_s,
            niceness=_VIDEO_NICENESS,
        )


def load(given: Mapping[str, object] = MappingProxyType({})) -> Settings:
    """The settings of this process's environment, but for those `given`. Raises SettingsError."""
    known = {variable(name) for name in Settings.model_fields} | ELSEWHERE
    named = sorted({*in_environment(), *map(variable, given)})
    unknown = [with_new_name(name) for name in named if name.upper() not in known]
    if unknown:
        raise SettingsError(f"unknown setting {', '.join(unknown)}")
    try:
        return Settings.model_validate(dict(given))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = "".join(f" of {variable_at(str(place))}" for place in first["loc"][:1])
        raise SettingsError(f"bad value{where}: {first['msg']}") from None


def listing() -> list[dict[str, object]]:
    """Every setting: its variable, its default and its meaning."""
    return [
        {"variable": variable(name), "default": field.default, "meaning": field.description}
        for name, field in Settings.model_fields.items()
    ]


def table() -> str:
    """Every setting with its default and its meaning, as a Markdown table."""
    rows = [
        f"| `{each['variable']}` | {'' if each['default'] is None else each['default']} "
        f"| {each['meaning']} |"
        for each in listing()
    ]
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows])
