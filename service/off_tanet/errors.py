"""The errors of the package. All of them derive from OffTanetError.

    OffTanetError
    ├── MediaError                 the upload cannot be processed
    │   └── LimitExceededError     it has too many bytes, pixels, frames or seconds
    │       └── ...                ClipTooLongError, UrlTooLongError, HeadersTooLargeError
    ├── ...                        the request, the model file or the installation is at fault
    └── EngineError                the service is at fault; the same request may succeed later
        └── WorkerLostError        its worker process died
            └── WorkMemoryError    the request needs too much memory, and would again

An error has what any transport needs: an HTTP `status`, a stable `code`, a `title` for its kind and
a `detail` for the case. No detail repeats anything that was uploaded.
"""

from __future__ import annotations

from typing import ClassVar


class OffTanetError(Exception):
    """Base class of all errors of the package.

    Attributes:
        detail: What was wrong with this request, in one sentence.
        status: HTTP status of the kind of error.
        code: Short and stable name of the kind of error.
        title: The kind of error in a few words; by default those of its code.
        retry_after_s: Seconds to wait before a retry; None if retrying is pointless.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"
    retry_after_s: int | None = None

    def __init_subclass__(cls) -> None:
        if "code" in vars(cls) and "title" not in vars(cls):
            cls.title = cls.code.replace("_", " ").capitalize()

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class MediaError(OffTanetError):
    """The upload itself cannot be processed."""

    status = 422
    code = "bad_media"


class UnsupportedMediaError(MediaError):
    """The media type is not accepted."""

    status = 415
    code = "unsupported_media_type"


class UndecodableMediaError(MediaError):
    """The bytes are not a picture or a video that can be decoded."""

    code = "undecodable_media"


class LimitExceededError(MediaError):
    """The request exceeds a limit, such as bytes, pixels, frames or seconds.

    Attributes:
        limit: Name of the limit: that of the setting without `max_`.
    """

    status = 413
    code = "limit_exceeded"

    def __init__(self, detail: str, limit: str) -> None:
        Exception.__init__(self, detail, limit)  # both in `args`, so that the error pickles
        self.detail = detail
        self.limit = limit


class ClipTooLongError(LimitExceededError):
    """The clip is so long that it should be sent as a long video."""


class UrlTooLongError(LimitExceededError):
    """The URL of the request is too long."""

    status = 414


class HeadersTooLargeError(LimitExceededError):
    """The request has too many headers, or its headers are too large."""

    status = 431


class TooFewFramesError(MediaError):
    """The clip has fewer than two frames."""

    code = "too_few_frames"


class FrameSizesError(MediaError):
    """Onset and apex have different sizes."""

    code = "frame_sizes_differ"


class UnreadableFileError(OffTanetError):
    """A file that a command or a manifest names cannot be read."""

    status = 404
    code = "unreadable_file"


class NoFaceError(OffTanetError):
    """No face was found in a frame that needs one."""

    status = 422
    code = "no_face"
    title = "No face found"


class FrameOrderError(OffTanetError):
    """The onset is not before the apex."""

    status = 422
    code = "onset_not_before_apex"


class FrameIndexError(OffTanetError):
    """The clip has no frame with the given index."""

    status = 422
    code = "frame_index_out_of_range"


class MalformedJsonError(OffTanetError):
    """The body is not valid JSON."""

    status = 400
    code = "malformed_json"
    title = "Malformed request"


class MalformedBase64Error(OffTanetError):
    """A file in the request is not valid base64."""

    status = 400
    code = "malformed_base64"
    title = "Malformed request"


class MalformedFormError(OffTanetError):
    """The body is not a valid multipart form."""

    status = 400
    code = "malformed_body"
    title = "Malformed request"


class InvalidRequestError(OffTanetError):
    """Fields of the request are missing, unknown or invalid."""

    status = 422
    code = "invalid_request"


class InferenceRequestError(OffTanetError):
    """An Open Inference Protocol request, or one of its tensors, is invalid."""

    status = 400
    code = "invalid_inference_request"


class UnknownModelError(OffTanetError):
    """The service has no model of the given name or version."""

    status = 404
    code = "unknown_model"


class SlowRequestError(OffTanetError):
    """The body of the request took too long to arrive."""

    status = 408
    code = "slow_request"


class SlowReaderError(OffTanetError):
    """The client read the events of a stream too slowly."""

    status = 408
    code = "slow_reader"


class UnauthorizedError(OffTanetError):
    """The request has no API key, or an unknown one."""

    status = 401
    code = "unauthorized"


class QuotaError(OffTanetError):
    """The quota of the API key is used up."""

    status = 429
    code = "quota_exceeded"

    def __init__(self, detail: str, retry_after_s: int) -> None:
        Exception.__init__(self, detail, retry_after_s)  # both in `args`, so that the error pickles
        self.detail = detail
        self.retry_after_s = retry_after_s


class ModelError(OffTanetError):
    """The model file is missing or is not a model of Off-TANet."""

    code = "bad_model"
    title = "Bad model file"


class InstallationError(OffTanetError):
    """The installation does not work: it cannot decode the samples of the package."""

    code = "bad_installation"


class EngineError(OffTanetError):
    """The service, not the request, is the cause."""

    status = 503
    code = "unavailable"
    title = "Service unavailable"
    retry_after_s: int | None = 1


class WarmingUpError(EngineError):
    """The service is starting."""

    code = "warming_up"


class DrainingError(EngineError):
    """The service is shutting down."""

    code = "draining"


class QueueFullError(EngineError):
    """The service cannot queue more requests."""

    code = "queue_full"


class NoWorkerError(EngineError):
    """No worker process is alive."""

    code = "no_worker"


class WorkerLostError(EngineError):
    """The worker process died while it worked on the request."""

    code = "worker_lost"


class WorkMemoryError(WorkerLostError):
    """The request needs too much memory; sending it again would end another worker."""

    status = 413
    retry_after_s = None
    code = "too_much_memory"


class DeadlineError(EngineError):
    """The work took too long and was stopped."""

    status = 504
    retry_after_s = None
    code = "deadline_exceeded"


class ClientGoneError(EngineError):
    """The client closed the connection. The status 499 is nginx's, and appears only in the log."""

    status = 499
    retry_after_s = None
    code = "client_gone"
