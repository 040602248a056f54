"""What follows from known values: joined strings, filled templates, undone encodings. Bounded, and never surprising.

Only the methods and functions that `functions` lists are worked out, on strings, bytes and numbers alone: nothing of
what is scanned is run.
"""

from __future__ import annotations

import operator as operators
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import islice, product
from operator import add
from string import Template
from typing import Any

from pitviper.bytecode import functions
from pitviper.bytecode.code import Pairs, Slice
from pitviper.bytecode.functions import LONGEST, LONGEST_PADDED
from pitviper.bytecode.values import MOST_ITEMS, Attribute, Call, Display, Each, Either, Known, Name, Value, known

MOST_CHARACTERS = 8 * 1024 * 1024
"""Of all values of a file that something is worked out of."""
_WITH_FUNCTION = 2
_HIGHER = ("map", "reduce", "zip")
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


_NAMES = frozenset((*_HIGHER, *functions.BUILTINS, *(name.rpartition(".")[2] for name in functions.FUNCTIONS)))
"""Of the functions that may be worked out, without their modules."""


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
            self.left -= _size(result)
            found.append(result)
        return Each(found) if each is not None else Either(found) if len(found) > 1 else found[0]

    def binary(self, operator: str, left: Value, right: Value) -> Value | None:
        """`left operator right`, if it is known."""
        if not isinstance(left, (Known, Either)):
            return None
        if operator == "+=" and isinstance(left, Known) and isinstance(right, Each):
            return self._sum(left, right)
        operator = operator.removesuffix("=")
        if operator == "%":
            return self._each(_filled, left, right)
        if isinstance(right, (Known, Either, Display)) and operator in _ARITHMETIC:
            return self._each(lambda one, two: _computed(operator, one, two), left, right)
        return None

    def _sum(self, start: Known, parts: Each) -> Value | None:
        """`start += part`, again and again: what a loop adds up."""
        found: Value | None = start
        for part in parts.values:
            found = found and self.binary("+", found, part)
        return found

    def item(self, of: Value, index: Value) -> Value | None:
        """`of[index]`."""
        if isinstance(of, Display) and of.brackets != "{:}" and isinstance(index, Known):
            at = index.value
            if isinstance(at, int) and -len(of.items) <= at < len(of.items):
                return of.items[at]
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
        if isinstance(function, Attribute) and isinstance(function.of, (Known, Either)):
            if not (_may_be_known(arguments) and (not keywords or _may_be_known(keywords.values()))):
                return None
            return self._each(lambda of, *given: _method(of, function.name, given, keywords), function.of, *arguments)
        if isinstance(function, Attribute) and keywords and function.name in _SUBSTITUTES:
            return self._each(
                lambda *given: _substituted(function.of, dict(zip(keywords, given, strict=True))),
                *keywords.values(),
            )
        name = function.name if isinstance(function, Attribute) else function.text if isinstance(function, Name) else ""
        short = name.rpartition(".")[2]
        if keywords or short not in _NAMES or not (short in _HIGHER or _may_be_known(arguments)):
            return None
        if len(arguments) == _WITH_FUNCTION and short in _HIGHER:
            return self._higher(short, *arguments)
        if isinstance(function, Attribute) and isinstance(function.of, Name):
            name = f"{function.of.text}.{name}"
        worked = functions.FUNCTIONS.get(name) or functions.FUNCTIONS.get(short)
        if isinstance(function, Name):
            worked = functions.BUILTINS.get(name.removeprefix("builtins.")) or worked
        return self._each(lambda *given: _worked(worked, given), *arguments) if worked and arguments else None

    def _higher(self, name: str, function: Value, over: Value) -> Value | None:
        """`map(function, over)`, `reduce(operator.add, over)`, `zip(function, over)`."""
        items = items_of(over)
        if name == "zip":
            return Display("[]", [Display("()", list(each)) for each in zip(items_of(function), items, strict=False)])
        if not items or not isinstance(function, (Name, Attribute)):
            return None
        if name == "map":
            result = self.call(function, [Each(items)], None)
            return Display("[]", result.values) if isinstance(result, Each) else None
        is_sum = isinstance(function, Attribute) and function.name in ("add", "concat", "iadd")
        return self._sum(items[0], Each(items[1:])) if is_sum and isinstance(items[0], Known) else None


