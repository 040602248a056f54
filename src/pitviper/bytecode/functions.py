"""Functions and methods of strings and bytes that are worked out: a closed list, bounded, on plain values alone.

They raise `ValueError`, `TypeError`, `LookupError`, `OverflowError` or `AttributeError` for what they are not made for.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import zlib
from collections.abc import Callable, Sequence
from typing import Any

from pitviper.bytecode.code import Huge, Pairs

LONGEST = 1024 * 1024
"""Characters of a value that is worked out."""
LONGEST_PADDED = 4096
"""Characters of a value that repeats itself: few instructions would make endlessly many."""
_MOST_LETTERS = 4096
"""Of a table to translate with."""
_DIGIT = 15
"""Bits of a marshalled integer's digit."""
_PADDED = ("ljust", "rjust", "center", "zfill")
_ROT = ("rot13", "rot-13")


def method(of: Any, name: str, *given: Any) -> Any:
    """`of.name(*given)`; None if nobody works that out."""
    if name in _METHODS:
        return _METHODS[name](of, *given)
    if name not in _PLAIN or len(of) > LONGEST:
        return None
    if name in _PADDED and given[0] > LONGEST_PADDED:
        return None
    return getattr(of, name)(*given)


def alike(texts: Sequence[Any]) -> Sequence[Any]:
    """Text and bytes together, as Python 2 has them, as text."""
    if all(isinstance(one, str) for one in texts) or all(isinstance(one, bytes) for one in texts):
        return texts
    return list(map(text_of, texts))


def text_of(value: Any) -> Any:
    """Bytes, as Python 2 has them, as characters; anything else as it is."""
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _same(value: Any) -> Any:
    return value


def _join(of: Any, parts: Any) -> Any:
    if isinstance(parts, (str, bytes)):
        parts = [parts[at : at + 1] for at in range(len(parts))]
    if not isinstance(parts, (tuple, list)):
        return None
    of, *parts = alike([of, *parts])
    size = sum(len(one) + len(of) for one in parts if isinstance(one, (str, bytes)))
    return of.join(parts) if size <= LONGEST else None


def _replaced(of: Any, *given: Any) -> Any:
    return of.replace(*given) if (len(of) + 1) * (len(given[1]) + 1) <= LONGEST else None


def _translated(of: Any, table: Any) -> Any:
    """`table` is that of `maketrans`, or 256 bytes; whatever makes more of a letter is none."""
    if isinstance(table, Pairs):
        return of.translate({key: value for key, value in table.items if isinstance(key, int) and _is_letter(value)})
    return of.translate(table) if isinstance(table, bytes) and isinstance(of, bytes) else None


def _is_letter(value: Any) -> bool:
    return value is None or isinstance(value, int) or (isinstance(value, str) and len(value) == 1)


def _made_table(one: Any, two: Any) -> Pairs | None:
    """`str.maketrans(one, two)`."""
    if isinstance(one, str) and isinstance(two, str) and len(one) == len(two) <= _MOST_LETTERS:
        return Pairs(tuple(zip(map(ord, one), two, strict=True)))
    return None


def to_bytes(number: Any, length: Any, order: Any = "big") -> bytes | None:
    """`number.to_bytes(length, order)`, also of one that is too long to be computed with."""
    if isinstance(number, Huge):
        if number.negative or len(number.digits) > LONGEST_PADDED:
            return None
        shorts = zip(number.digits[::2], number.digits[1::2], strict=False)
        number = sum((low | high << 8) << _DIGIT * at for at, (low, high) in enumerate(shorts))
    if not isinstance(number, int) or not 0 <= length <= LONGEST_PADDED:
        return None
    return number.to_bytes(length, order)


def _inflated(data: Any, *_: Any) -> bytes | None:
    """What zlib or gzip packed."""
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        content = inflater.decompress(data, LONGEST)
    except zlib.error:
        return None
    return content if inflater.eof else None


def _bytes(source: Any, *encoding: Any) -> bytes:
    if isinstance(source, int) or len(source) > LONGEST:
        raise ValueError
    if isinstance(source, str):
        return source.encode(*encoding)
    return bytes(source)


def _decoded(content: Any, encoding: Any = "utf-8", *errors: Any) -> Any:
    encoding = text_of(encoding)
    if encoding.replace("_", "-").lower() in _ROT:
        text = content.decode("latin-1") if isinstance(content, bytes) else content
        return codecs.encode(text, "rot13")
    if encoding in ("hex", "hex_codec"):
        return binascii.a2b_hex(content)
    if encoding in ("base64", "base64_codec"):
        return binascii.a2b_base64(content)
    return content.decode(encoding, *errors)


BUILTINS: dict[str, Callable[..., Any]] = {
    "chr": chr,
    "unichr": chr,
    "ord": ord,
    "str": lambda one, *encoding: one.decode(*encoding) if isinstance(one, bytes) else str(one),
    "iter": _same,
    "bytes": _bytes,
    "bytearray": _bytes,
    "reversed": lambda one: one[::-1],
    "list": lambda one: list(one) if isinstance(one, (str, tuple, list)) else None,
}
"""By name."""
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "fromhex": bytes.fromhex,
    "unhexlify": binascii.a2b_hex,
    "a2b_hex": binascii.a2b_hex,
    "a2b_base64": binascii.a2b_base64,
    "b64decode": lambda one, *_: base64.b64decode(one),
    "urlsafe_b64decode": base64.urlsafe_b64decode,
    "b16decode": base64.b16decode,
    "b32decode": base64.b32decode,
    "b85decode": base64.b85decode,
    "a85decode": base64.a85decode,
    "decodebytes": base64.decodebytes,
    "codecs.decode": _decoded,
    "codecs.encode": lambda one, how: _decoded(one, how) if text_of(how).replace("_", "-").lower() in _ROT else None,
    "decompress": _inflated,
    "maketrans": _made_table,
    "operator.add": lambda one, two: (
        one + two if one.__class__ is two.__class__ and isinstance(one, (str, bytes)) else None
    ),
}
"""By name, whatever module they are taken from; those with common names only from their own."""
_METHODS: dict[str, Callable[..., Any]] = {
    "join": _join,
    "decode": _decoded,
    "replace": _replaced,
    "translate": _translated,
}
_PLAIN = frozenset(
    (
        *("strip", "lstrip", "rstrip", "lower", "upper", "title", "swapcase", "capitalize"),
        *("encode", "split", "removeprefix", "removesuffix", "hex"),
        *_PADDED,
    )
)
