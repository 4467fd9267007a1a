"""The settings of the service, read from `OFF_TANET_*` and some standard environment variables."""

from __future__ import annotations

from dataclasses import fields

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from off_tanet.configuration import Configuration
from off_tanet.limits import Durations, MediaLimits, Thresholds
from off_tanet.service_settings import ServiceSettings

_DEFAULTS = Configuration()
_QUALITY, _DURATIONS = _DEFAULTS.thresholds, _DEFAULTS.durations
_THRESHOLDS = fields(Thresholds)  # the settings have the same names
_MAXIMA = tuple(each.name for each in fields(MediaLimits) if each.name != "upload_bytes")


class SettingsError(Exception):
    """A setting is unknown or has a bad value; the message is one line."""


class Settings(ServiceSettings):
    """All settings, one field per environment variable, as in `ServiceSettings`."""

    # Recognition
    max_batch: PositiveInt = _DEFAULTS.batch
    """Maximum number of flow fields in a /v2 request."""
    max_faces: PositiveInt = _DEFAULTS.faces
    """Maximum number of faces that are analysed with faces=all."""
    landmark_rate: PositiveFloat = _DEFAULTS.landmark_rate
    """Most frames a second on which landmarks are placed; the frames between keep them."""
    min_expression_duration_s: NonNegativeFloat = _DURATIONS.shortest_s
    """Duration in seconds below which a motion is not an expression."""
    max_micro_duration_s: PositiveFloat = _DURATIONS.longest_s
    """Duration in seconds above which an expression is macro."""
    no_motion_px: NonNegativeFloat = _QUALITY.no_motion_px
    """Motion, in pixels at 112 x 112, below which the warning is no_motion."""
    head_motion_share: float = Field(_QUALITY.head_motion_share, ge=0, le=1)
    """Share of the head's motion that is added to the limit of no_motion."""
    still_head_px: NonNegativeFloat = _QUALITY.still_head_px
    """Head motion, in pixels at 112 x 112, from which on the reason no_motion is head_motion."""
    largest_turn_deg: NonNegativeFloat = _QUALITY.largest_turn_deg
    """Turn of the head in degrees above which the reason is head_motion."""
    blink_px: NonNegativeFloat = _QUALITY.blink_px
    """Motion of the lids, in pixels at 112 x 112, from which on they may blink."""
    blink_share: float = Field(_QUALITY.blink_share, ge=0, le=1)
    """Share of the lids' motion that is added to the limit of no_motion for blink_only."""
    low_motion_px: NonNegativeFloat = _QUALITY.low_motion_px
    """Motion, in pixels at 112 x 112, below which the warning is low_motion."""
    large_head_motion_px: NonNegativeFloat = _QUALITY.large_head_motion_px
    """Head motion, in pixels at 112 x 112, above which the warning is large_head_motion."""
    small_face_px: NonNegativeFloat = _QUALITY.small_face_px
    """Size of a face, in pixels of the upload, below which the warning is small_face."""
    unmatched_light: NonNegativeFloat = _QUALITY.unmatched_light
    """Uncorrected lighting change, relative to noise and motion, that gives light_change."""
    shading_share: NonNegativeFloat = _QUALITY.shading_share
    """Lighting change that an expression causes, for each pixel of its motion."""
    clipped_share: float = Field(_QUALITY.clipped_share, ge=0, le=1)
    """Share of a crop, too bright or too dark, above which the warning is light_change."""
    speech_opening: PositiveFloat = _QUALITY.speech_opening
    """Least swing of the mouth, as a share of the eyes' distance, in the rhythm of speech."""
    macro_px: PositiveFloat = _QUALITY.macro_px
    """Distance of lips or brows from rest, in pixels at 112 x 112, that is a macro-expression."""
    disturbed_prominence: PositiveFloat = _QUALITY.disturbed_prominence
    """How much more an expression has to stand out during speech or a blink."""
    blink_closing: float = Field(_QUALITY.blink_closing, gt=0, lt=1)
    """Share of the usual opening of the eyes that is missing in a blink."""
    low_frame_rate: NonNegativeFloat = _QUALITY.low_frame_rate
    """Frames per second of a clip or video below which the warning is low_frame_rate."""
    dark_brightness: NonNegativeFloat = _QUALITY.dark_brightness
    """Mean of the face crop, in grey levels, below which the warning is dark."""
    backlit_brightness: NonNegativeFloat = _QUALITY.backlit_brightness
    """Mean of the face crop, in grey levels, below which the warning may be backlit."""
    backlit_ratio: NonNegativeFloat = _QUALITY.backlit_ratio
    """Multiple of the face's brightness above which its surroundings make it backlit."""
    longest_rise_s: PositiveFloat = _QUALITY.longest_rise_s
    """Seconds from onset to apex above which there is no label, for the reason too_long."""
    unsure: float = Field(_QUALITY.unsure, ge=0, le=1)
    """Probability of class and expression below which there is no label, for the reason unsure."""

    @property
    def configuration(self) -> Configuration:
        """Configuration of the workers' Recognizers."""
        return Configuration(
            model=self.model or _DEFAULTS.model,
            media=MediaLimits(
                upload_bytes=self.max_body_bytes,
                **{name: getattr(self, f"max_{name}") for name in _MAXIMA},
            ),
            thresholds=Thresholds(**{each.name: getattr(self, each.name) for each in _THRESHOLDS}),
            durations=Durations(self.min_expression_duration_s, self.max_micro_duration_s),
            batch=self.max_batch,
            faces=self.max_faces,
            landmark_rate=self.landmark_rate,
        )
