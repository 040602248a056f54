"""`pitviper scan`."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from pitviper.cli import options
from pitviper.cli.command import Command
from pitviper.cli.complaint import complain
from pitviper.cli.exit_codes import ExitCode
from pitviper.config import Settings
from pitviper.model.report import Report

if TYPE_CHECKING:
    from pitviper.output.writing import Spec


@click.command(cls=Command, short_help="Look into folders, files, archives, images, git histories and releases.")
@options.add(
    options.TARGETS,
    click.option(
        "-o",
        "--output",
        multiple=True,
        metavar="FORMAT[:FILE]",
        help="text (default), json, jsonl, sarif, csv, markdown; to standard output or a file. Repeatable.",
    ),
    click.option(
        "--fail-on",
        type=click.Choice(options.SEVERITIES),
        help="Exit with 1 for findings at least this severe. [default: medium]",
    ),
    click.option("--baseline", metavar="FILE", help="Leave out the findings that this file accepts; they are counted."),
    click.option("--show-secrets", is_flag=True, default=None, help="Show secrets in full. Mind who reads the report."),
    click.option("--strict", is_flag=True, default=None, help="Exit with 3 if anything could not be looked into."),
    *options.WHAT,
    *options.OPENING,
    options.INDEX_URL,
    options.JOBS,
    options.QUIET,
    options.PROGRESS,
    options.CONFIG,
)
def scan(targets: tuple[str, ...], config_file: str | None, **flags: Any) -> None:
    """Look into TARGETs, and into all that is packed in them. Nothing is skipped silently.

    \b
    PATH              a folder or a file: wheels, archives, images, …
    -                 standard input
    image:NAME[:TAG]  an image in a registry (--platform)
    git:PATH          a git history (--since, --branch, --unreachable)
    pypi:NAME[==1.0]  all files of a release in the index (--index-url)
    env:[PATH]        the distributions installed in an environment

    \b
    pitviper scan .                           what is in this folder
    pitviper scan dist/                       before you publish
    pitviper scan . -o text -o sarif:scan.sarif
    git diff | pitviper scan -
    """  # noqa: D301 - click reads a backspace: the lines below it stay as they are
    from pitviper.cli import progress  # noqa: PLC0415 - `--help` needs none of these
    from pitviper.cli.start import start  # noqa: PLC0415
    from pitviper.output import writing  # noqa: PLC0415

    signal.signal(signal.SIGTERM, _interrupt)
    settings = options.settings(config_file, flags)
    with options.told_of_file(config_file, flags, "output"):
        specs = writing.parse_specs(_outputs(settings, flags))
    writing.check(specs)
    watcher = progress.Progress() if progress.wanted(quiet=settings.quiet, progress=settings.progress) else None
    running = start(targets, settings, config_file, flags, on_outcome=watcher.count if watcher else None)
    if watcher:
        watcher.watch(running)
    for error in running.unreadable:
        complain(error)
    if not settings.quiet:
        for source in running.sources:
            if told := getattr(source, "told", ""):
                click.echo(told, err=True)
    before = len(running.unreadable)
    try:
        for _ in running:
            pass
    except KeyboardInterrupt:
        running.stop()
    finally:
        if watcher:
            watcher.stop()
    for error in running.unreadable[before:]:  # opened, but could not be read
        complain(error)
    report = running.report()
    writing.write(report, {rule.id: rule for rule in running.rules.rules}, specs)
    _tell(report, specs, quiet=settings.quiet)
    raise SystemExit(exit_code(report, settings, unreadable=bool(running.unreadable)))


def _tell(report: Report, specs: Sequence[Spec], *, quiet: bool) -> None:
    """Tell on standard error what a report on standard output would have told."""
    from pitviper.output import writing  # noqa: PLC0415 - see above

    if report.interrupted and not any(spec.format == "text" and spec.file is None for spec in specs):
        click.echo("interrupted: the report holds what was found until then" if specs else "interrupted", err=True)
    if not quiet and (line := writing.told(report, specs, writing.style_of(sys.stderr))):
        click.echo(line, err=True)


def exit_code(report: Report, settings: Settings, *, unreadable: bool) -> ExitCode:
    """What the report means to a script: see docs/exit-codes.md."""
    if report.interrupted:
        return ExitCode.INTERRUPTED
    if unreadable or (settings.strict and report.gaps):
        return ExitCode.INCOMPLETE
    if any(finding.severity.rank <= settings.fail_on.rank for finding in report.findings):
        return ExitCode.FINDINGS
    return ExitCode.CLEAN


def _outputs(settings: Settings, flags: dict[str, Any]) -> tuple[str, ...]:
    """The outputs asked for; `--quiet` drops the default text, not one that was asked for."""
    if settings.quiet and not flags["output"]:
        return tuple(output for output in settings.output if output != "text")
    return settings.output


def _interrupt(*_: object) -> None:
    """SIGTERM, as a CI system sends it when time is up, ends a scan as Ctrl-C does: with a report."""
    raise KeyboardInterrupt
