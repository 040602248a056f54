"""Where a token may begin and end.

In text a token ends where its alphabet ends. In binary data that is not so: in compiled Python the byte before a string
is its length and the byte behind it the type of the next object, and both are often letters (in 36 to 78 % of the
word-like constants of the standard libraries of 2.7 to 3.15). There the string's own bounds decide.
"""

from __future__ import annotations

import re
from functools import cache

from pitviper.model.blob import Span

_ESCAPE = re.compile(
    rb"(?:\\[abefnrtv0]|\\x[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\[0-7]{3}|%[0-9A-Fa-f]{2}|\x1b\[[0-9;]{0,12}m)\Z"
)
"""What may stand in front of a token and is no part of it, though it ends in a letter or digit."""

_LONGEST_ESCAPE = 16

_TYPE = 0x7F
"""Marshal's type code without FLAG_REF. Source: CPython, Python/marshal.c."""
_SHORT_TYPES = frozenset(b"zZ")
_LONG_TYPES = frozenset(b"aAsut")
_SHORT_STRING = 255
_BYTECODE = re.compile(rb"..\r\n|(?:.{8}|.{12}|.{16})?[c\xe3]\0{8}", re.DOTALL)
"""A magic number, whose end breaks in text mode; or, behind a header of any kind or none, a module's code object, which
has no arguments."""
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


@cache
def members(boundary: str) -> frozenset[int]:
    """The bytes in the character class `boundary` (the inside of a regular expression's brackets)."""
    if not boundary:
        return frozenset()
    inside = re.compile(f"[{boundary}]".encode())
    return frozenset(byte for byte in range(256) if inside.match(bytes((byte,))))


def in_text(data: bytearray, span: Span, start: int, end: int, touching: frozenset[int]) -> bool:
    """Whether the token at `start:end` of the text in `span` stands free of the bytes in `touching`."""
    low = span.start
    if end < span.end and data[end] in touching:
        return False
    if start == low or data[start - 1] not in touching:
        return True
    return _ESCAPE.search(bytes(data[max(low, start - _LONGEST_ESCAPE) : start])) is not None


def in_binary(data: bytearray, span: Span, start: int, end: int, touching: frozenset[int]) -> bool:
    """Whether the token at `start:end` of the binary in `span` can be a string, or the edge of one.

    For binaries other than compiled Python. The string may begin behind a length that reaches at least to the token's
    end (mypyc), or behind one stray byte (Nuitka writes a type letter between NUL and string). It may end where that
    length says, at a byte outside the alphabet, or before one stray byte.
    """
    low, high = span.start, span.end
    length = data[start - 1] if start > low and _string(data, span, start, start, data[start - 1]) else 0
    touched = start > low and data[start - 1] in touching
    if touched and length < end - start and start - 1 > low and data[start - 2] != 0:
        return False
    if end == high or data[end] not in touching or length == end - start:
        return True
    return end + 1 == high or data[end + 1] not in touching


def is_bytecode(data: bytearray, span: Span) -> bool:
    """Whether the blob in `span` begins as compiled Python does, though its magic number may be wiped."""
    return not span.base and _BYTECODE.match(data, span.start, span.end) is not None


def marshalled(data: bytearray, span: Span, start: int) -> list[Span]:
    """The strings around `start` as marshal writes them: type, length, text; the one that ends last first.

    Short ASCII strings have one byte of length (types `z` and `Z`), others four. A header is believed if the text
    behind it holds `start` and no control characters. The same bytes may be read in two ways, so there can be several.
    """
    found: list[Span] = []
    zero = data.rfind(0, span.start, start)  # no text holds NUL, so a long length (below 16 MiB) can only end here
    if zero - 4 >= span.start and data[zero - 4] & _TYPE in _LONG_TYPES:
        length = int.from_bytes(data[zero - 3 : zero + 1], "little")
        found += _string(data, span, start, zero + 1, length)
    for header in range(start - 2, max(span.start, start - _SHORT_STRING) - 1, -1):
        if data[header] & _TYPE in _SHORT_TYPES:
            found += _string(data, span, start, header + 2, data[header + 1])
    return sorted(found, key=lambda string: -string.end)


def begins_at_length(data: bytearray, span: Span, start: int) -> bool:
    """Whether the byte at `start` is the length of a short string rather than a part of one."""
    return (
        start > span.start
        and data[start - 1] & _TYPE in _SHORT_TYPES
        and bool(_string(data, span, start + 1, start + 1, data[start]))
    )


def _string(data: bytearray, span: Span, start: int, low: int, length: int) -> list[Span]:
    high = low + length
    if start < high <= span.end and not _CONTROL.search(data, low, min(high, start + _SHORT_STRING)):
        return [Span(span.blob, low, high, low, high)]
    return []
