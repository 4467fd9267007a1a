"""What the service needs before it listens: a model, a kernel, files of keys, open files."""

from __future__ import annotations

import math
import resource

from fastapi import FastAPI

from service.api.app import create_app
from service.recognition import flow
from service.recognition.classifier import Classifier
from service.recognition.errors import ModelError
from service.settings import PREFIX, Settings, SettingsError

_FILES_OF_A_WORKER = 4  # its socket and two pipes; one more while another is started
_OTHER_FILES = 32  # standard streams, event loop, listening sockets, traces: 10 were counted


def application(settings: Settings) -> FastAPI:
    """The service, where all that its settings name can be used. Raises SettingsError."""
    app = create(settings)
    check_model(settings)
    return app


def create(settings: Settings) -> FastAPI:
    """The service, whatever its model is. Raises SettingsError."""
    try:
        return create_app(settings)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SettingsError(f"{PREFIX}API_KEYS: {reason}") from None


def check_model(settings: Settings) -> None:
    """Open what every worker opens: one that cannot would be started again for ever.

    Raises SettingsError.
    """
    try:
        Classifier(settings.configuration.model)
        flow.build_name()
    except ModelError as error:
        raise SettingsError(f"{PREFIX}MODEL: {error.detail}") from None
    except (ImportError, OSError, ValueError) as error:
        raise SettingsError(str(error)) from None


def reserve_files(settings: Settings) -> int:
    """Raise the limit on this process's open files to what the settings may need, if need be.

    Returns the limit. Raises SettingsError where the system gives less.
    """
    workers = settings.engine_limits.workers + settings.video_workers
    needed = settings.max_connections + workers * _FILES_OF_A_WORKER + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if _number(soft) >= needed:
        return soft
    try:
        if _number(hard) < needed:
            raise ValueError
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    except (OSError, ValueError, OverflowError):
        raise SettingsError(
            f"{PREFIX}MAX_CONNECTIONS is {settings.max_connections}, which with {workers} workers "
            f"needs {needed} open files; the system gives {hard} (ulimit -n)"
        ) from None
    return needed


def _number(limit: int) -> float:
    return math.inf if limit == resource.RLIM_INFINITY else limit
