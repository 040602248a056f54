"""Outputs: a report in the forms that people and machines read. `interface` says what one is, `writing` lets it out.

`OUTPUTS` names them all. Each stands in a module of its own, imported when it is first used: start-up time counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from pitviper.model.report import Report
from pitviper.output.interface import Render, Style
from pitviper.rules.schema import Rule


def _in_module(name: str) -> Render:
    def render(report: Report, rules: Mapping[str, Rule], style: Style) -> Iterator[str]:
        found: Render = import_module(f"pitviper.output.{name}").render
        return found(report, rules, style)

    return render


OUTPUTS: dict[str, Render] = {
    "text": _in_module("text"),
    "json": _in_module("json_v1"),
    "jsonl": _in_module("jsonl"),
    "sarif": _in_module("sarif"),
    "csv": _in_module("csv_table"),
    "markdown": _in_module("markdown"),
}
"""The name after `--output` → what renders it."""
