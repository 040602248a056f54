"""`-o text`: the report for a person at a terminal: what, where, why, and what to do next.

Every string of the report is escaped: a file name or a piece of evidence may have been written to steer the terminal.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from pitviper.model.finding import Confidence, Finding, Secret, Severity
from pitviper.model.gap import Gap
from pitviper.model.place import escape
from pitviper.model.report import Report
from pitviper.output import _words as words
from pitviper.output.interface import Style
from pitviper.rules.schema import Rule

_BOLD, _DIM, _GREEN, _YELLOW = "1", "2", "32", "33"
_SEVERITY = {
    Severity.CRITICAL: "1;31",  # bold red
    Severity.HIGH: "31",
    Severity.MEDIUM: _YELLOW,
    Severity.LOW: "36",
    Severity.INFO: _DIM,
}
_SEVERITY_WIDTH = max(map(len, Severity))
_MARGIN = "  "
_SHOWN = 5
"""Further places of a finding, and gaps of a reason, that are listed; the rest is counted."""
_CLIP = 400
"""Characters of a sentence that are shown: what a file says about itself may fill the screen."""
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


def render(report: Report, rules: Mapping[str, Rule], style: Style) -> Iterator[str]:
    """A block for each finding, worst first; then the gaps, and a line or two that sum up."""
    explained: set[str] = set()
    for finding in report.findings:
        rule = None if finding.rule in explained else rules.get(finding.rule)
        explained.add(finding.rule)
        yield _text(_finding(finding, rule, style))
    if report.gaps:
        yield _text(_gaps(report.gaps, style))
    yield "".join(f"{line}\n" for line in _summary(report, style))


def _text(lines: Iterable[str]) -> str:
    """A block with an empty line after it."""
    return "".join(f"{line}\n" for line in lines) + "\n"


def _finding(finding: Finding, rule: Rule | None, style: Style) -> Iterator[str]:
    """The block of a finding; `rule` explains it, unless one above has done so."""
    evidence = [_clip(reason, style) for reason in words.reasons(finding)]
    head = f"{paint(f'{finding.severity:<{_SEVERITY_WIDTH}}', _SEVERITY[finding.severity], style)}  "
    head += paint(escape(finding.rule), _BOLD, style)
    if finding.secret:
        head += f"  {_secret(finding.secret, style)}"
    proof = f" ({evidence[0]})" if evidence else ""
    if finding.confidence is Confidence.TENTATIVE:
        head += " (tentative)"
    elif proof and _columns(head + proof) <= style.width:
        head += proof
        del evidence[0]
    yield head
    arrow = words.arrow(style)
    still_there = words.still_there(finding.place)
    way = words.steps(finding.place, removal=not still_there)
    yield from _fold(way, paint(arrow, _DIM, style), style, hang=_MARGIN * 2)
    if still_there:
        yield from _sentence(still_there, style, color=_YELLOW)
    why = f"{words.dot(style)}{'; '.join(evidence)}" if evidence else ""
    yield from _sentence(escape(finding.title) + why, style)
    if rule and rule.description:
        yield from _sentence(_clip(rule.description, style), style, color=_DIM)
    yield from _also_at(finding, style)
    if finding.remedy:
        next_step = paint("next:", _GREEN, style)
        yield from _sentence(f"{next_step} {_clip(finding.remedy, style)}", style, hang=_MARGIN + " " * len("next: "))


def _secret(secret: Secret, style: Style) -> str:
    """The secret as far as it may be told; its value only where the user asked for it."""
    return _own(escape(secret.redacted), style) if secret.value is None else escape(secret.value)


def _also_at(finding: Finding, style: Style) -> Iterator[str]:
    label = "also at "
    margin = _MARGIN + " " * len(label)
    arrow = paint(words.arrow(style), _DIM, style)
    for number, place in enumerate(finding.also_at[:_SHOWN]):
        first = _MARGIN + paint(label, _DIM, style) if number == 0 else margin
        yield from _fold(words.steps(place), arrow, style, first=first, hang=margin + _MARGIN)
    if (more := len(finding.also_at) - _SHOWN) > 0:
        yield margin + paint(f"and {more:,} more", _DIM, style)


def _gaps(gaps: Iterable[Gap], style: Style) -> Iterator[str]:
    """The gaps by reason; what is said of all of them is said once."""
    yield paint("not looked into", _YELLOW, style)
    for reason, group in groupby(sorted(gaps, key=lambda gap: gap.reason), key=lambda gap: gap.reason):
        same = list(group)
        shared = same[0].detail if len({gap.detail for gap in same}) == 1 else ""
        yield from _sentence(
            f"{reason} ({len(same):,}){f': {_clip(shared, style)}' if shared else ''}", style, hang=_MARGIN * 3
        )
        for gap in same[:_SHOWN]:
            detail = "" if shared else _clip(gap.detail, style)
            pieces = [f"{escape(gap.path)}:", *detail.split(" ")] if detail else [escape(gap.path)]
            yield from _fold(pieces, " ", style, first=_MARGIN * 2, hang=_MARGIN * 3)
        if len(same) > _SHOWN:
            yield _MARGIN * 2 + paint(f"and {len(same) - _SHOWN:,} more: -o json lists all", _DIM, style)


def _summary(report: Report, style: Style) -> Iterator[str]:
    if report.interrupted:
        yield from _fold([paint("interrupted", _YELLOW, style) + ": this is what was found until then"], "", style, "")
    counts = ", ".join(
        paint(f"{number:,} {severity}", _SEVERITY[severity], style)
        for severity, number in words.by_severity(report.findings)
    )
    total = len(report.findings)
    found = paint(words.count(total, "finding") if total else "nothing found", _BOLD if total else _GREEN, style)
    parts = [f"{found} ({counts})" if total else found, *words.asides(report)]
    yield from _fold(parts, words.dot(style), style, first="", hang=_MARGIN)
    for line in _fold(words.looked(report).split(" "), " ", style, first="", hang=_MARGIN):
        yield paint(line, _DIM, style)


def paint(text: str, code: str, style: Style) -> str:
    """`text` in the colour of an ANSI `code`, where there is colour."""
    return f"\x1b[{code}m{text}\x1b[0m" if style.color else text


def _own(text: str, style: Style) -> str:
    """`text` of Pitviper's own making, with the ellipsis that the terminal can show."""
    return text if style.unicode else text.replace("…", "...")


