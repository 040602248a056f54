"""The syntax of PDF: tokens and objects, and which of them a file holds, found by looking for them.

The table of contents of the file is not asked: it can lie, and leaves out what an update replaced. Source: ISO 32000-1,
7.2 to 7.5.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import NamedTuple

_SPACE = rb"\0\t\n\f\r "
_TOKEN = re.compile(
    rb"[" + _SPACE + rb"]+|%[^\r\n]*"
    rb"|(?P<mark><<|>>|[\[\]{}])"
    rb"|(?P<name>/[^" + _SPACE + rb"()<>\[\]{}/%]*)"
    rb"|<(?P<hex>[0-9A-Fa-f" + _SPACE + rb"]*)>"
    rb"|(?P<open>\()"
    rb"|(?P<word>[^" + _SPACE + rb"()<>\[\]{}/%]+)"
    rb"|[<>)]"
)
_PARENTHESIS = re.compile(rb"\\.|[()]", re.DOTALL)
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|(\r\n|.))", re.DOTALL)
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"\n": b"", b"\r": b"", b"\r\n": b""}
_HEX_IN_NAME = re.compile(rb"#([0-9A-Fa-f]{2})")
_OBJECT = re.compile(rb"(?<![0-9])([0-9]{1,10})[" + _SPACE + rb"]{1,8}[0-9]{1,5}[" + _SPACE + rb"]{1,8}obj")
_ENDS = frozenset((b"endobj", b"stream", b"obj", b"xref", b"trailer", b"startxref"))
_DEEPEST = 100
_LEAST_COST, _COST_OF_OBJECT = 32, 64
"""A token costs its bytes, but not less than this."""


class Allowance:
    """What reading may still cost: each token takes memory, and objects may be read many times.

    `stop` is where the next object's end stands, so that a string without an end is looked for only once.
    """

    def __init__(self, left: int) -> None:
        self.left = left
        self.stop = 0


class Name(str):
    """A name, without its slash."""

    __slots__ = ()


class Ref(NamedTuple):
    """A reference to an object, by its number."""

    number: int


class Text(bytes):
    """A string; `plain` if it stands in the file just as it is."""

    plain = False


class Word(bytes):
    """A number, a keyword or an operator."""


class Mark(bytes):
    """A bracket."""


Token = Name | Text | Word | Mark
Value = object
"""A Name, Ref, Text, number, list or dict; None for all others."""


class Found(NamedTuple):
    """An object of a file, and the bytes of its stream if it has one (else an empty range)."""

    number: int
    value: Value
    start: int
    end: int


def tokens(data: bytes, position: int = 0, allowance: Allowance | None = None) -> Iterator[tuple[Token, int]]:
    """The tokens from `position` on, each with where it ends, as far as `allowance` goes."""
    allowance = allowance or Allowance(sys.maxsize)
    while allowance.left > 0 and (found := _TOKEN.match(data, position)):
        start, position = position, found.end()
        allowance.left -= max(_LEAST_COST, position - start)
        kind = found.lastgroup
        if kind == "word":
            yield Word(found[0]), position
        elif kind == "mark":
            yield Mark(found[0]), position
        elif kind == "name":
            yield _name(found[0]), position
        elif kind == "hex":
            yield _hex(found["hex"]), position
        elif kind == "open":
            if not position <= allowance.stop <= len(data):
                end = data.find(b"endobj", position)
                allowance.stop = end if end >= 0 else len(data)
            text, position = _literal(data, position, allowance.stop)
            allowance.left -= len(text) + _COST_OF_OBJECT
            yield text, position


def objects(data: bytes, allowance: Allowance) -> Iterator[Found]:
    """All objects with a number, from front to back, whatever any table says of them."""
    position = 0
    while allowance.left > 0 and (found := _OBJECT.search(data, position)):
        allowance.left -= _COST_OF_OBJECT
        value, word, position = parsed(data, found.end(), allowance)
        start = end = position
        if word == b"stream":
            start = position + (2 if data[position : position + 2] == b"\r\n" else 1)
            end = _end(data, start, value)
            position = end
        elif word == b"obj":
            position = max(found.end(), position - 24)  # its two numbers were read as ours
        yield Found(int(found[1]), value, start, end)


def parsed(data: bytes, position: int, allowance: Allowance) -> tuple[Value, bytes, int]:
    """The first object from `position` on, the keyword that ends it, and where that ends."""
    stack: list[list[Value]] = [[]]
    word = b""
    for token, end in tokens(data, position, allowance):
        position = end
        if isinstance(token, Mark):
            _bracket(token, stack)
        elif not isinstance(token, Word):
            stack[-1].append(token)
        elif token in _ENDS:
            word = bytes(token)
            break
        elif token == b"R" and len(stack[-1]) > 1 and isinstance(stack[-1][-2], int):
            stack[-1][-2:] = [Ref(stack[-1][-2])]
        else:
            stack[-1].append(_number(token))
    while len(stack) > 1:
        _bracket(Mark(b">>"), stack)
    return stack[0][0] if stack[0] else None, word, position


def strings(value: Value) -> Iterator[Text]:
    """All strings in `value`."""
    stack = [value]
    while stack:
        one = stack.pop()
        if isinstance(one, Text):
            yield one
        elif isinstance(one, dict):
            stack += reversed(one.values())
        elif isinstance(one, list):
            stack += reversed(one)


def readable(text: bytes) -> str:
    """A string as people read it: UTF-16 or UTF-8 if it says so, else taken as Latin-1."""
    if text.startswith((b"\xfe\xff", b"\xff\xfe")):
        return text.decode("utf-16", "replace")
    return text.removeprefix(b"\xef\xbb\xbf").decode(
        "utf-8" if text.startswith(b"\xef\xbb\xbf") else "latin-1", "replace"
    )


def _bracket(mark: Mark, stack: list[list[Value]]) -> None:
    if mark in (b"<<", b"[", b"{"):
        if len(stack) < _DEEPEST:
            stack.append([])
    elif len(stack) > 1:
        inner = stack.pop()
        if mark == b">>":
            pairs = zip(inner[::2], inner[1::2], strict=False)
            stack[-1].append({str(key): value for key, value in pairs if isinstance(key, Name)})
        else:
            stack[-1].append(inner)


def _number(word: bytes) -> Value:
    try:
        return int(word) if len(word) < 20 else None  # noqa: PLR2004 - digits of 64 bits
    except ValueError:
        return None


def _name(raw: bytes) -> Name:
    if b"#" in raw:
        raw = _HEX_IN_NAME.sub(lambda found: bytes.fromhex(found[1].decode()), raw)
    return Name(raw[1:].decode("latin-1"))


def _hex(digits: bytes) -> Text:
    digits = digits.translate(None, b"\0\t\n\f\r ")
    return Text(bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode()))


def _literal(data: bytes, start: int, stop: int) -> tuple[Text, int]:
    """The string behind an opening parenthesis; without its end, up to `stop`. And where it ends."""
    depth = 1
    end = close = stop
    for found in _PARENTHESIS.finditer(data, start, stop):
        depth += {b"(": 1, b")": -1}.get(found[0], 0)
        if not depth:
            end, close = found.start(), found.end()
            break
    raw = data[start:end]
    text = Text(_ESCAPE.sub(_unescaped, raw))
    text.plain = text == raw
    return text, close


def _unescaped(found: re.Match[bytes]) -> bytes:
    if found[1]:
        return bytes((int(found[1], 8) & 0xFF,))
    return _ESCAPED.get(found[2], found[2])


def _end(data: bytes, start: int, value: Value) -> int:
    """Where a stream ends: where its length says, if that is so, else where the keyword stands."""
    length = value.get("Length") if isinstance(value, dict) else None
    if isinstance(length, int) and length >= 0:
        end = start + length
        if data[end : end + 16].lstrip().startswith(b"endstream"):
            return end
    end = data.find(b"endstream", start)
    return end if end >= 0 else len(data)


__all__ = [
    "Allowance",
    "Found",
    "Mark",
    "Name",
    "Ref",
    "Text",
    "Token",
    "Value",
    "Word",
    "objects",
    "parsed",
    "readable",
    "strings",
    "tokens",
]
