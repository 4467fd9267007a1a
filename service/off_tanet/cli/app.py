"""The commands, and the exit code of each exception."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from off_tanet.cli import (
    batch,
    completion,
    doctor,
    keys,
    recognition,
    serve,
    settings,
    streams,
    training,
)
from off_tanet.cli.exit_codes import CommandError, ExitCode
from off_tanet.errors import EngineError, InstallationError, ModelError, OffTanetError
from off_tanet.logs import describe_error

EPILOG = (
    "Exit codes: 0 success; 1 a picture, clip or manifest cannot be used; 2 a wrong command, "
    "option, setting or model file; 3 this installation or machine does not work; "
    "130 stopped by Ctrl-C. An error is one line on standard error."
)


class _Group(TyperGroup):
    """Lists commands by panel, which Typer itself does only when it formats help with Rich."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands of each panel."""
        limit = formatter.width - 6 - max(map(len, self.commands))
        panels: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command = self.commands[name]
            panel = getattr(command, "rich_help_panel", None)
            rows = panels.setdefault(panel if isinstance(panel, str) else "Commands", [])
            rows.append((name, command.get_short_help_str(limit)))
        for panel, rows in panels.items():
            with formatter.section(panel):
                formatter.write_dl(rows)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command. An error is printed as one line on standard error.

    Args:
        arguments: The arguments after the program's name; by default those of this process.

    Returns:
        An exit code, see `exit_codes`.
    """
    completion.prepare()
    try:
        code = build_app()(arguments, "off-tanet", standalone_mode=False) or ExitCode.SUCCESS
        streams.flush()
    except typer.TyperException as error:
        return _fail(f"{error.format_message().rstrip('.')}; see off-tanet --help", ExitCode.USAGE)
    except CommandError as error:
        return _fail(str(error), error.code)
    except ModelError as error:
        return _fail(error.detail, ExitCode.USAGE)
    except (EngineError, InstallationError) as error:
        return _fail(error.detail, ExitCode.ENVIRONMENT)
    except OffTanetError as error:
        return _fail(f"{error.detail} ({error.code})", ExitCode.INPUT)
    except OSError as error:
        return _fail(str(error.strerror or error), ExitCode.ENVIRONMENT)
    except Exception as error:  # an internal error; its message could quote a file
        return _fail(f"internal error: {describe_error(error)}", ExitCode.ENVIRONMENT)
    if code == ExitCode.STOPPED:
        return _fail("stopped", ExitCode.STOPPED)
    return int(code)


def _fail(message: str, code: ExitCode) -> int:
    print(f"off-tanet: {' '.join(message.split())}", file=sys.stderr)
    return code


def build_app() -> typer.Typer:
    """Return the Typer application with every command and group."""
    app = _group("Micro-expression recognition: two frames or a clip in, class probabilities out.")
    app.callback()(_require_command_or_version)
    app.command()(serve.serve)
    app.command()(recognition.predict)
    app.command()(recognition.clip)
    app.command()(recognition.video)
    app.command()(batch.batch)
    app.command()(recognition.model)
    app.command()(settings.settings)
    app.command()(doctor.doctor)
    app.command()(completion.completion)
    key = _group("API keys.")
    key.command()(keys.new)
    app.add_typer(key, name="key")
    training.add_to(app)
    return app


def _group(about: str) -> typer.Typer:
    group = typer.Typer(
        cls=_Group,
        help=about,
        epilog=EPILOG,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        invoke_without_command=True,
    )
    group.callback()(_require_command)
    return group


def _require_command(context: typer.Context) -> None:
    """Show the help if no command is given.

    It is an error, as elsewhere in Click and argparse: a script whose variable is empty must not
    seem to have succeeded, and its standard output stays free of a help text.
    """
    if context.invoked_subcommand is None:
        print(context.get_help(), file=sys.stderr)
        raise typer.Exit(ExitCode.USAGE)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"off-tanet {version('off-tanet')}")
        raise typer.Exit


def _require_command_or_version(
    context: typer.Context,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    _require_command(context)
