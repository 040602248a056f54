"""`-o json`: the report as `pitviper.report/1`, the format that other programs may build on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from pitviper.model.place import Link
from pitviper.model.report import SCHEMA, Report
from pitviper.output._json import encode
from pitviper.output.interface import Style
from pitviper.rules.schema import Rule


def render(report: Report, rules: Mapping[str, Rule], style: Style) -> Iterator[str]:
    """The report as one JSON object, indented by two, finding by finding: a big one never stands in memory twice."""
    del rules
    separator = "{"
    for name in report.__struct_fields__:
        yield f'{separator}\n  "{name}": '
        value = getattr(report, name)
        if isinstance(value, tuple) and value:
            yield from _array(value, style)
        else:
            yield _indented(value, "  ", style)
        separator = ","
    yield "\n}\n"


def _array(items: tuple[object, ...], style: Style) -> Iterator[str]:
    separator = "["
    for item in items:
        yield f"{separator}\n    {_indented(item, '    ', style)}"
        separator = ","
    yield "\n  ]"


def _indented(value: object, margin: str, style: Style) -> str:
    return encode(value, unicode=style.unicode, indent=2).replace("\n", "\n" + margin)


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the format, from the report's types; published as `docs/report-1.schema.json`."""
    generated = msgspec.json.schema(Report)
    definitions = generated["$defs"]
    for name, definition in definitions.items():
        if "description" in definition:  # a docstring, which Python indents or not, depending on its version
            definition["description"] = " ".join(definition["description"].split())
        if "properties" in definition and name != Link.__name__:  # a Link leaves out what it has not
            definition["required"] = list(definition["properties"])
    definitions[Report.__name__]["properties"]["schema"] = {"const": SCHEMA}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Pitviper report, version 1",
        **generated,
    }
