"""`pitviper baseline`."""

from __future__ import annotations

import os
from typing import Any

import click
from msgspec.structs import replace

from pitviper.cli import options
from pitviper.cli.complaint import complain
from pitviper.cli.exit_codes import ExitCode


@click.command(short_help="Accept today's findings.")
@click.argument("file", metavar="FILE")
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@options.add(
    click.option("--prune", is_flag=True, help="Drop entries that no finding needs any more."),
    *options.WHAT,
    options.JOBS,
    options.CONFIG,
)
def baseline(file: str, targets: tuple[str, ...], config_file: str | None, *, prune: bool, **flags: Any) -> None:
    """Accept today's findings in TARGETs (default: this folder), so that `scan --baseline FILE` reports only new ones.

    FILE holds salted fingerprints and no secret; what it accepts already stays. To merge it in git without conflicts,
    put `FILE merge=union` into .gitattributes.
    """
    from pitviper.findings.baseline import Baseline  # noqa: PLC0415 - `--help` needs none of these
    from pitviper.scanning import Scan  # noqa: PLC0415

    known = Baseline.load(file) if os.path.exists(file) else Baseline.new()
    settings = replace(options.settings(config_file, flags), baseline=None)
    running = Scan(targets or (".",), settings)
    findings = running.report().findings
    added = known.accept(findings)
    dropped = known.prune(findings) if prune and not running.unreadable else 0  # what nobody saw may still be there
    known.save(file)
    click.echo(f"{file}: {added} accepted, {len(known.entries) - added} accepted before, {dropped} dropped")
    for error in running.unreadable:
        complain(error)
    if running.unreadable:
        raise SystemExit(ExitCode.INCOMPLETE)
