"""Loads the settings and a Recognizer for a command; errors end the command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from off_tanet.cli.exit_codes import CommandError, ExitCode

if TYPE_CHECKING:
    from off_tanet.recognition.recognizer import Recognizer
    from off_tanet.settings import Settings


def load_settings(config: Path | None) -> Settings:
    """Read the settings from the environment and a file.

    Args:
        config: The file; None to search one.

    Raises:
        CommandError: A setting is wrong.
    """
    from off_tanet.environment import load
    from off_tanet.settings import SettingsError

    try:
        return load(config=config)
    except SettingsError as error:
        raise CommandError(str(error), ExitCode.USAGE) from None


def create_recognizer(settings: Settings) -> Recognizer:
    """Create a Recognizer and run it once, so that a broken installation is reported early.

    Raises:
        ModelError: The model file cannot be used.
        CommandError: The flow kernel cannot be loaded.
    """
    from off_tanet.recognition.recognizer import Recognizer

    recognizer = Recognizer(settings.configuration)
    try:
        recognizer.warm_up()
    except (ImportError, ValueError) as error:
        raise CommandError(str(error), ExitCode.USAGE) from None
    return recognizer
