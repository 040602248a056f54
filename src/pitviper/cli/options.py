"""The options that commands share, and the way from them to `Settings`."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import click

from pitviper import config
from pitviper.errors import BaselineError, UsageError
from pitviper.model.finding import Kind, Severity

Command = TypeVar("Command", bound=Callable[..., Any])


class Kinds(click.ParamType[tuple[Kind, ...]]):
    """`secret,hygiene`: kinds of findings, separated by commas."""

    name = "kind[,kind…]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Kind, ...]:
        """The kinds that `value` names."""
        try:
            return tuple(Kind(word.strip()) for word in value.split(","))
        except ValueError:
            self.fail(f"{value!r} is not made of {', '.join(Kind)}.", param, ctx)


class Target(click.ParamType[str]):
    """A path, - for standard input, pypi:NAME or env:PATH."""

    name = "target"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """`value`, unless it is empty."""
        if not value:
            self.fail("the name of a target is empty: is a variable of the shell not set?", param, ctx)
        return str(value)


class Size(click.ParamType[int]):
    """Bytes: `500000`, `64KiB`, `2G`; the units are powers of 1,024, with or without `iB`."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The bytes that `value` names."""
        found = re.fullmatch(r"(\d{1,18})\s?([kmgt]?)(?:i?b)?", str(value).lower())
        if not found or not int(found[1]):
            self.fail(f"{value!r} is no size: write bytes, or a number with a unit, as in 500M or 64GiB.", param, ctx)
        return int(found[1]) << 10 * " kmgt".index(found[2] or " ")


def targets(*, required: bool) -> Callable[[Command], Command]:
    """The argument that names them."""
    metavar = "TARGET..." if required else "[TARGET]..."
    return click.argument("targets", nargs=-1, required=required, type=Target(), metavar=metavar)


SEVERITIES = [severity.value for severity in Severity]

TARGETS = targets(required=True)
RULES = click.option(
    "--rules", multiple=True, metavar="PATH", help="More rules: a TOML file or a folder of them. Repeatable."
)
DISABLE = click.option("--disable", multiple=True, metavar="ID", help="Leave out a rule. Repeatable.")
GITIGNORE = click.option("--gitignore", is_flag=True, default=None, help="Leave out what .gitignore files name.")
HISTORY = (
    click.option(
        "--git-history", is_flag=True, default=None, help="Of folders, also the git history (as git:PATH does)."
    ),
    click.option(
        "--unreachable", is_flag=True, default=None, help="Of git histories, also what nothing leads to any more."
    ),
    click.option("--since", metavar="DATE", help="Of git histories, only commits since DATE, as git reads dates."),
    click.option("--branch", multiple=True, metavar="NAME", help="Of git histories, only this branch. Repeatable."),
    click.option("--staged", is_flag=True, default=None, help="Of git repositories, only lines added in the index."),
)
ALLOW_COMMENTS = click.option(
    "--allow-comments/--no-allow-comments",
    default=None,
    help="Honour `pitviper: allow[rule-id]` comments (the default); do not for code that others wrote.",
)
AUDITOR = click.option(
    "--auditor", is_flag=True, default=None, help="Show everything: also what is unlikely, or in tests and docs."
)
MIN_SEVERITY = click.option(
    "--min-severity", type=click.Choice(SEVERITIES), help="Leave out what is less severe. [default: info]"
)
ONLY = click.option("--only", type=Kinds(), help="Only findings of these kinds: secret, behaviour, hygiene.")
JOBS = click.option("-j", "--jobs", type=click.IntRange(1, 256), help="Processes. [default: one for each CPU]")
QUIET = click.option(
    "-q", "--quiet", is_flag=True, default=None, help="No progress, and no text report unless -o asks for it."
)
PROGRESS = click.option("--progress/--no-progress", default=None, help="Show progress in a terminal. [default: yes]")
CONFIG = click.option(
    "--config", "config_file", metavar="FILE", help="Settings. [default: ./pitviper.toml or ./pyproject.toml]"
)

MAX_DEPTH = click.option("--max-depth", type=click.IntRange(1, 64), help="Open containers in containers. [default: 16]")
MAX_MEMBERS = click.option("--max-members", type=click.IntRange(1), help="Members of one artefact. [default: 1000000]")
MAX_EXPANDED = click.option(
    "--max-expanded", type=Size(), metavar="SIZE", help="What one artefact may expand to, as 500M. [default: 64GiB]"
)
ARCHIVE_PASSWORD = click.option(
    "--archive-password", multiple=True, metavar="TEXT", help="Try it on encrypted archives. Repeatable."
)
OPENING = (MAX_DEPTH, MAX_MEMBERS, MAX_EXPANDED, ARCHIVE_PASSWORD)
"""What may be opened."""

INDEX_URL = click.option("--index-url", metavar="URL", help="The index for pypi:NAME. [default: as pip is configured]")

PLATFORM = click.option(
    "--platform",
    metavar="OS/ARCH",
    help="Of images in a registry: linux/arm64, …, or all. [default: linux/amd64]",
)

WHAT = (RULES, DISABLE, GITIGNORE, *HISTORY, ALLOW_COMMENTS, AUDITOR, MIN_SEVERITY, ONLY, PLATFORM)
"""What is looked at, and what counts."""


def add(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """A decorator that adds `options` in the order in which they stand."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def settings(config_file: str | None, flags: Mapping[str, Any]) -> config.Settings:
    """Settings from the configuration file, overruled by the flags that were given."""
    given = {name: value for name, value in flags.items() if _is_given(value)}
    return config.load(config_file or config.find(), given)


@contextlib.contextmanager
def told_of_file(config_file: str | None, flags: Mapping[str, Any], name: str) -> Iterator[None]:
    """Put the configuration file in front of what is wrong with the setting `name`, if it is from there."""
    try:
        yield
    except UsageError as error:
        path = config_file or config.find()
        if path and not _is_given(flags.get(name)) and (name != "baseline" or isinstance(error, BaselineError)):
            raise type(error)(f"{path}: {name}: {error}", hint=error.hint) from error
        raise


def _is_given(value: object) -> bool:
    return value is not None and value != ()
