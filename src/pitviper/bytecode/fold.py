"""What follows from known values: joined strings, filled templates, undone encodings. Bounded, and never surprising.

Only methods and functions that are listed here are worked out, on strings, bytes and numbers alone: nothing of what is
scanned is run.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import operator as operators
import re
from collections.abc import Callable, Iterable, Sequence
from itertools import islice, product
from operator import add
from typing import Any

from pitviper.bytecode.code import Pairs, Slice
from pitviper.bytecode.values import MOST_ITEMS, Attribute, Display, Each, Either, Known, Name, Value, known

LONGEST = 1024 * 1024
"""Characters of a value that is worked out."""
MOST_CHARACTERS = 8 * 1024 * 1024
"""Of all values of a file that something is worked out of."""
_WITH_FUNCTION = 2
_LONGEST_PADDED = 4096
"""Characters of a value that repeats itself: few instructions would make endlessly many."""
_MOST_BITS = 4096
"""Of an integer that is computed with."""
_MOST_WAYS = 16
"""In which values that are one of several come together."""
_SIMPLE = (str, bytes, int, float, bool, type(None))
_PERCENT = re.compile(r"%(?:\((\w{1,64})\))?[-#0 +]{0,4}\d{0,3}(?:\.\d{0,3})?[sdrifxXeEgGca%]|%")
_FIELD = re.compile(r"\{\{|\}\}|\{(\w{0,64})(?:![rs])?(?::[<>^]?\d{0,3}[sd]?)?\}|[{}]")
_SPEC = re.compile(r"(?:.?[<>=^])?[-+ ]?#?0?\d{0,4}[_,]?(?:\.\d{1,3})?[bcdeEfFgGnosxX%]?")
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": add,
    "-": operators.sub,
    "*": operators.mul,
    "^": operators.xor,
    "&": operators.and_,
    "|": operators.or_,
}
_PADDED = ("ljust", "rjust", "center", "zfill")


class Folder:
    """Works out values, of one file: as long as there are characters `left` to do so."""

    def __init__(self) -> None:
        self.left = MOST_CHARACTERS

    def _each(self, function: Callable[..., Known | None], *values: Value) -> Value | None:
        """What `function` says of each of the values that these may be; if it says something of all of them."""
        ways: list[Sequence[Value]] = [values]
        each = next((value for value in values if isinstance(value, Each)), None)
        if each is not None:
            if any(isinstance(value, Either) and value is not each for value in values):
                return None
            ways = [[one if value is each else value for value in values] for one in each.values]
        elif any(isinstance(value, Either) for value in values):
            choices = [value.values if isinstance(value, Either) else [value] for value in values]
            ways = list(islice(product(*choices), _MOST_WAYS))
        found: list[Value] = []
        for way in ways:
            self.left -= 1 + sum(map(_size, way))
            result = function(*way) if self.left >= 0 else None
            if result is None:
                return None
            found.append(result)
        return Each(found) if each is not None else Either(found) if len(found) > 1 else found[0]

    def binary(self, operator: str, left: Value, right: Value) -> Value | None:
        """`left operator right`, if it is known."""
        if not isinstance(left, (Known, Either)):
            return None
        operator = operator.removesuffix("=")
        if operator == "%":
            return self._each(_filled, left, right)
        if isinstance(right, (Known, Either, Display)) and operator in _ARITHMETIC:
            return self._each(lambda one, two: _computed(operator, one, two), left, right)
        return None

    def item(self, of: Value, index: Value) -> Value | None:
        """`of[index]`."""
        return self._each(_item, of, index) if isinstance(of, (Known, Display, Either)) else None

    def joined(self, parts: Sequence[Value]) -> Value | None:
        """The parts of an f-string, if all are known."""
        if not all(isinstance(part, (Known, Either)) for part in parts):
            return None
        return self._each(_joined, *parts)

    def formatted(self, value: Value, conversion: int, spec: Value | None) -> Value | None:
        """A part of an f-string: `conversion` is 1 for `str`, 2 for `repr`, 3 for `ascii`."""
        if not isinstance(value, (Known, Either)):
            return None
        how = spec or Known("", telling=False)
        return self._each(lambda one, how: _formatted_one(one, conversion, how), value, how)

    def call(self, function: Value, arguments: Sequence[Value], keywords: dict[str, Value] | None) -> Value | None:
        """`function(*arguments, **keywords)`, if that is one of those that are worked out."""
        if isinstance(function, Attribute):
            if isinstance(function.of, (Known, Either)):
                return self._each(
                    lambda of, *given: _method(of, function.name, given, keywords), function.of, *arguments
                )
            name = "codecs.decode" if _is_codec(function) else function.name
        elif isinstance(function, Name):
            name = function.text.rpartition(".")[2] if function.text != "codecs.decode" else function.text
        else:
            return None
        if keywords or not arguments:
            return None
        if name == "map" and len(arguments) == _WITH_FUNCTION and isinstance(arguments[0], Name):
            return self._mapped(arguments[0], arguments[1])
        worked = _FUNCTIONS.get(name)
        return self._each(lambda *given: _worked(worked, given), *arguments) if worked else None

    def _mapped(self, function: Name, over: Value) -> Value | None:
        """`map(function, over)`."""
        items = items_of(over)
        result = self.call(function, [Each(items)], None) if items else None
        return Display("[]", result.values) if isinstance(result, Each) else None


def _size(value: Value) -> int:
    """Characters that working with `value` may take."""
    if isinstance(value, Known):
        return len(value.value) if isinstance(value.value, (str, bytes, tuple, list)) else 0
    return len(value.items) if isinstance(value, Display) else 0


def items_of(value: Value) -> list[Value]:
    """What iterating over a known value gives, if that is not too much."""
    if isinstance(value, Display):
        return value.items if value.brackets != "{:}" and len(value.items) <= MOST_ITEMS else []
    if isinstance(value, Known) and isinstance(value.value, (str, bytes, tuple, list)):
        return [known(one, value.at) for one in value.value] if len(value.value) <= MOST_ITEMS else []
    return []


def _computed(operator: str, left: Value, right: Value) -> Known | None:
    given = values((left, right))
    if given is None:
        return None
    one, two = given
    if isinstance(one, (str, bytes)) and isinstance(two, (str, bytes)):
        one, two = _alike([one, two])
    if operator == "+" and isinstance(one, (str, bytes, tuple, list)):
        alike = one.__class__ is two.__class__
        return known(add(one, two)) if alike and len(one) + len(two) <= LONGEST else None
    if operator == "*" and not (isinstance(one, int) and isinstance(two, int)):
        return _product(one, two)
    if isinstance(one, int) and isinstance(two, int) and max(one.bit_length(), two.bit_length()) <= _MOST_BITS:
        return Known(_ARITHMETIC[operator](one, two), telling=False)
    return None


def _product(one: Any, two: Any) -> Known | None:
    if isinstance(two, (str, bytes)):
        one, two = two, one
    if isinstance(one, (str, bytes)) and isinstance(two, int) and 0 <= len(one) * two <= _LONGEST_PADDED:
        return known(one * two)
    return None


def _filled(template: Value, given: Value) -> Known | None:
    """`template % given`."""
    if not isinstance(template, Known) or not isinstance(template.value, (str, bytes)):
        return None
    arguments: Any
    if isinstance(given, Known):
        arguments = given.value
    elif isinstance(given, Display) and all(isinstance(one, Known) for one in given.items):
        values = [one.value for one in given.items if isinstance(one, Known)]
        if given.brackets == "{:}":
            keys = values[::2]
            if not all(isinstance(key, (str, bytes)) for key in keys):
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
    text = template.value
    sought = text if isinstance(text, str) else text.decode("latin-1")
    if not all(isinstance(one, _SIMPLE) for one in parts) or any(
        found[0] == "%" for found in _PERCENT.finditer(sought)
    ):
        return None
    if not isinstance(arguments, dict) and isinstance(text, bytes):
        arguments = tuple(one.encode() if isinstance(one, str) else one for one in parts)
    try:
        return _bounded(text % arguments)
    except (TypeError, ValueError, KeyError, OverflowError):
        return None


def _item(of: Value, index: Value) -> Known | None:
    if not isinstance(index, Known):
        return None
    at: Any = index.value
    if (isinstance(of, Display) and of.brackets == "{:}") or (isinstance(of, Known) and isinstance(of.value, Pairs)):
        return _item_of_dict(of, at)
    given = values((of,))
    if given is None or not isinstance(given[0], (str, bytes, tuple, list)):
        return None
    inside = given[0]
    if isinstance(at, Slice):
        parts = (at.start, at.stop, at.step)
        if not all(part is None or isinstance(part, int) for part in parts) or at.step == 0:
            return None
        at = slice(*parts)
    elif not isinstance(at, int) or not -len(inside) <= at < len(inside):
        return None
    return known(inside[at])


def _item_of_dict(of: Value, at: Any) -> Known | None:
    pairs: Iterable[tuple[Any, Any]] = ()
    if isinstance(of, Display):
        pairs = (
            (key.value, value)
            for key, value in zip(of.items[::2], of.items[1::2], strict=False)
            if isinstance(key, Known)
        )
    elif isinstance(of, Known) and isinstance(of.value, Pairs):
        pairs = of.value.items
    for key, value in pairs:
        if key.__class__ is at.__class__ and key == at:
            return value if isinstance(value, Known) else None if isinstance(of, Display) else known(value)
    return None


def _joined(*parts: Value) -> Known | None:
    texts = [part.value for part in parts if isinstance(part, Known) and isinstance(part.value, str)]
    return _bounded("".join(texts)) if len(texts) == len(parts) and sum(map(len, texts)) <= LONGEST else None


def _formatted_one(value: Value, conversion: int, spec: Value) -> Known | None:
    if not isinstance(value, Known) or not isinstance(value.value, _SIMPLE) or not isinstance(spec, Known):
        return None
    if isinstance(value.value, str) and not conversion and spec.value == "":
        return value
    if not isinstance(spec.value, str) or not _SPEC.fullmatch(spec.value):
        return None
    converted = (_same, str, repr, ascii)[conversion & 3](value.value)
    try:
        return _bounded(format(converted, spec.value))
    except (TypeError, ValueError, OverflowError):
        return None


def _same(value: Any) -> Any:
    return value


def _is_codec(function: Attribute) -> bool:
    return function.name == "decode" and isinstance(function.of, Name) and function.of.text == "codecs"


def _worked(function: Callable[..., Any], arguments: Sequence[Value]) -> Known | None:
    given = values(arguments)
    if given is None:
        return None
    try:
        return _bounded(function(*given))
    except (TypeError, ValueError, LookupError, OverflowError, AttributeError):
        return None


def _method(  # noqa: PLR0911 - a method each
    of: Value, name: str, arguments: Sequence[Value], keywords: dict[str, Value] | None
) -> Known | None:
    """`of.name(*arguments, **keywords)` of a known string."""
    if not isinstance(of, Known) or not isinstance(of.value, (str, bytes)):
        return None
    try:
        if name == "format":
            return _formatted(of.value, arguments, keywords or {})
        given = values(arguments)
        if given is None or keywords:
            return None
        if name == "join":
            return _join(of.value, given[0]) if given else None
        size = len(of.value)
        if name == "replace" and len(given) > 1 and isinstance(given[1], (str, bytes)):
            size = (size + 1) * (len(given[1]) + 1)
        if name in _PADDED and given and isinstance(given[0], int) and given[0] > _LONGEST_PADDED:
            return None
        if name not in _METHODS or size > LONGEST:
            return None
        if name == "decode":
            return _bounded(_decoded(of.value, *given))
        return _bounded(getattr(of.value, name)(*given))
    except (TypeError, ValueError, LookupError, OverflowError, AttributeError):
        return None


def _join(of: Any, parts: Any) -> Known | None:
    if isinstance(parts, str):
        parts = tuple(parts)
    if not isinstance(parts, (tuple, list)):
        return None
    of, *parts = _alike([of, *parts])
    size = sum(len(one) + len(of) for one in parts if isinstance(one, (str, bytes)))
    return _bounded(of.join(parts)) if size <= LONGEST else None


def _alike(texts: Sequence[Any]) -> Sequence[Any]:
    """Text and bytes together, as Python 2 has them, as text."""
    if all(isinstance(one, str) for one in texts) or all(isinstance(one, bytes) for one in texts):
        return texts
    return [one.decode("latin-1") if isinstance(one, bytes) else one for one in texts]


def values(arguments: Sequence[Value]) -> list[Any] | None:
    """What `arguments` are, if all are known; displays of known values are tuples or lists."""
    given: list[Any] = []
    for one in arguments:
        if isinstance(one, Known):
            given.append(one.value)
        elif isinstance(one, Display) and one.brackets != "{:}" and all(isinstance(part, Known) for part in one.items):
            items = [part.value for part in one.items if isinstance(part, Known)]
            given.append(tuple(items) if one.brackets == "()" else items)
        else:
            return None
    return given


def _formatted(template: Any, arguments: Sequence[Value], keywords: dict[str, Value]) -> Known | None:
    if isinstance(template, bytes):  # of Python 2
        texts = [_as_text(one) for one in arguments]
        found = _formatted(template.decode("latin-1"), texts, {key: _as_text(one) for key, one in keywords.items()})
        return known(found.value.encode("latin-1", "replace")) if found and isinstance(found.value, str) else None
    if any(found[0] in "{}" and len(found[0]) == 1 for found in _FIELD.finditer(template)):
        return None
    given = values(arguments)
    named = values(list(keywords.values()))
    if given is None or named is None or not all(isinstance(one, _SIMPLE) for one in (*given, *named)):
        return None
    return _bounded(template.format(*given, **dict(zip(keywords, named, strict=True))))


def _as_text(value: Value) -> Value:
    """Bytes of Python 2 as characters."""
    return (
        known(value.value.decode("latin-1")) if isinstance(value, Known) and isinstance(value.value, bytes) else value
    )


def _bounded(value: Any) -> Known | None:
    if isinstance(value, (str, bytes)):
        return Known(value, bool(value)) if len(value) <= LONGEST else None
    if isinstance(value, list) and len(value) <= LONGEST and all(isinstance(one, (str, bytes, int)) for one in value):
        return known(value)
    return Known(value, telling=False) if isinstance(value, int) and value.bit_length() <= _MOST_BITS else None


def _bytes(source: Any, *encoding: Any) -> bytes:
    if isinstance(source, int) or len(source) > LONGEST:
        raise ValueError
    if isinstance(source, str):
        return source.encode(*encoding)
    return bytes(source)


def _decoded(content: Any, encoding: Any = "utf-8", *errors: Any) -> Any:
    encoding = encoding.decode() if isinstance(encoding, bytes) else encoding
    if encoding.replace("_", "-").lower() in ("rot13", "rot-13"):
        text = content.decode("latin-1") if isinstance(content, bytes) else content
        return codecs.encode(text, "rot13")
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
    "iter": _same,
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
        *_PADDED,
    )
)
