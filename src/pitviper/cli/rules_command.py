"""`pitviper rules`: what is looked for, the proof of it, and its cost."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

import click

from pitviper.cli import options
from pitviper.cli.command import Group
from pitviper.cli.complaint import complain
from pitviper.cli.exit_codes import ExitCode
from pitviper.errors import RuleError
from pitviper.model.finding import Audience
from pitviper.output._words import count
from pitviper.rules import loading, proof
from pitviper.rules.schema import Rule


@click.group(cls=Group, short_help="List, show, prove and profile rules.")
def rules() -> None:
    """What is looked for, the proof of it, and its cost."""


@rules.command("list", short_help="All rules, one a line.")
@options.RULES
def list_(rules: tuple[str, ...]) -> None:
    """All rules: id, severity, confidence, audience, provider, name.

    Aligned in a terminal, separated by tabs in a pipe.
    """
    found = loading.load(rules).rules
    rows = [(rule.id, rule.severity, rule.confidence, rule.audience, rule.provider, rule.name) for rule in found]
    _table(("id", "severity", "confidence", "audience", "provider", "name"), rows)
    providers = len({rule.provider for rule in found})
    click.echo(f"{count(len(found), 'rule')} for {count(providers, 'provider')}", err=True)


@rules.command(short_help="All about one rule.")
@click.argument("rule_id", metavar="ID")
@options.RULES
def show(rule_id: str, rules: tuple[str, ...]) -> None:
    """All about the rule ID: what it finds, why that matters, what to do."""
    known = {rule.id: rule for rule in loading.load(rules).rules}
    if rule_id not in known:
        from pitviper.cli.start import nearest  # noqa: PLC0415 - only needed for a mistake

        raise RuleError(f"no rule is named {rule_id!r}", hint=nearest(rule_id, known))
    rule = known[rule_id]
    click.echo(f"{click.style(rule.id, bold=True)}  {rule.name} ({rule.provider})")
    click.echo(f"{rule.kind}, severity {rule.severity}, confidence {rule.confidence}, for {_audience(rule)}\n")
    click.echo(click.wrap_text(rule.description, 100))
    click.echo("\n" + click.wrap_text(f"What to do: {rule.remedy}", 100) + "\n")
    _field("found by", *filter(None, [rule.detector]))
    _field("pattern", *filter(None, [rule.pattern]))
    _field("anchors", *rule.anchors, *filter(None, [rule.anchor_pattern]))
    _field("validators", *rule.validators)
    _field("boundary", *filter(None, [rule.boundary if rule.pattern else ""]))
    _field("longest match", *([f"{rule.max_len} bytes"] if rule.max_len else []))
    _field("least entropy", *([f"{rule.min_entropy} bits a byte"] if rule.min_entropy else []))
    _field("together with", *(f"{item.name} within {item.within} bytes" for item in rule.companions))
    _field("examples", *rule.examples)
    _field("counter-examples", *rule.counter_examples)
    _field("references", *rule.references)


@rules.command(short_help="Prove rules by their examples.")
@click.argument("file", required=False, metavar="[FILE]")
def check(file: str | None) -> None:
    """Prove all rules, or those in FILE: each example is found, in text and in bytecode; no counter-example is.

    A wrong rule file, or a pattern that Vectorscan refuses, ends with exit code 2; a rule that does not hold
    what it promises, with 1.
    """
    from pitviper.look import Looker  # noqa: PLC0415 - other commands start faster without
    from pitviper.secrets.judge import Judge  # noqa: PLC0415

    known = loading.load([file] if file else [])
    wanted = {rule.id for rule in (loading.own(file or loading.BUILT_IN))}
    looker = Looker(known, Judge(auditor=True))

    def look(data: bytes) -> list[str]:
        outcome = looker.look_at_bytes(data, "proof.py")
        return [finding.rule for finding in outcome.findings]

    checked = [rule for rule in known.rules if rule.id in wanted]
    failures = [failure for rule in checked for failure in proof.prove(rule, look)]
    for failure in failures:
        what = click.style(failure.rule, fg="red", bold=True)
        click.echo(f"{what}: {failure.problem} (in {failure.form}): {failure.template}")
    examples = sum(len(rule.examples) for rule in checked)
    counter_examples = sum(len(rule.counter_examples) for rule in checked)
    click.echo(
        f"{count(len(checked), 'rule')}, {count(examples, 'example')}, {count(counter_examples, 'counter-example')}, "
        f"{proof.SEEDS} tokens each, in text and in bytecode: {count(len(failures), 'failure')}"
    )
    if failures:
        raise SystemExit(ExitCode.FINDINGS)


@rules.command(short_help="What each rule costs on a target.")
@options.add(options.TARGETS, options.RULES, options.DISABLE, options.GITIGNORE, options.CONFIG)
def profile(targets: tuple[str, ...], config_file: str | None, **flags: Any) -> None:
    """Scan TARGETs in one process, and list what each rule that fired cost: dearest first."""
    from pitviper.cli.start import start  # noqa: PLC0415 - other commands start faster without
    from pitviper.engine.matcher import Matcher  # noqa: PLC0415
    from pitviper.engine.profile import Profile  # noqa: PLC0415
    from pitviper.look import Looker  # noqa: PLC0415

    settings = options.settings(config_file, {**flags, "jobs": 1})
    profiled = Profile()
    running = start(targets, settings, config_file, flags)
    running.looker = Looker(running.rules, running.judge, matcher=Matcher(running.rules, profiled.make))
    started = time.perf_counter()
    report = running.report()
    seconds = time.perf_counter() - started
    for error in running.unreadable:
        complain(error)
    costs = sorted(profiled.costs, key=lambda cost: (-cost.seconds, cost.rule))
    rows = [(cost.rule, cost.hits, cost.candidates, cost.matches, f"{cost.seconds * 1000:.1f}") for cost in costs]
    _table(("rule", "hits", "candidates", "matches", "ms"), rows)
    spent = sum(cost.seconds for cost in costs)
    click.echo(
        f"{report.stats.bytes / 1e6:,.1f} MB in {seconds:.2f} s: {spent:.2f} s of it in "
        f"{count(len(costs), 'rule')} that fired, "
        f"the rest in reading and the one pass over all {len(running.rules.rules)}",
        err=True,
    )
    if running.unreadable:
        raise SystemExit(ExitCode.INCOMPLETE)


def _audience(rule: Rule) -> str:
    return "everyone" if rule.audience is Audience.EVERYONE else "auditors"


def _field(name: str, *values: str) -> None:
    for number, value in enumerate(values):
        shown = value.replace("\n", "\\n")
        click.echo(f"{name if not number else '':<17}{shown}")


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Aligned columns with a head in a terminal, else lines of values separated by tabs."""
    cells = [tuple(map(str, row)) for row in rows]
    if not sys.stdout.isatty():
        for row in cells:
            click.echo("\t".join(row))
        return
    widths = [max(map(len, column)) for column in zip(head, *cells, strict=True)]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in (head, *cells)]
    click.echo(click.style(lines[0], bold=True))
    for line in lines[1:]:
        click.echo(line.rstrip())
