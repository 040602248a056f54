"""`-o jsonl`: one JSON object a line, each with its `type` first, for tools that read a report as it comes.

The lines are `scan` (schema, tool, targets), then `finding`, `ignored` (a finding and the reason), `suppressed` and
`gap`, with the same fields as in `pitviper.report/1`, and last `stats` (with `interrupted`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec.structs import asdict

from pitviper.model.report import Report
from pitviper.output._json import encode
from pitviper.output.interface import Style
from pitviper.rules.schema import Rule


def render(report: Report, rules: Mapping[str, Rule], style: Style) -> Iterator[str]:
    """The report line by line."""
    del rules

    def line(kind: str, value: object) -> str:
        return f'{{"type":"{kind}",{encode(value, unicode=style.unicode)[1:]}\n'

    yield line("scan", {"schema": report.schema, "tool": report.tool, "targets": report.targets})
    for finding in report.findings:
        yield line("finding", finding)
    for ignored in report.ignored:
        yield line("ignored", ignored)
    for finding in report.suppressed:
        yield line("suppressed", finding)
    for gap in report.gaps:
        yield line("gap", gap)
    yield line("stats", {**asdict(report.stats), "interrupted": report.interrupted})
