"""String and number literals of Python source, of all versions, as the values that a compiler makes of them.

Source: The Python Language Reference, "Lexical analysis", of 2.7 and 3.15.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TypeAlias

Text: TypeAlias = str | bytes

_ESCAPE = re.compile(
    r"\\(?:\n|[0-7]{1,3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|N\{[^{}]{1,100}\}|[\\'\"abfnrtv])"
)
_SIMPLE = {
    "\n": "",
    "\\": "\\",
    "'": "'",
    '"': '"',
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
}
_LAST_CHARACTER = 0x10FFFF
_LONGEST_NUMBER = 4300
"""Digits that `int` takes: `sys.int_info.default_max_str_digits`."""


def value(body: str, prefix: str, encoding: str, *, is_python_2: bool) -> list[Text]:
    """What the literal with this (lower-case) prefix and this body between its quotes may be.

    Python 2 has two sorts of strings, and what `""` is depends on a `__future__` import: both are told.
    """
    if "b" in prefix or (is_python_2 and "u" not in prefix):
        raw = _encoded(body, encoding, is_raw="r" in prefix)
        return [raw] if "b" in prefix else [raw, body if "r" in prefix else _unescaped(body)]
    if "r" in prefix and not (is_python_2 and "u" in prefix):
        return [body]
    return [_unescaped(body)]


def _encoded(body: str, encoding: str, *, is_raw: bool) -> bytes:
    """The bytes of a byte string: characters as they stand in the file, escapes as they say."""
    pieces = []
    begun = 0
    for match in () if is_raw or "\\" not in body else _ESCAPE.finditer(body):
        pieces.append(_bytes(body[begun : match.start()], encoding))
        pieces.append((match[0] if match[0][1] in "uUN" else _character(match)).encode("latin-1", "replace"))
        begun = match.end()
    return b"".join([*pieces, _bytes(body[begun:], encoding)])


def _bytes(text: str, encoding: str) -> bytes:
    if text.isascii():
        return text.encode("ascii")
    try:
        return text.encode(encoding)
    except (UnicodeError, LookupError):
        return text.encode("utf-8", "surrogateescape" if encoding == "utf-8" else "replace")


def _unescaped(body: str) -> str:
    return _ESCAPE.sub(_character, body) if "\\" in body else body


def _character(match: re.Match[str]) -> str:
    escape = match[0][1:]
    if escape in _SIMPLE:
        return _SIMPLE[escape]
    if escape[0] == "N":
        try:
            return unicodedata.lookup(escape[2:-1])
        except KeyError:
            return match[0]
    number = int(escape[1:], 16) if escape[0] in "xuU" else int(escape, 8)
    return chr(number) if number <= _LAST_CHARACTER else match[0]


def key(number: complex) -> str:
    """`number` to be found by: hashes of numbers are known to everybody, so that sets of them can be made slow."""
    return f"\0{number:#x}" if isinstance(number, int) else f"\0{number + 0.0!r}"  # -0.0 becomes 0.0


def number(text: str) -> int | float | complex | None:
    """The value of a number literal, also one of Python 2 (`0777`, `1L`); None if it is none, or far too long."""
    digits = text.replace("_", "").rstrip("lL")
    if len(digits) > _LONGEST_NUMBER:
        return None
    try:
        if digits[-1:] in "jJ":
            return complex(0, float(digits[:-1]))
        if digits.isdecimal():
            return (
                int(digits, 8)
                if digits[0] == "0" and digits.strip("0") and not set(digits) & set("89")
                else int(digits)
            )
        return int(digits, 0) if digits[:2].lower() in ("0x", "0o", "0b") else float(digits)
    except (ValueError, OverflowError):
        return None