def _clip(text: str, style: Style) -> str:
    text = escape(text)
    return text if len(text) <= _CLIP else text[:_CLIP] + _own("…", style)


def _sentence(text: str, style: Style, *, hang: str = _MARGIN, color: str = "") -> Iterator[str]:
    for line in _fold(text.split(" "), " ", style, hang=hang):
        yield paint(line, color, style) if color else line


def _fold(pieces: Iterable[str], glue: str, style: Style, first: str = _MARGIN, hang: str = _MARGIN) -> Iterator[str]:
    """`pieces` joined by `glue` in lines of at most the style's width; a piece itself is never broken.

    A line begins with `first`, those after it with `hang` and what `glue` has besides the space in front.
    """
    line = ""
    for piece in pieces:
        if not line:
            line = first + piece
        elif _columns(longer := line + glue + piece) <= style.width:
            line = longer
        else:
            yield line
            line = hang + _begin(glue) + piece
    yield line


def _begin(glue: str) -> str:
    """`glue` as it begins a line: without its leading space."""
    return glue.replace(" ", "", 1)


def _columns(text: str) -> int:
    """How many columns of a terminal `text` takes: none for colours and combining marks, two for wide characters."""
    plain = _ANSI.sub("", text)
    if plain.isascii():
        return len(plain)
    return sum(_char_columns(char) for char in plain)


def _char_columns(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
