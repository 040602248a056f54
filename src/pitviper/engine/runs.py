"""`Runs`: where encoded text begins and ends in a buffer, around what the one pass saw of it."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial

from pitviper.engine import text
from pitviper.engine.encodings import Coding, Literal
from pitviper.engine.undo import (
    BASE64,
    BETWEEN,
    HEX,
    LEAST,
    WHOLE_BASE64,
    WHOLE_HEX,
    joined,
    run_of,
    unbase64,
    unentity,
    unescape,
    unhex,
    unnumber,
    unpercent,
)
from pitviper.model.blob import Span

_NEAR = 4096
"""Bytes around the name of a decoder in which whatever looks encoded is decoded."""
_FURTHEST = 64 * 1024
"""Bytes in front of an escape in which its string may begin."""
_LEAST_RUN = 24
"""Characters of a run near a decoder: 18 bytes of base64."""

Undo = Callable[[bytes], bytes]
Run = tuple[int, int, str, bytes]
"""Start and end of a run in the buffer, the name of its encoding, and what it decodes to."""

_ESCAPED: dict[Coding, tuple[str, bytes, Undo]] = {
    Coding.ESCAPES: ("escapes", b"\"'\n", unescape),
    Coding.PERCENT: ("percent", b"\"'<>\r\n\t `", unpercent),
    Coding.ENTITIES: ("entities", b"\"'<>\r\n\t `", unentity),
    Coding.NUMBERS: ("numbers", b"[](){}\"';:=", unnumber),
}
"""The name of each, what ends a run of it, and how to undo it."""
MIXTURES = frozenset(name for name, _, _ in _ESCAPED.values())
"""What stands unescaped in their runs stands there in the layer too, and is no reason to leave out the rest."""
_ENDS = {coding: re.compile(b"[" + re.escape(ends) + b"]") for coding, (_, ends, _undo) in _ESCAPED.items()}
_LONGEST_WIDE = 32 * 1024
_WIDE = {width: re.compile(rb"(?:[\t\n\r -~]\0{%d})*+[\t\n\r -~]?" % (width - 1)) for width in (2, 4)}
_WIDE_BEFORE = {width: re.compile(rb"(?:\0{%d}[\t\n\r -~])*+" % (width - 1)) for width in (2, 4)}
_LITERAL = {
    quote: re.compile(
        rb"""(?:[^\\%b\n]++|\\.|%b[ \t]{0,200}[+\\]?[ \t]{0,200}\r?\n[ \t]{0,200}[bruBRU]{0,2}%b)*+"""
        % (quote, quote, quote),
        re.DOTALL,
    )
    for quote in (b'"', b"'")
}
_LINE = re.compile(rb"""(?:[^\\"'\n]++|\\.)*+""", re.DOTALL)


class Runs:
    """The encoded runs in a span. For hits in the order in which they end."""

    def __init__(self, data: bytearray, span: Span, *, binary: bool) -> None:
        self._data = data
        self._span = span
        self._binary = binary
        self._known: set[tuple[str, int, int]] = set()
        self._strings_end: dict[bytes, int] = {}
        self._covered = dict.fromkeys(Coding, span.start)
        self._regions = {
            Coding.BASE64: _Region(data, span, WHOLE_BASE64, BASE64),
            Coding.HEX: _Region(data, span, WHOLE_HEX, HEX),
        }

    def at(self, literals: Iterable[tuple[Literal, int, int]]) -> Iterator[Run]:
        """The runs at `literals`, each of which stands at two positions of the buffer."""
        for literal, start, end in literals:
            if literal.coding is Coding.CONTEXT:
                yield from self._near(literal.text, start, end)
            elif literal.coding in self._regions:
                yield from self._aligned(literal, end)
            elif literal.coding is Coding.WIDE:
                yield from self._wide(literal.phase, start)
            elif start >= self._covered[literal.coding]:
                yield self._escaped(literal.coding, start)

    def _wide(self, width: int, at: int) -> Iterator[Run]:
        """The characters around `at`, each with zeros behind it: a string in a binary, if that is not all such text."""
        if at < self._covered[Coding.WIDE] or text.wide(self._data, self._span.start, self._span.end):
            return
        low = max(self._span.start, self._covered[Coding.WIDE], at - width * _LONGEST_WIDE)
        backwards = self._data[low:at][::-1]  # a search from the left would try every beginning
        before = _WIDE_BEFORE[width].match(backwards)
        behind = _WIDE[width].match(self._data, at, min(self._span.end, at + width * _LONGEST_WIDE))
        if before and behind:
            start, self._covered[Coding.WIDE] = at - before.end(), behind.end()
            yield start, behind.end(), f"utf-{width * 8}", bytes(self._data[start : behind.end() : width])

    def _aligned(self, literal: Literal, end: int) -> Iterator[Run]:
        """The run of base64 or hex around the literal that ends at `end`, which knows where groups begin."""
        found = self._regions[literal.coding].around(end - 1)
        if found:
            group = 4 if literal.coding is Coding.BASE64 else 2
            in_front = self._regions[literal.coding].characters(end)
            yield from self._decoded(literal.coding, found, (in_front - literal.phase) % group)

    def _decoded(self, coding: Coding, at: tuple[int, int], skip: int) -> Iterator[Run]:
        """The run `at`, without its first `skip` characters, which belong to something else; once."""
        name = coding.name.lower()
        if (name, at[0], skip) not in self._known:
            self._known.add((name, at[0], skip))
            run = joined(bytes(self._data[slice(*at)]))[skip:]
            yield (*at, name, unhex(run) if coding is Coding.HEX else unbase64(run))

    def _escaped(self, coding: Coding, at: int) -> Run:
        """The run of escapes around `at`."""
        if coding is Coding.ESCAPES:
            start, end = self._string(at)
        else:
            start, end = self._between(coding, at)
        name, _, undo = _ESCAPED[coding]
        self._covered[coding] = end
        return start, end, name, undo(bytes(self._data[start:end]))

    def _string(self, at: int) -> tuple[int, int]:
        """The content of the string literal around `at`."""
        low = max(self._span.start, self._covered[Coding.ESCAPES], at - _FURTHEST)
        if bytes(self._data[at : at + 1]) in _LITERAL:
            at += 1
        start = max(low, *(self._data.rfind(stop, low, at) + 1 for stop in (b'"', b"'", b"\n")))
        opening = bytes(self._data[start - 1 : start]) if start > self._span.start else b""
        found = _LITERAL.get(opening, _LINE).match(self._data, start, self._span.end)
        return start, max(at + 1, found.end() if found else at)

    def _between(self, coding: Coding, at: int) -> tuple[int, int]:
        """What stands around `at` between two characters that end a run."""
        low = max(self._span.start, self._covered[coding], at - _FURTHEST)
        start = max(low, *(self._data.rfind(bytes((one,)), low, at) + 1 for one in _ESCAPED[coding][1]))
        stop = _ENDS[coding].search(self._data, at, self._span.end)
        return start, stop.start() if stop else self._span.end

    def _near(self, decoder: bytes, start: int, end: int) -> Iterator[Run]:
        """Whatever looks encoded near the name of a `decoder`."""
        low = max(self._span.start, self._covered[Coding.CONTEXT], start - _NEAR)
        high = min(self._span.end, end + _NEAR)
        if decoder in _STRINGS:
            yield from self._strings(decoder, start, high)
        self._covered[Coding.CONTEXT] = max(low, high)
        for begin, stop in self._long(low, high):
            whole = _NEAR_RUN.match(self._data, begin, self._span.end) if stop == high else None
            at = whole.span() if whole else (begin, stop)
            self._covered[Coding.CONTEXT] = max(high, at[1])
            yield from self._looks_encoded(at)

    def _long(self, low: int, high: int) -> Iterator[tuple[int, int]]:
        """Long runs of base64 or hex in `low:high`; a search for the pattern would take five times as long."""
        marks = bytes(self._data[low:high]).translate(_MARKS)
        at = marks.find(_LONG)
        while at >= 0:
            found = _NEAR_RUN.match(self._data, low + at, high)
            if found:
                yield found.span()
            at = marks.find(_LONG, found.end() - low if found else at + len(_LONG))

    def _looks_encoded(self, at: tuple[int, int]) -> Iterator[Run]:
        run = bytes(self._data[slice(*at)])
        if WHOLE_HEX.fullmatch(run):
            yield from self._decoded(Coding.HEX, at, 0)
            return
        if not _MIXED.match(run):
            return
        is_glued = at[0] > self._span.start and self._data[at[0] - 1] == ord("\\")
        for skip in range(4) if self._binary else (int(is_glued),):
            yield from self._decoded(Coding.BASE64, at, skip)

    def _strings(self, decoder: bytes, start: int, high: int) -> Iterator[Run]:
        """String literals near the decoder of an encoding that nothing else betrays."""
        name, decode = _STRINGS[decoder]
        low = max(self._span.start, self._strings_end.get(decoder, 0), start - _NEAR)
        self._strings_end[decoder] = max(low, high - _LEAST_RUN)
        for found in _STRING.finditer(self._data, low, high):
            self._strings_end[decoder] = max(high - _LEAST_RUN, found.end())
            with suppress(ValueError):
                yield (*found.span("content"), name, decode(unescape(found["content"])))


_MIXED = re.compile(rb"(?=[^0-9]*+[0-9])(?=[^A-Z]*+[A-Z])(?=[^a-z]*+[a-z])")
"""Capital and small letters and digits: names and paths have not all three, base64 of 24 characters nearly always."""
_MARKS = bytes(ord("A") if byte in BASE64 else ord(" ") for byte in range(256))
_LONG = b"A" * LEAST
_NEAR_RUN = run_of(BASE64, _LEAST_RUN)
_STRING = re.compile(
    rb"""(?P<quote>["'])(?P<content>(?:(?!(?P=quote))[^\\\n]|\\.){%d,32768}+)(?P=quote)""" % _LEAST_RUN
)
_STRINGS: dict[bytes, tuple[str, Undo]] = {
    b"b85decode": ("base85", base64.b85decode),
    b"a85decode": ("ascii85", base64.a85decode),
    b"b32decode": ("base32", partial(base64.b32decode, casefold=True)),
}


_FORWARD = {alphabet: re.compile(b"[" + re.escape(alphabet + BETWEEN) + b"]*+") for alphabet in (BASE64, HEX)}


class _Region:
    """Runs of an alphabet, found when they are asked for, from front to back."""

    def __init__(self, data: bytearray, span: Span, run: re.Pattern[bytes], alphabet: bytes) -> None:
        self._data = data
        self._span = span
        self._run = run
        self._characters = alphabet + BETWEEN
        self._forward = _FORWARD[alphabet]
        self._counted = (span.start, 0)
        self._end = span.start
        self._found: Iterator[re.Match[bytes]] = iter(())
        self._last: tuple[int, int] = (span.start, span.start)

    def around(self, position: int) -> tuple[int, int] | None:
        """Start and end of the run that holds `position`, which must not be less than in the last call."""
        if position >= self._end:
            low, high = self._extent(position)
            self._end = high
            self._found = self._run.finditer(self._data, low, high)
        while self._last[1] <= position and (found := next(self._found, None)):
            self._last = found.span()
            self._counted = (found.start(), 0)
        return self._last if self._last[0] <= position < self._last[1] else None

    def characters(self, end: int) -> int:
        """How many characters of the run lie in front of `end`; counted on from the last call."""
        position, count = self._counted
        if end > position:
            self._counted = end, count + len(joined(bytes(self._data[position:end])))
        return self._counted[1] if end >= position else count - (position - end)

    def _extent(self, position: int) -> tuple[int, int]:
        """How far there is nothing else than runs and what may stand within them, around `position`."""
        before = bytes(self._data[max(self._span.start, self._end) : position])
        behind = self._forward.match(self._data, position, self._span.end)
        low = position - len(before) + len(before.rstrip(self._characters))
        return low, behind.end() if behind else position
