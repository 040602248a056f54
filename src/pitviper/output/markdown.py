"""`-o markdown`: a summary for a pull request or a job summary (GitHub's dialect)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pitviper.model.finding import Finding, Severity
from pitviper.model.gap import Gap
from pitviper.model.report import Report
from pitviper.output import _words as words
from pitviper.output._markdown import code, link, prose, sentence
from pitviper.output.interface import Style
from pitviper.rules.schema import Rule

_MAX_FINDINGS = 100
"""Rows of the table of findings. A comment on GitHub holds 65,536 characters, a job summary 1 MiB, or it fails."""
_MAX_GAPS = 50


def render(report: Report, rules: Mapping[str, Rule], style: Style) -> Iterator[str]:
    """A heading with the counts, a table of findings, what to do for each rule, the gaps, and the sums."""
    yield f"## Pitviper: {words.found(report)}\n"
    if report.interrupted:
        yield "\n**Interrupted:** this is what was found until then.\n"
    if report.findings:
        yield from _findings(report.findings, style)
        yield "\n### What to do\n"
        by_rule: dict[str, list[Finding]] = {}
        for finding in report.findings:
            by_rule.setdefault(finding.rule, []).append(finding)
        for name, findings in by_rule.items():
            yield from _rule(name, findings, rules.get(name))
    if report.gaps:
        yield from _gaps(report.gaps)
    yield "\n---\n\n" + " · ".join([*words.asides(report), words.looked(report)]) + "\n"


def _findings(findings: tuple[Finding, ...], style: Style) -> Iterator[str]:
    yield from _table("Severity", "What", "Where", "Why")
    for finding in findings[:_MAX_FINDINGS]:
        urgent = finding.severity in (Severity.CRITICAL, Severity.HIGH)
        where = code(words.arrow(style).join(words.steps(finding.place)))
        if finding.also_at:
            where += f"<br>and in {words.count(len(finding.also_at), 'more place')}"
        yield _row(
            f"**{finding.severity}**" if urgent else finding.severity,
            code(finding.rule) + (f" {code(finding.secret.redacted)}" if finding.secret else ""),
            where,
            prose("; ".join(words.reasons(finding))),
        )
    yield from _more(len(findings) - _MAX_FINDINGS)


def _rule(name: str, findings: list[Finding], rule: Rule | None) -> Iterator[str]:
    """What to do about the findings of a rule, said once."""
    yield f"\n**{code(name)}** {sentence(findings[0].title)} ({words.count(len(findings), 'finding')})\n"
    if rule and rule.description:
        yield f"\n{sentence(rule.description)}\n"
    for remedy in dict.fromkeys(finding.remedy for finding in findings if finding.remedy):
        yield f"\n**Next:** {sentence(remedy)}\n"
    for reference in dict.fromkeys(reference for finding in findings for reference in finding.references):
        yield f"\n{link(reference)}\n"


def _gaps(gaps: tuple[Gap, ...]) -> Iterator[str]:
    yield f"\n### {words.count(len(gaps), 'gap')}: places that were not (fully) looked into\n"
    yield from _table("Where", "Why", "Detail")
    for gap in gaps[:_MAX_GAPS]:
        yield _row(code(gap.path), gap.reason, prose(gap.detail))
    yield from _more(len(gaps) - _MAX_GAPS)


def _table(*heads: str) -> Iterator[str]:
    yield "\n" + _row(*heads)
    yield _row(*("---" for _ in heads))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"


def _more(number: int) -> Iterable[str]:
    return [f"\nand {number:,} more\n"] if number > 0 else []
