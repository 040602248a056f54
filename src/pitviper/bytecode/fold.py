"""What follows from known values: joined strings, filled templates, undone encodings. Bounded, and never surprising.

Only methods and functions that are listed here are worked out, on strings, bytes and numbers alone: nothing of what is
scanned is run.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from collections.abc import Callable, Sequence
from operator import add
from typing import Any

from pitviper.bytecode.code import Slice
from pitviper.bytecode.values import Display, Known, Value

LONGEST = 1024 * 1024
"""Characters of a value that is worked out."""
_SIMPLE = (str, bytes, int, float, bool, type(None))
_PERCENT = re.compile(r"%(?:\((\w{1,64})\))?[-#0 +]{0,4}\d{0,3}(?:\.\d{0,3})?[sdrifxXeEgGca%]|%")
_FIELD = re.compile(r"\{\{|\}\}|\{(\w{0,64})(?:![rs])?(?::[<>^]?\d{0,3}[sd]?)?\}|[{}]")


def binary(operator: str, left: Value, right: Value) -> Known | None:
    """`left operator right`, if it is known."""
    operator = operator.removesuffix("=")
    if not isinstance(left, Known) or operator not in ("+", "*", "%"):
        return None
    if operator == "%" and isinstance(left.value, str):
        return _filled(left.value, right)
    if not isinstance(right, Known) or operator == "%":
        return None
    return _sum(left.value, right.value) if operator == "+" else _product(left.value, right.value)


def _sum(one: Any, two: Any) -> Known | None:
    alike = one.__class__ is two.__class__ and isinstance(one, (str, bytes, tuple, list))
    return Known(add(one, two)) if alike and len(one) + len(two) <= LONGEST else None


def _product(one: Any, two: Any) -> Known | None:
    if isinstance(two, (str, bytes)):
        one, two = two, one
    if isinstance(one, (str, bytes)) and isinstance(two, int) and two >= 0 and len(one) * two <= LONGEST:
        return Known(one * two)
    return None


def _filled(template: str, given: Value) -> Known | None:
    """`template % given`."""
    arguments: Any
    if isinstance(given, Known):
        arguments = given.value
    elif isinstance(given, Display) and all(isinstance(one, Known) for one in given.items):
        values = [one.value for one in given.items if isinstance(one, Known)]
        if given.brackets == "{:}":
            keys = values[::2]
            if not all(isinstance(key, str) for key in keys):
                return None
            arguments = dict(zip(keys, values[1::2], strict=False))
        else:
            arguments = tuple(values)
    else:
        return None
    parts = (
        arguments.values()
        if isinstance(arguments, dict)
        else arguments
        if isinstance(arguments, tuple)
        else [arguments]
    )
    if not all(isinstance(one, _SIMPLE) for one in parts) or any(
        found[0] == "%" for found in _PERCENT.finditer(template)
    ):
        return None
    try:
        return _bounded(template % arguments)
    except (TypeError, ValueError, KeyError, OverflowError):
        return None


def item(of: Known, index: Value) -> Known | None:
    """`of[index]`."""
    if not isinstance(index, Known) or not isinstance(of.value, (str, bytes, tuple, list)):
        return None
    at: Any = index.value
    if isinstance(at, Slice):
        parts = (at.start, at.stop, at.step)
        if not all(part is None or isinstance(part, int) for part in parts) or at.step == 0:
            return None
        at = slice(*parts)
    elif not isinstance(at, int) or not -len(of.value) <= at < len(of.value):
        return None
    return Known(of.value[at])


def joined(parts: Sequence[Value]) -> Known | None:
    """The parts of an f-string, if all are known."""
    texts = []
    for part in parts:
        if not isinstance(part, Known) or not isinstance(part.value, (str, int)):
            return None
        texts.append(str(part.value))
    return _bounded("".join(texts))


def call(name: str, arguments: Sequence[Value], keywords: dict[str, Value]) -> Known | None:
    """`name(*arguments, **keywords)` of a function, by its last two names."""
    if keywords or not arguments or not isinstance(arguments[0], (Known, Display)):
        return None
    function = _FUNCTIONS.get(name) or _FUNCTIONS.get(name.rpartition(".")[2])
    given = values(arguments)
    if function is None or given is None:
        return None
    try:
        return _bounded(function(*given))
    except (TypeError, ValueError, LookupError, OverflowError):
        return None


def method(of: Value, name: str, arguments: Sequence[Value], keywords: dict[str, Value]) -> Known | None:
    """`of.name(*arguments, **keywords)` of a known string."""
    if not isinstance(of, Known) or not isinstance(of.value, (str, bytes)):
        return None
    try:
        if name == "format" and isinstance(of.value, str):
            return _formatted(of.value, arguments, keywords)
        given = values(arguments)
        return None if given is None or keywords else _method(of.value, name, given)
    except (TypeError, ValueError, LookupError, OverflowError):
        return None


def _method(of: Any, name: str, given: list[Any]) -> Known | None:
    if name == "join":
        return _bounded(of.join(given[0])) if isinstance(given[0], (tuple, list)) else None
    size = len(of) * max(1, len(given[1])) if name == "replace" else len(of)
    return _bounded(getattr(of, name)(*given)) if name in _METHODS and size <= LONGEST else None


def values(arguments: Sequence[Value]) -> list[Any] | None:
    """What `arguments` are, if all are known; displays of known values are lists."""
    given: list[Any] = []
    for one in arguments:
        if isinstance(one, Known):
            given.append(one.value)
        elif isinstance(one, Display) and one.brackets != "{:}" and all(isinstance(part, Known) for part in one.items):
            given.append([part.value for part in one.items if isinstance(part, Known)])
        else:
            return None
    return given


def _formatted(template: str, arguments: Sequence[Value], keywords: dict[str, Value]) -> Known | None:
    if any(found[0] in "{}" and len(found[0]) == 1 for found in _FIELD.finditer(template)):
        return None
    given = values(arguments)
    named = values(list(keywords.values()))
    if given is None or named is None or not all(isinstance(one, _SIMPLE) for one in (*given, *named)):
        return None
    return _bounded(template.format(*given, **dict(zip(keywords, named, strict=True))))


def _bounded(value: Any) -> Known | None:
    if isinstance(value, (str, bytes)):
        return Known(value) if len(value) <= LONGEST else None
    if isinstance(value, list) and len(value) <= LONGEST and all(isinstance(one, (str, bytes, int)) for one in value):
        return Known(value)
    return Known(value) if isinstance(value, int) and value.bit_length() < 8 * LONGEST else None


def _bytes(source: Any, *encoding: Any) -> bytes:
    if isinstance(source, int) or len(source) > LONGEST:
        raise ValueError
    if isinstance(source, str):
        return source.encode(*encoding)
    return bytes(source)


def _decoded(content: Any, encoding: str = "utf-8", *errors: Any) -> Any:
    if encoding.replace("_", "-").lower() in ("rot13", "rot-13"):
        return codecs.encode(content, "rot13")
    if encoding in ("hex", "hex_codec"):
        return binascii.a2b_hex(content)
    if encoding in ("base64", "base64_codec"):
        return binascii.a2b_base64(content)
    return content.decode(encoding, *errors)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "chr": chr,
    "unichr": chr,
    "ord": ord,
    "str": lambda one, *encoding: one.decode(*encoding) if isinstance(one, bytes) else str(one),
    "bytes": _bytes,
    "bytearray": _bytes,
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
    "reversed": lambda one: one[::-1],
    "list": lambda one: list(one) if isinstance(one, (str, tuple, list)) else None,
}
_METHODS = frozenset(
    (
        *("replace", "strip", "lstrip", "rstrip", "lower", "upper", "title", "swapcase", "capitalize"),
        *("encode", "decode", "split", "removeprefix", "removesuffix", "hex"),
    )
)
