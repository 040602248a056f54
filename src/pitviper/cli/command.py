"""What commands do here besides what click does: their help fits narrow terminals, and mistakes get a suggestion."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from difflib import get_close_matches

import click

_CLICK_NARROWEST, _NARROWEST = 50, 30
"""Columns below which help is not folded: click's choice, and ours."""


class Formatter(click.HelpFormatter):
    """Help that fits narrow terminals, and whose column of options leaves room for the other one."""

    def __init__(self, indent_increment: int = 2, width: int | None = None, max_width: int | None = None) -> None:
        super().__init__(indent_increment, width, max_width)
        if width is None and self.width == _CLICK_NARROWEST:
            self.width = max(_NARROWEST, min(self.width, shutil.get_terminal_size().columns - 2))

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """At most three eighths of the width for the first column: 30 of 80."""
        super().write_dl(rows, min(col_max, self.width * 3 // 8), col_spacing)


class Context(click.Context):
    """A context with that help."""

    formatter_class = Formatter


class Command(click.Command):
    """A command with that help."""

    context_class = Context


class Group(click.Group):
    """A group with that help, also for its commands."""

    context_class = Context
    command_class = Command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command; an unknown one gets a suggestion, also where commands are imported late."""
        known = self.list_commands(ctx)
        if args[0] not in known and (close := get_close_matches(args[0].lower(), known, n=1)):
            ctx.fail(f"No such command {args[0]!r}. Did you mean {close[0]!r}?")
        return super().resolve_command(ctx, args)
