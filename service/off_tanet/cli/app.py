"""The table of commands, and how each of them ends."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from off_tanet.cli import batch, doctor, keys, recognition, serve, settings, streams, training
from off_tanet.cli.exit_codes import Code, EndError
from off_tanet.errors import EngineError, InstallationError, ModelError, OffTanetError
from off_tanet.logs import told

EPILOG = (
    "Exit codes: 0 good; 1 a picture, clip or manifest that cannot be used; 2 a wrong command, "
    "option, setting or model file; 3 something of this installation or machine does not work; "
    "130 stopped by Ctrl-C. An error is one line on standard error."
)


class _Group(TyperGroup):
    """Lists commands by panel, which Typer does only where it draws them with Rich."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
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
    """Run one command; whatever goes wrong is one line on standard error, and the exit code."""
    try:
        code = build_app()(arguments, "off-tanet", standalone_mode=False) or Code.GOOD
        streams.flush()
    except typer.TyperException as error:
        return _told(f"{error.format_message().rstrip('.')}; see off-tanet --help", Code.USAGE)
    except EndError as error:
        return _told(str(error), error.code)
    except ModelError as error:
        return _told(error.detail, Code.USAGE)
    except (EngineError, InstallationError) as error:
        return _told(error.detail, Code.ENVIRONMENT)
    except OffTanetError as error:
        return _told(f"{error.detail} ({error.code})", Code.INPUT)
    except OSError as error:
        return _told(str(error.strerror or error), Code.ENVIRONMENT)
    except Exception as error:  # an error of ours; its message could quote a file
        return _told(f"internal error: {told(error)}", Code.ENVIRONMENT)
    if code == Code.STOPPED:
        return _told("stopped", Code.STOPPED)
    return int(code)


def _told(message: str, code: Code) -> int:
    print(f"off-tanet: {' '.join(message.split())}", file=sys.stderr)
    return code


def build_app() -> typer.Typer:
    """Return the Typer application with every command and group."""
    app = _group("Micro-expression recognition: two frames or a clip in, class probabilities out.")
    app.command()(serve.serve)
    app.command()(recognition.predict)
    app.command()(recognition.clip)
    app.command()(recognition.video)
    app.command()(batch.batch)
    app.command()(recognition.model)
    app.command()(settings.settings)
    app.command()(doctor.doctor)
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
    )
    group.callback()(lambda: None)  # else a group of one command is that command
    return group
