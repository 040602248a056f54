"""The entry point: the commands, and what happens when something goes wrong."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

import click

from pitviper import __version__
from pitviper.cli.command import Group
from pitviper.cli.complaint import complain
from pitviper.cli.exit_codes import ExitCode
from pitviper.errors import OutputError, PitviperError, TargetError

_COMMANDS = {
    "scan": "pitviper.cli.scan_command:scan",
    "rules": "pitviper.cli.rules_command:rules",
    "baseline": "pitviper.cli.baseline_command:baseline",
}
"""Name → where it lives; imported when it is used, in the order of the help."""


class Commands(Group):
    """Commands that are imported when they are used, and errors that people can read."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of `_COMMANDS`."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported."""
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run, and turn what goes wrong into one message, a hint and an exit code."""
        if os.environ.get("NO_COLOR"):
            ctx.color = False
        try:
            return super().invoke(ctx)
        except TargetError as error:
            complain(error)
            ctx.exit(ExitCode.INCOMPLETE)
        except PitviperError as error:
            complain(error)
            ctx.exit(ExitCode.USAGE)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(ExitCode.INTERRUPTED)
        except BrokenPipeError:  # `pitviper rules list | head`: the reader has what it wanted
            _silence()
        except Exception as error:
            if isinstance(error, click.ClickException | click.exceptions.Exit | click.Abort) or _wants_traceback():
                raise
            if isinstance(error, OSError) and error.filename is None:  # what names no file was written to a stream
                _silence()
                complain(OutputError(f"cannot write to standard output: {error.strerror}"))
                ctx.exit(ExitCode.USAGE)
            defect = f"this is a defect in pitviper: {type(error).__name__}"
            complain(
                PitviperError(defect, hint="Please report it, with the traceback that PITVIPER_TRACEBACK=1 shows.")
            )
            ctx.exit(ExitCode.INCOMPLETE)


def _silence() -> None:
    """Lead standard output nowhere: what it still holds is flushed when Python exits, and would fail once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _wants_traceback() -> bool:
    return bool(os.environ.get("PITVIPER_TRACEBACK"))


@click.command(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 clean, 1 findings, 2 wrong usage, 3 not everything could be read, 130 interrupted.",
)
@click.version_option(__version__, "-V", "--version", message="pitviper %(version)s")
def cli() -> None:
    """Find what does not belong in the Python that people ship and install: leaked secrets.

    In folders and files, and in what is packed in them; in container images, git histories, releases in a package
    index, and installed distributions.
    """


def run() -> None:
    """Run the command line and leave."""
    for stream in (sys.stdout, sys.stderr):  # a name that the terminal's encoding lacks must not end the program
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    cli(prog_name="pitviper")
