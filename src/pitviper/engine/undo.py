"""The encodings that text has in files, and how each is undone."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Iterator

LEAST = 16
"""Characters of a line that goes on in the next one; encoded bytes worth searching."""

BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"
HEX = b"0123456789abcdefABCDEF"
_BETWEEN = (
    rb"""(?=[\\"' \t\r\n+])(?:(?:\\[rn])*["']?[ \t]{0,200}[+\\]?[ \t]{0,200}\r?\n[ \t]{0,200}"""
    rb"""(?:[bruBRU]{0,2}["'])?|(?:\\[rn])+)"""
)
"""Between two lines of one run: a newline with indentation, an escaped one, or the end of one string and the next."""
BETWEEN = b" \t\r\n\"'\\+"
"""All characters that may stand there."""
_SEPARATOR = re.compile(_BETWEEN)
_URL_SAFE = bytes.maketrans(b"-_", b"+/")


def run_of(alphabet: bytes, least: int) -> re.Pattern[bytes]:
    """At least `least` characters of `alphabet`, on several lines if all but the last are long."""
    one = b"[" + re.escape(alphabet) + b"]"
    line = b"%b{%d,}+%b(?=%b)" % (one, LEAST, _BETWEEN, one)
    return re.compile(b"(?:%b)++%b++|%b{%d,}+" % (line, one, one, least))


WHOLE_BASE64 = run_of(BASE64, LEAST)
WHOLE_HEX = run_of(HEX, LEAST)
"""A run as long as those that nothing near betrays."""


def joined(run: bytes) -> bytes:
    """`run` on one line."""
    if b"\\" in run or b'"' in run or b"'" in run:
        return _SEPARATOR.sub(b"", run)
    return run.translate(None, b" \t\r\n") if b"\n" in run else run


def places(run: bytes, indices: Iterable[int]) -> Iterator[int]:
    """Where the characters of `joined(run)` at `indices`, in order, stand in `run`."""
    separators = _SEPARATOR.finditer(run) if b"\n" in run or b"\\" in run else iter(())
    separator = next(separators, None)
    left_out = 0
    for index in indices:
        while separator and separator.start() <= index + left_out:
            left_out += len(separator[0])
            separator = next(separators, None)
        yield min(index + left_out, len(run))


def unbase64(characters: bytes) -> bytes:
    """Base64, of either alphabet, whatever its padding or end."""
    whole = characters.rstrip(b"=").translate(_URL_SAFE)
    whole = whole[: len(whole) - (len(whole) % 4 == 1)]
    try:
        return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))
    except binascii.Error:
        return b""


def unhex(digits: bytes) -> bytes:
    """Hex, without half a byte at its end."""
    return binascii.a2b_hex(digits[: len(digits) & ~1])


_ESCAPE = re.compile(
    rb"""\\x([0-9a-f]{2})|\\u([0-9a-f]{4})|\\u\{([0-9a-f]{1,6})\}|\\([0-7]{1,3})|\\(.)"""
    rb"""|["'][ \t]{0,200}[+\\]?[ \t]{0,200}\r?\n[ \t]{0,200}[bru]{0,2}["']""",
    re.IGNORECASE | re.DOTALL,
)
_PLAIN = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v", b"\n": b""}
_PERCENT = re.compile(rb"%([0-9a-f]{2})", re.IGNORECASE)
_ENTITY = re.compile(rb"&#(?:x([0-9a-f]{1,6})|([0-9]{1,7}));", re.IGNORECASE)
_CHARACTER_LIMIT = 0x110000
_BYTE = 0xFF


def _character(number: int) -> bytes:
    """A character from a literal of bytes or of text: what is no byte is no part of bytes."""
    if number <= _BYTE:
        return bytes((number,))
    return chr(number).encode("utf-8", "replace") if number < _CHARACTER_LIMIT else b""


def _unescape_one(found: re.Match[bytes]) -> bytes:
    hexadecimal = found[1] or found[2] or found[3]
    if hexadecimal:
        return _character(int(hexadecimal, 16))
    if found[4]:
        return _character(int(found[4], 8) & _BYTE)
    return _PLAIN.get(found[5], found[5]) if found[5] else b""


def unescape(content: bytes) -> bytes:
    """The content of a string literal."""
    return _ESCAPE.sub(_unescape_one, content)


def unpercent(content: bytes) -> bytes:
    """As in URLs."""
    return _PERCENT.sub(lambda found: bytes((int(found[1], 16),)), content)


def unentity(content: bytes) -> bytes:
    """Numeric entities of HTML and XML."""
    return _ENTITY.sub(lambda found: _character(int(found[1], 16) if found[1] else int(found[2])), content)


def unnumber(content: bytes) -> bytes:
    """Bytes as numbers: `103, 104`, `0x67, 0x68`, `67 68`."""
    if b"0x" in content.lower():
        numbers = (int(one, 16) for one in re.findall(rb"0[xX]([0-9a-fA-F]{1,2})\b", content))
    elif b"," in content:
        numbers = (int(one) for one in re.findall(rb"\b[0-9]{1,3}\b", content))
    else:
        numbers = (int(one, 16) for one in re.findall(rb"\b[0-9a-fA-F]{2}\b", content))
    return bytes(one for one in numbers if one <= _BYTE)
