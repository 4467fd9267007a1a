"""Checks before the service listens: its model, flow kernel, key file and open files."""

from __future__ import annotations

import math

from off_tanet.api.app import create_app
from off_tanet.api.openapi import DocumentedApp
from off_tanet.errors import InstallationError, ModelError, OffTanetError
from off_tanet.setting_names import PREFIX
from off_tanet.settings import Settings, SettingsError
from off_tanet.workers.engine import Engine

_FILES_PER_WORKER = 4  # a socket and two pipes, and one more while another worker is started
_OTHER_FILES = 28  # standard streams, event loop, listening sockets, traces: 10 were counted


def application(settings: Settings) -> DocumentedApp:
    """Create the service, and check that its first worker has loaded the model.

    Args:
        settings: The settings of the service.

    Raises:
        SettingsError: A file that the settings name, or the flow kernel, cannot be used.
        InstallationError: A library cannot be loaded.
    """
    app = create(settings)
    check_model(app)
    return app


def check_model(app: DocumentedApp) -> None:
    """Wait until the first worker has loaded the model.

    Args:
        app: The service, which was not started yet.

    Raises:
        SettingsError: It cannot load the model or the flow kernel.
        InstallationError: It cannot load a library.
    """
    engine: Engine = app.state.engine
    try:
        engine.load()  # a worker that cannot would be restarted for ever
    except ModelError as error:
        raise SettingsError(f"{PREFIX}MODEL: {error.detail}") from None
    except InstallationError:
        raise
    except OffTanetError as error:
        raise SettingsError(error.detail) from None


def create(settings: Settings) -> DocumentedApp:
    """Create the service without checking its model.

    Args:
        settings: The settings of the service.

    Raises:
        SettingsError: A setting or the file of API keys cannot be used.
    """
    try:
        return create_app(settings)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SettingsError(f"{PREFIX}API_KEYS: {reason}") from None


def files_needed(settings: Settings) -> int:
    """Return how many files the server process may have open at once."""
    workers = settings.engine_limits.workers + settings.video_workers + settings.stream_workers
    return settings.max_connections + workers * _FILES_PER_WORKER + _OTHER_FILES


def reserve_files(settings: Settings) -> int:
    """Raise this process's limit on open files, if it is lower than the settings require.

    Args:
        settings: The settings of the service.

    Returns:
        The number of files that the process may open.

    Raises:
        SettingsError: The system does not allow that many.
    """
    needed = files_needed(settings)
    try:
        import resource
    except ModuleNotFoundError:  # Windows has no such limit
        return needed
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return needed
    if soft < needed:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
        except (OSError, ValueError, OverflowError):  # above the hard limit, or the kernel's own
            allowed = math.inf if hard == resource.RLIM_INFINITY else hard
            raise SettingsError(
                f"{PREFIX}MAX_CONNECTIONS is {settings.max_connections}, which with the workers "
                f"needs {needed} open files; the system allows {allowed} (ulimit -n)"
            ) from None
    return max(needed, soft)
