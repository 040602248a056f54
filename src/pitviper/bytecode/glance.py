"""`Glance`: which names of what code can do stand in compiled Python, without reading it.

A file costs a millisecond for each 20 KB to be held against its source, and one pass of Vectorscan a thousandth of
that. Code that was put there has to name what it uses; so where all such names in the file are words of the source as
well, and nothing else is strange, the source is not even parsed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from pitviper.bytecode.capabilities import names
from pitviper.engine.prefilter import database

_TELLING = ("process", "network", "execute", "decode", "native")
"""Without one of these, code harms nobody: what it reads from the environment stays where it is.

Decoding counts because the statement `exec` of Python 2 has no name.
"""
_EVERYWHERE = frozenset(("bytes", "bytearray", "compile"))
"""Too common to tell anything; what they make has to be executed by another name."""
_MOST = 1000
"""Places of a name in a source that are looked at."""
_LINE = 200
"""Bytes in front of a name among which its line, and a comment, may begin; what stands farther on does not count."""
_IN_WORDS = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_")


class Glance:
    """Not for two threads at once."""

    def __init__(self) -> None:
        self._names = [name.encode() for name in names(_TELLING) if name not in _EVERYWHERE]
        # A marshalled string: its length, in one byte or four, and its text. The type in front may be one of many.
        expressions = [b"\\x%02x(?:\\x00\\x00\\x00)?%b" % (len(name), name) for name in self._names]
        self._database = database("capabilities", expressions, [0] * len(expressions))
        self._hits: list[tuple[int, int]] = []

    def names_in(self, data: memoryview, starts: Sequence[int] = (0,)) -> dict[int, set[bytes]]:
        """The names in each part of `data`: parts begin at `starts`, which are in order, and are told by those."""
        self._hits.clear()
        self._database.scan(data, self._on_match)  # type: ignore[type-var]  # the stub forgets memoryview
        found: dict[int, set[bytes]] = {}
        for number, end in self._hits:
            start = starts[max(0, bisect_right(starts, end - 1) - 1)]
            found.setdefault(start, set()).add(self._names[number])
        return found

    def _on_match(self, number: int, start: int, end: int, flags: int, context: object) -> None:
        del start, flags, context
        self._hits.append((number, end))


def has_words(source: bytes, names: Iterable[bytes]) -> bool:
    """Whether each of `names` stands in `source` as a word, and not in a comment, as far as that is quickly told."""
    return all(_has_word(source, name) for name in names)


def _has_word(source: bytes, name: bytes) -> bool:
    end = 0
    for _ in range(_MOST):
        start = source.find(name, end)
        if start < 0:
            return False
        end = start + len(name)
        if (start and source[start - 1] in _IN_WORDS) or (end < len(source) and source[end] in _IN_WORDS):
            continue
        low = max(0, start - _LINE)
        begin = source.rfind(b"\n", low, start)
        if (begin >= 0 or not low) and b"#" not in source[max(low, begin) : start]:
            return True
    return False
