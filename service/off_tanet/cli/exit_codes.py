"""How a command ends: its exit code, and the one line that says why."""

from __future__ import annotations

from enum import IntEnum


class Code(IntEnum):
    """Exit codes."""

    GOOD = 0
    INPUT = 1  # a picture, a clip or a manifest that cannot be used
    USAGE = 2  # a wrong command, option, setting or model file
    ENVIRONMENT = 3  # something of this installation or machine does not work
    STOPPED = 130  # by Ctrl-C, as shells count it


class EndError(Exception):
    """Ends a command with `code`; the message is one line."""

    def __init__(self, message: str, code: Code) -> None:
        super().__init__(message)
        self.code = code
