"""Which line of the source an instruction comes from, and which instructions an exception leads to.

Sources: CPython, Objects/lnotab_notes.txt (3.9, 3.10), Objects/locations.md and Objects/exception_handling_notes.txt
(from 3.11 on). Tables are an attacker's like everything else: what they say is bounded, and may be wrong.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

import msgspec

from pitviper.bytecode.code import Code

_NO_LINE = -128
_ENTRY = re.compile(rb"[\x80-\xff][\x00-\x7f]*")
"""Of a location table: only its first byte has the highest bit."""
_UNIT = 2
"""Bytes of an instruction, and of a cache (3.6)."""
_LONG, _NO_COLUMNS, _ONE_LINE, _NOTHING = 14, 13, 10, 15
_MOST_CHUNKS = 6
"""Of six bits, in a number that fits 32 bits."""
_MOST_LINE = 1 << 31


class Handler(msgspec.Struct, frozen=True):
    """Where an exception in the instructions `start:end` leads, with how many values left on the stack."""

    start: int
    end: int
    target: int
    depth: int
    with_offset: bool


class Lines:
    """The lines of a code object's instructions, for any offset."""

    def __init__(self, code: Code) -> None:
        rows = list(_table(code))
        self._starts = [start for start, _ in rows]
        self._lines = [line if line is None or 0 <= line < _MOST_LINE else None for _, line in rows]
        self._first = code.firstlineno

    def at(self, offset: int) -> int | None:
        """The line of the instruction at `offset`; None for one that the compiler made up."""
        index = bisect_right(self._starts, offset) - 1
        return self._lines[index] if index >= 0 else self._first

    def __iter__(self) -> Iterator[tuple[int, int | None]]:
        """Where each line's instructions begin, in the order of the instructions."""
        return zip(self._starts, self._lines, strict=True)


def _table(code: Code) -> Iterator[tuple[int, int | None]]:
    version = code.version
    if version.implementation != "cpython" or version.minor < 10 or version.major < 3:  # noqa: PLR2004
        signed = version.major == 3 and version.minor >= 6  # noqa: PLR2004
        return _pairs(code.lines, code.firstlineno, signed=signed)
    if version.minor == 10:  # noqa: PLR2004
        return _ranges(code.lines, code.firstlineno)
    return _locations(code.lines, code.firstlineno)


def _pairs(table: bytes, line: int, *, signed: bool) -> Iterator[tuple[int, int | None]]:
    """`co_lnotab`: by how much the offset grows, and by how much the line; both in a byte."""
    offset = 0
    told = None
    for step, more in zip(table[::2], table[1::2], strict=False):
        if step and line != told:
            yield offset, line
            told = line
        offset += step
        line += more - 256 if signed and more >= 128 else more  # noqa: PLR2004
    if line != told:
        yield offset, line


def _ranges(table: bytes, line: int) -> Iterator[tuple[int, int | None]]:
    """`co_linetable` of 3.10: the bytes that have a line, and by how much it grew before."""
    offset = 0
    for size, more in zip(table[::2], table[1::2], strict=False):
        step = more - 256 if more >= 128 else more  # noqa: PLR2004
        line += 0 if step == _NO_LINE else step
        if size:
            yield offset, None if step == _NO_LINE else line
        offset += size


def _locations(table: bytes, line: int) -> Iterator[tuple[int, int | None]]:
    """The location table of 3.11: entries of a kind, a number of instructions, and what the kind says."""
    offset = 0
    told: int | None = -1
    for entry in _ENTRY.findall(table):
        head = entry[0]
        kind = head >> 3 & 15
        here: int | None = line
        if kind >= _ONE_LINE:
            if kind == _NOTHING:
                here = None
            elif kind >= _NO_COLUMNS:
                step, _ = _varint(entry, 1)
                line += -(step >> 1) if step & 1 else step >> 1
                here = line
            else:
                line += kind - _ONE_LINE
                here = line
        if here != told:
            yield offset, here
            told = here
        offset += ((head & 7) + 1) * _UNIT


def _varint(table: bytes, position: int) -> tuple[int, int]:
    """A number in chunks of six bits, the last significant first; and where the next begins."""
    value = 0
    for chunk in range(_MOST_CHUNKS):
        byte = table[position] if position < len(table) else 0
        position += 1
        value |= (byte & 0x3F) << 6 * chunk
        if not byte & 0x40:
            break
    return value, position


def handlers(code: Code) -> Iterator[Handler]:
    """The exception table of 3.11 and later, in offsets of bytes; as far as it makes sense."""
    table, position = code.exceptions, 0
    while position < len(table):
        numbers = []
        for _ in range(4):
            value = 0
            for _ in range(_MOST_CHUNKS):
                byte = table[position] if position < len(table) else 0
                position += 1
                value = value << 6 | byte & 0x3F
                if not byte & 0x40:
                    break
            numbers.append(value)
        start, length, target, depth = numbers
        yield Handler(start * _UNIT, (start + length) * _UNIT, target * _UNIT, depth >> 1, bool(depth & 1))
