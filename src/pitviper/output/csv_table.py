"""`-o csv`: one row for each place of each finding, for spreadsheets and data frames."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping

from pitviper.model.finding import Evidence, Finding
from pitviper.model.place import escape
from pitviper.model.report import Report
from pitviper.output.interface import Style
from pitviper.rules.schema import Rule

HEADER = (
    *("id", "kind", "rule", "title", "severity", "confidence", "audience"),
    *("path", "line", "column", "offset", "secret", "status", "evidence", "remedy"),
)

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")  # noqa: RUF001 - spreadsheets take the wide ones too
"""How a cell begins that a spreadsheet would run (OWASP, "CSV Injection")."""


def render(report: Report, rules: Mapping[str, Rule], style: Style) -> Iterator[str]:
    """The header, then a row for each place; everything is quoted, and no cell can become a formula."""
    del rules, style
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\n")
    for row in _rows(report):
        writer.writerow([_cell(value) for value in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _rows(report: Report) -> Iterator[tuple[object, ...]]:
    yield HEADER
    for finding in report.findings:
        yield from _places(finding, "reported", finding.evidence)
    for ignored in report.ignored:
        reason = Evidence("ignored", ignored.reason or "no reason given")
        yield from _places(ignored.finding, "ignored", (*ignored.finding.evidence, reason))
    for finding in report.suppressed:
        yield from _places(finding, "suppressed", finding.evidence)


def _places(finding: Finding, status: str, evidence: tuple[Evidence, ...]) -> Iterator[tuple[object, ...]]:
    secret = finding.secret and (finding.secret.redacted if finding.secret.value is None else finding.secret.value)
    reasons = "; ".join(f"{reason.name}: {reason.text}" for reason in evidence)
    for place in (finding.place, *finding.also_at):
        yield (
            *(finding.id, finding.kind, finding.rule, finding.title),
            *(finding.severity, finding.confidence, finding.audience),
            *(place.path, place.line, place.column, place.offset),
            *(secret, status, reasons, finding.remedy),
        )


def _cell(value: object) -> str:
    text = "" if value is None else escape(str(value))
    return f"'{text}" if text.startswith(_FORMULA) else text
