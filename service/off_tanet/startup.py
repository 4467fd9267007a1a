"""What the service needs before it listens: a model, a kernel, files of keys, open files."""

from __future__ import annotations

import math
import resource

from fastapi import FastAPI

from off_tanet.api.app import create_app
from off_tanet.errors import ModelError
from off_tanet.recognition import flow
from off_tanet.recognition.classifier import Classifier
from off_tanet.setting_names import PREFIX
from off_tanet.settings import Settings, SettingsError

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


def files_needed(settings: Settings) -> int:
    """Files that this process may have open at once."""
    workers = settings.engine_limits.workers + settings.video_workers
    return settings.max_connections + workers * _FILES_OF_A_WORKER + _OTHER_FILES


def reserve_files(settings: Settings) -> int:
    """Raise the limit on this process's open files to what the settings may need, if need be.

    Returns how many it may open. Raises SettingsError where the system gives less.
    """
    needed = files_needed(settings)
    soft, hard = map(_number, resource.getrlimit(resource.RLIMIT_NOFILE))
    if soft < needed:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (needed, _limit(hard)))
        except (OSError, ValueError, OverflowError):  # it is above the hard limit, or the kernel's
            raise SettingsError(
                f"{PREFIX}MAX_CONNECTIONS is {settings.max_connections}, which with the workers "
                f"needs {needed} open files; the system gives {hard} (ulimit -n)"
            ) from None
    return needed if soft == math.inf else max(needed, int(soft))


def _number(limit: int) -> float:
    return math.inf if limit == resource.RLIM_INFINITY else limit


def _limit(number: float) -> int:
    return resource.RLIM_INFINITY if number == math.inf else int(number)
