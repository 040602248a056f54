"""`pitviper baseline`."""

from __future__ import annotations

import os
from typing import Any

import click
from msgspec.structs import replace

from pitviper.cli import options
from pitviper.cli.command import Command
from pitviper.cli.complaint import complain
from pitviper.cli.exit_codes import ExitCode
from pitviper.errors import BaselineError


@click.command(cls=Command, short_help="Accept today's findings.")
@click.argument("file", metavar="FILE")
@options.add(
    options.targets(required=False),
    click.option("--prune", is_flag=True, help="Drop entries that no finding needs any more."),
    *options.WHAT,
    *options.OPENING,
    options.INDEX_URL,
    options.JOBS,
    options.CONFIG,
)
def baseline(file: str, targets: tuple[str, ...], config_file: str | None, *, prune: bool, **flags: Any) -> None:
    """Accept today's findings in TARGETs (default: this folder), so that `scan --baseline FILE` reports only new ones.

    FILE holds salted fingerprints and no secret; what it accepts already stays. To merge it in git without conflicts,
    put `FILE merge=union` into .gitattributes.
    """
    from pitviper.cli.start import start  # noqa: PLC0415 - `--help` needs none of these
    from pitviper.findings.baseline import Baseline  # noqa: PLC0415

    if not os.path.isdir(os.path.dirname(os.path.realpath(file))):  # better before a long scan than after it
        raise BaselineError(f"{file}: cannot be written: its folder does not exist", hint="Create the folder first.")
    known = Baseline.load(file) if os.path.exists(file) else Baseline.new()
    settings = replace(options.settings(config_file, flags), baseline=None)
    running = start(targets or (".",), settings, config_file, flags)
    findings = running.report().findings
    added = known.accept(findings)
    dropped = known.prune(findings) if prune and not running.unreadable else 0  # what nobody saw may still be there
    known.save(file)
    click.echo(f"{file}: {added} accepted, {len(known.entries) - added} accepted before, {dropped} dropped")
    for error in running.unreadable:
        complain(error)
    if running.unreadable:
        raise SystemExit(ExitCode.INCOMPLETE)
