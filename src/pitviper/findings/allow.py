"""Findings that somebody accepted in place: `# pitviper: allow[rule-id] reason` on the line of the finding."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence

from pitviper.model.blob import Span

_COMMENT = re.compile(rb"pitviper:\s{0,4}allow\[([a-z0-9, -]{1,400})\]")
_NEARLY = re.compile(rb"pitviper\s{0,4}:\s{0,4}allow", re.IGNORECASE)
_REASON = 200
_LINE = 4096
"""How far from a match its line is searched for a comment, in bytes: a minified file is one line of megabytes."""

_CLOSE = re.compile(rb"\*/|-->|\r|pitviper:")
"""Ends of comments behind which the line may go on, also with another one of ours."""


def allowed(data: bytearray, span: Span, at: tuple[int, int], rule: str, secrets: Sequence[int] = ()) -> str | None:
    """The reason given on the line of the match `at` (its start and end) for accepting `rule` there, or None.

    The line is the one in which the match ends, for a block that of its last line, or the one in which it begins. The
    reason ("" if none is given) ends with its comment, and in front of the next of `secrets` (where they begin, in
    order).
    """
    low, high = span.start, span.end
    for position in reversed(at):
        begin = max(low, position - _LINE, data.rfind(b"\n", max(low, position - _LINE), position) + 1)
        stop = data.find(b"\n", position, min(high, position + _LINE))
        line = bytes(data[begin : stop if stop >= 0 else min(high, position + _LINE)])
        if b"pitviper:" not in line:
            continue
        for comment in _COMMENT.finditer(line):
            if rule in [name.strip() for name in comment[1].decode().split(",")]:
                text = line[comment.end() :][: min(_REASON, _room(secrets, begin + comment.end()))]
                return _CLOSE.split(text, maxsplit=1)[0].decode("utf-8", "replace").strip(" \t-:#*/>")
    return None


def nearly(data: bytearray, span: Span, at: tuple[int, int]) -> bool:
    """Whether a comment on the line of the match `at`, or on the one above, speaks of allowing, and does not count."""
    low, high = max(span.start, at[0] - _LINE), min(span.end, at[1] + _LINE)
    begin = data.rfind(b"\n", low, max(low, data.rfind(b"\n", low, at[0]))) + 1
    stop = data.find(b"\n", at[1], high)
    return _NEARLY.search(bytes(data[max(low, begin) : stop if stop >= 0 else high])) is not None


def _room(secrets: Sequence[int], position: int) -> int:
    """How many bytes there are from `position` to the next of `secrets`."""
    index = bisect_left(secrets, position)
    return secrets[index] - position if index < len(secrets) else _REASON
