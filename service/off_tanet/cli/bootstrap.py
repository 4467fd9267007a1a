"""What commands start from: the settings and a Recognizer, or the end of the command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from off_tanet.cli.exit_codes import Code, EndError

if TYPE_CHECKING:
    from off_tanet.recognition.recognizer import Recognizer
    from off_tanet.settings import Settings


def configured() -> Settings:
    """The settings of this process; a wrong one ends the command."""
    from off_tanet.environment import load
    from off_tanet.settings import SettingsError

    try:
        return load()
    except SettingsError as error:
        raise EndError(str(error), Code.USAGE) from None


def warm_recognizer(settings: Settings) -> Recognizer:
    """One that has shown that it works. Raises ModelError; a wrong kernel ends the command."""
    from off_tanet.recognition.recognizer import Recognizer

    recognizer = Recognizer(settings.configuration)
    try:
        recognizer.warm_up()
    except (ImportError, ValueError) as error:
        raise EndError(str(error), Code.USAGE) from None
    return recognizer
