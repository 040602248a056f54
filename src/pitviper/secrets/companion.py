"""Values that belong together: a key id and its secret make one finding."""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from pitviper.engine.matcher import Match, entropy
from pitviper.formats.placeholder import is_placeholder
from pitviper.model.blob import Span
from pitviper.rules.schema import Companion


class Joined(msgspec.Struct, frozen=True):
    """A companion that was found: its value lies at `start:end` of the buffer."""

    companion: Companion
    start: int
    end: int
    value: bytes


def join(data: bytearray, span: Span, match: Match) -> Joined | None:
    """The companion nearest to `match`, of the first kind that its rule names and that is there."""
    for companion in match.rule.companions:
        low = max(span.start, match.start - companion.within)
        high = min(span.end, match.end + companion.within)
        first = max(span.start, low - 1)  # a byte more on both sides, so that a piece of something longer shows
        around = bytes(data[first : min(span.end, high + 1)])
        best: Joined | None = None
        for found in _compiled(companion.pattern).finditer(around):
            group = "secret" if "secret" in found.re.groupindex else 0
            start, end = (first + position for position in found.span(group))
            value = found[group]
            if start < low or end > high or (start < match.end and end > match.start):
                continue
            if entropy(value) < companion.min_entropy or is_placeholder(value):
                continue
            if best is None or _distance(match, start, end) < _distance(match, best.start, best.end):
                best = Joined(companion, start, end, value)
        if best:
            return best
    return None


def _distance(match: Match, start: int, end: int) -> int:
    return start - match.end if start >= match.end else match.start - end


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[bytes]:
    return re.compile(pattern.encode())
