"""Encodings that tokens are written in. The decoders never raise: None says that the text is not of that encoding."""

from __future__ import annotations

import binascii
import re

import msgspec

from pitviper.formats.crc import BASE62

_URLSAFE = bytes.maketrans(b"-_", b"+/")
_STANDARD = bytes.maketrans(b"+/", b"-_")
_BASE58 = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE58_MOST = 128  # characters: decoding costs the square of the length, and no token in base 58 is longer
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_BASE36_TEXT = re.compile(rb"[0-9a-z]{1,32}")


def base64_bytes(text: bytes) -> bytes | None:
    """What base64 or base64url `text` stands for, padded or not. Nothing is no base64."""
    bare = text.rstrip(b"=").translate(_URLSAFE)
    if not bare:
        return None
    try:
        return binascii.a2b_base64(bare + b"=" * (-len(bare) % 4), strict_mode=True)
    except ValueError:
        return None


def to_base64(data: bytes) -> str:
    """`data` in base64 (RFC 4648, section 4), with padding."""
    return binascii.b2a_base64(data, newline=False).decode()


def to_base64url(data: bytes) -> str:
    """`data` in base64url (RFC 4648, section 5), without padding, as in JWT."""
    return binascii.b2a_base64(data, newline=False).translate(_STANDARD).rstrip(b"=").decode()


def _digits(alphabet: str) -> bytes:
    """A table that turns characters of `alphabet` into the digits that `int` knows, and all others into no digit."""
    table = bytearray(b"!" * 256)
    for char, digit in zip(alphabet.encode(), b"0123456789abcdefghijklmnopqrstuv", strict=True):
        table[char] = digit
    return bytes(table)


_BASE32_DIGITS = _digits(_BASE32)


def base32_bytes(text: bytes) -> bytes | None:
    """What base32 `text` (upper case, RFC 4648) without padding stands for; bits beyond the last byte are dropped."""
    try:
        number = int(text.translate(_BASE32_DIGITS), 32)
    except ValueError:
        return None
    size, rest = divmod(5 * len(text), 8)
    return (number >> rest).to_bytes(size, "big")


def to_base32(data: bytes) -> str:
    """`data` in base32, upper case, without padding."""
    spare = -8 * len(data) % 5
    number = int.from_bytes(data, "big") << spare
    count = (8 * len(data) + spare) // 5
    return "".join(_BASE32[number >> 5 * at & 31] for at in reversed(range(count)))


def base58_bytes(text: bytes) -> bytes | None:
    """What base58 `text` (Bitcoin's alphabet, at most 128 characters) stands for."""
    if not text or len(text) > _BASE58_MOST:
        return None
    number = 0
    for char in text:
        digit = _BASE58.find(char)
        if digit < 0:
            return None
        number = number * 58 + digit
    zeros = len(text) - len(text.lstrip(b"1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def to_base58(data: bytes) -> str:
    """`data` in base58."""
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = chr(_BASE58[digit]) + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def base36_number(text: bytes) -> int | None:
    """The number that `text` is in base 36, lower case, at most 32 digits."""
    return int(text, 36) if _BASE36_TEXT.fullmatch(text) else None


def to_base36(number: int, width: int) -> str:
    """`number` in base 36, lower case, with zeros in front up to `width` digits."""
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = _BASE36[digit] + text
    return text.rjust(width, "0")


def to_base62(number: int) -> str:
    """`number` in base 62 (`0-9A-Za-z`), without zeros in front."""
    text = ""
    while number:
        number, digit = divmod(number, 62)
        text = BASE62[digit] + text
    return text


def json_object(data: bytes) -> dict[str, object] | None:
    """The JSON object that `data` is."""
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def to_json(value: object) -> bytes:
    """`value` as compact JSON, members in their order."""
    return msgspec.json.encode(value)
