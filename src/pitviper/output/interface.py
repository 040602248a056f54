"""What an output is: a function from a report to pieces of text. It formats and never decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import msgspec

from pitviper.model.report import Report
from pitviper.rules.schema import Rule


class Style(msgspec.Struct, frozen=True):
    """What the reader's medium can show: colour, a width in columns, characters beyond ASCII."""

    color: bool = False
    width: int = 100
    unicode: bool = True


Render = Callable[[Report, Mapping[str, Rule], Style], Iterator[str]]
"""`render(report, rules, style)`: the report as text, piece by piece; `rules` by id, for titles and help."""
