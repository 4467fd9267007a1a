"""Exit codes, and the exception that ends a command with one."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of `off-tanet`."""

    SUCCESS = 0
    INPUT = 1  # a picture, a clip or a manifest cannot be used
    USAGE = 2  # a wrong command, option, setting or model file
    ENVIRONMENT = 3  # this installation or machine does not work
    STOPPED = 130  # by Ctrl-C, as shells count it


class CommandError(Exception):
    """Ends a command with an exit code; the message is one line."""

    def __init__(self, message: str, code: ExitCode) -> None:
        super().__init__(message)
        self.code = code
