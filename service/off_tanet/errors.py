"""Every way in which a request can fail.

    OffTanetError
    ├── MediaError
    │   ├── UnsupportedMediaError    415  a media type that is not accepted
    │   ├── UndecodableMediaError    422  the bytes are no image or video that can be read
    │   ├── LimitExceededError       413  bytes, pixels, frames or seconds over a limit
    │   │   ├── ClipTooLongError     413  a clip that is as long as a video
    │   │   ├── UrlTooLongError      414  a URL over its limit
    │   │   └── HeadersTooLargeError 431  too many headers, or too many bytes of them
    │   ├── TooFewFramesError        422  a clip of fewer than two frames
    │   └── FrameSizesError          422  onset and apex are of different sizes
    ├── UnreadableFileError          404  a file that a command or a manifest names cannot be read
    ├── NoFaceError                  422  no face where one is needed
    ├── FrameOrderError              422  the onset is not before the apex
    ├── FrameIndexError              422  an index that the clip does not have
    ├── MalformedJsonError           400  a body that is no JSON
    ├── MalformedBase64Error         400  media in it that are no base64
    ├── InvalidRequestError          422  fields that are missing, unknown or of the wrong kind
    ├── InferenceRequestError        400  tensors or a description of them that cannot be used
    ├── UnknownModelError            404  another model or version than the one that is served
    ├── SlowRequestError             408  the body took too long to arrive
    ├── UnauthorizedError            401  no API key, or an unknown one
    ├── QuotaError                   429  this client's quota is used up
    ├── ModelError                   500  the model file is missing or not one of ours
    └── EngineError
        ├── WarmingUpError           503  not ready yet
        ├── DrainingError            503  about to stop
        ├── QueueFullError           503  more work than fits
        ├── NoWorkerError            503  no worker process lives
        ├── WorkerLostError          503  the worker died under this request
        │   └── WorkMemoryError      413  this request's work took too much memory
        ├── DeadlineError            504  the work took too long and was stopped
        └── ClientGoneError          499  nobody waits for the answer any more

An error carries what any transport needs: an HTTP status, a stable `code`, a `title` for the kind
and a `detail` for the case. A detail never repeats what was uploaded.
"""

from __future__ import annotations

from typing import ClassVar


class OffTanetError(Exception):
    """The root: `detail` says in one sentence what was wrong with this request.

    `retry_after_s` says when to come back, where coming back helps.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"
    retry_after_s: int | None = None

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class MediaError(OffTanetError):
    """The upload itself is the trouble."""

    status = 422
    code = "bad_media"
    title = "Bad media"


class UnsupportedMediaError(MediaError):
    status = 415
    code = "unsupported_media_type"
    title = "Unsupported media type"


class UndecodableMediaError(MediaError):
    code = "undecodable_media"
    title = "Undecodable media"


class LimitExceededError(MediaError):
    """`limit` names the setting that was exceeded."""

    status = 413
    code = "limit_exceeded"
    title = "Limit exceeded"

    def __init__(self, detail: str, limit: str) -> None:
        Exception.__init__(self, detail, limit)  # both in `args`, so that the error pickles
        self.detail = detail
        self.limit = limit


class ClipTooLongError(LimitExceededError):
    """What is asked to be one short clip may be a long video."""


class UrlTooLongError(LimitExceededError):
    status = 414


class HeadersTooLargeError(LimitExceededError):
    status = 431


class TooFewFramesError(MediaError):
    code = "too_few_frames"
    title = "Too few frames"


class FrameSizesError(MediaError):
    code = "frame_sizes_differ"
    title = "Frame sizes differ"


class UnreadableFileError(OffTanetError):
    status = 404
    code = "unreadable_file"
    title = "Unreadable file"


class NoFaceError(OffTanetError):
    status = 422
    code = "no_face"
    title = "No face found"


class FrameOrderError(OffTanetError):
    status = 422
    code = "onset_not_before_apex"
    title = "Onset not before apex"


class FrameIndexError(OffTanetError):
    status = 422
    code = "frame_index_out_of_range"
    title = "Frame index out of range"


class MalformedJsonError(OffTanetError):
    status = 400
    code = "malformed_json"
    title = "Malformed request"


class MalformedBase64Error(OffTanetError):
    status = 400
    code = "malformed_base64"
    title = "Malformed request"


class MalformedFormError(OffTanetError):
    status = 400
    code = "malformed_body"
    title = "Malformed request"


class InvalidRequestError(OffTanetError):
    status = 422
    code = "invalid_request"
    title = "Invalid request"


class InferenceRequestError(OffTanetError):
    status = 400
    code = "invalid_inference_request"
    title = "Invalid inference request"


class UnknownModelError(OffTanetError):
    status = 404
    code = "unknown_model"
    title = "Unknown model"


class SlowRequestError(OffTanetError):
    status = 408
    code = "slow_request"
    title = "Slow request"


class SlowReaderError(OffTanetError):
    status = 408
    code = "slow_reader"
    title = "Slow reader"


class UnauthorizedError(OffTanetError):
    status = 401
    code = "unauthorized"
    title = "Unauthorized"


class QuotaError(OffTanetError):
    status = 429
    code = "quota_exceeded"
    title = "Quota exceeded"

    def __init__(self, detail: str, retry_after_s: int) -> None:
        Exception.__init__(self, detail, retry_after_s)  # both in `args`, so that the error pickles
        self.detail = detail
        self.retry_after_s = retry_after_s


class ModelError(OffTanetError):
    code = "bad_model"
    title = "Bad model file"


class InstallationError(OffTanetError):
    code = "bad_installation"
    title = "Bad installation"


class EngineError(OffTanetError):
    """The service, not the request, is the trouble."""

    status = 503
    code = "unavailable"
    title = "Service unavailable"
    retry_after_s: int | None = 1


class WarmingUpError(EngineError):
    code = "warming_up"
    title = "Warming up"


class DrainingError(EngineError):
    code = "draining"
    title = "Draining"


class QueueFullError(EngineError):
    code = "queue_full"
    title = "Queue full"


class NoWorkerError(EngineError):
    code = "no_worker"
    title = "No worker"


class WorkerLostError(EngineError):
    code = "worker_lost"
    title = "Worker lost"


class WorkMemoryError(WorkerLostError):
    """The request is the trouble: whoever sends it again loses another worker."""

    status = 413
    retry_after_s = None
    code = "too_much_memory"
    title = "Too much memory"


class DeadlineError(EngineError):
    status = 504
    retry_after_s = None
    code = "deadline_exceeded"
    title = "Deadline exceeded"


class ClientGoneError(EngineError):
    """499 is nginx's; no client sees it, a log does."""

    status = 499
    retry_after_s = None
    code = "client_gone"
    title = "Client gone"
