"""How the command line says that something is wrong: what, where and why, then what to do next."""

from __future__ import annotations

import contextlib

import click

from pitviper.errors import PitviperError
from pitviper.model.place import escape


def complain(error: PitviperError) -> None:
    """Write `error` and its hint to standard error; a name in them cannot steer the terminal."""
    with contextlib.suppress(OSError):  # nobody can be told; the exit code still tells
        click.echo(f"{click.style('error:', fg='red', bold=True)} {escape(str(error))}", err=True)
        if error.hint:
            click.echo(f"{click.style('hint:', fg='cyan', bold=True)} {escape(error.hint)}", err=True)