def _may_be_known(values: Iterable[Value]) -> bool:
    """A loop, for `all` would take twice as long."""
    for one in values:  # noqa: SIM110
        if not isinstance(one, (Known, Display, Either)):
            return False
    return True


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
        one, two = functions.alike([one, two])
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
    if isinstance(one, (str, bytes)) and isinstance(two, int) and 0 <= len(one) * two <= LONGEST_PADDED:
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


_SUBSTITUTES = ("substitute", "safe_substitute")


def _substituted(template: Value, keywords: dict[str, Value]) -> Known | None:
    """`Template("…").substitute(**keywords)`."""
    if not isinstance(template, Call) or len(template.arguments) != 1 or template.keywords:
        return None
    function, given = template.function, values([template.arguments[0], *keywords.values()])
    name = function.name if isinstance(function, Attribute) else function.text if isinstance(function, Name) else ""
    if name.rpartition(".")[2] != "Template" or given is None or not all(isinstance(one, _SIMPLE) for one in given):
        return None
    text, *parts = map(functions.text_of, given)
    longest = max(len(str(part)) for part in parts)
    if not isinstance(text, str) or len(text) + text.count("$") * longest > LONGEST:
        return None
    return _bounded(Template(text).safe_substitute(dict(zip(keywords, parts, strict=True))))


def _worked(function: Callable[..., Any], arguments: Sequence[Value]) -> Known | None:
    given = values(arguments)
    if given is None:
        return None
    try:
        return _bounded(function(*given))
    except (TypeError, ValueError, LookupError, OverflowError, AttributeError):
        return None


def _method(of: Value, name: str, arguments: Sequence[Value], keywords: dict[str, Value] | None) -> Known | None:
    """`of.name(*arguments, **keywords)` of a known value."""
    if not isinstance(of, Known):
        return None
    if name == "to_bytes" and not keywords:
        return _worked(functions.to_bytes, [of, *arguments])
    if not isinstance(of.value, (str, bytes)):
        return None
    if name == "format" or (name == "format_map" and len(arguments) == 1):
        given, named = ((), _pairs(arguments[0])) if name == "format_map" else (arguments, keywords or {})
        try:
            return _formatted(of.value, given, named)
        except (TypeError, ValueError, LookupError, OverflowError, AttributeError):
            return None
    return None if keywords else _worked(partial(functions.method, of.value, name), arguments)


def _pairs(value: Value) -> dict[str, Value]:
    """What a dict with names as keys says."""
    if isinstance(value, Display) and value.brackets == "{:}":
        items = zip(value.items[::2], value.items[1::2], strict=False)
        return {key.value: one for key, one in items if isinstance(key, Known) and isinstance(key.value, str)}
    if isinstance(value, Known) and isinstance(value.value, Pairs):
        return {key: known(one) for key, one in value.value.items[:MOST_ITEMS] if isinstance(key, str)}
    return {}


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
    return known(functions.text_of(value.value)) if isinstance(value, Known) else value


def _bounded(value: Any) -> Known | None:
    if isinstance(value, (str, bytes)):
        return Known(value, bool(value)) if len(value) <= LONGEST else None
    if isinstance(value, list) and len(value) <= LONGEST and all(isinstance(one, (str, bytes, int)) for one in value):
        return known(value)
    if isinstance(value, Pairs):
        return Known(value, telling=False)
    return Known(value, telling=False) if isinstance(value, int) and value.bit_length() <= _MOST_BITS else None
