"""Findings that somebody accepted in place: `# pitviper: allow[rule-id] reason` on the line of the finding."""

from __future__ import annotations

import re

from pitviper.model.blob import Span

_COMMENT = re.compile(rb"pitviper:\s{0,4}allow\[([a-z0-9, *-]{1,400})\]([^\r\n]{0,200})")
_LINE = 4096
"""How far from a match its line is searched for a comment, in bytes: a minified file is one line of megabytes."""


def allowed(data: bytearray, span: Span, start: int, end: int, rule: str) -> str | None:
    """The reason given on the line of `data[start:end]` for accepting `rule` there ("" if none), or None.

    The line is the one in which the match ends, for a block that of its last line, or the one in which it begins.
    """
    low, high = span.start, span.end
    for position in (end, start):
        begin = max(low, position - _LINE, data.rfind(b"\n", low, position) + 1)
        stop = data.find(b"\n", position, min(high, position + _LINE))
        line = bytes(data[begin : stop if stop >= 0 else min(high, position + _LINE)])
        if b"pitviper:" not in line:
            continue
        for comment in _COMMENT.finditer(line):
            if rule in [name.strip() for name in comment[1].decode().split(",")]:
                return comment[2].decode("utf-8", "replace").strip(" \t-:#*/>")
    return None
