"""Constant expressions of Python source, as a compiler works them out: `60 * 60`, `"a" + "b"`, `"%s" % "x"`.

All versions do some of it and none does all; whatever any of them may come to is told.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from typing import Any

from pitviper.bytecode import literals
from pitviper.bytecode.fold import Folder
from pitviper.bytecode.values import Known, known

_TOKEN = re.compile(
    r"""(?P<string>(?P<prefix>(?<!\w)[rbuRBU]{1,2}(?=['"]))?(?:'''(?P<a>(?:[^'\\]+|\\.|'(?!''))*+)'''|\"\"\"(?P<b>(?:[^"\\]+|\\.|"(?!""))*+)\"\"\"
    |'(?P<c>(?:[^'\\\n]+|\\.)*+)'|"(?P<d>(?:[^"\\\n]+|\\.)*+)"))
    |(?P<number>(?:0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][-+]?\d[\d_]*)?)[lLjJ]?)
    |(?P<word>[^\W\d]\w*)
    |(?P<operator>\*\*=?|//=?|<<=?|>>=?|[-+*/%&|^]=?|[~()\[\]{}.,:;=<>!@`])
    |\#[^\n]*|\\\n|(?P<end>\n)|.""",
    re.DOTALL | re.VERBOSE,
)
_POWER = 8
_STRENGTH = {
    "|": 1,
    "^": 2,
    "&": 3,
    "<<": 4,
    ">>": 4,
    "+": 5,
    "-": 5,
    "*": 6,
    "/": 6,
    "//": 6,
    "%": 6,
    "@": 6,
    "**": _POWER,
}
_NUMBERS: dict[str, Callable[[Any, Any], Any]] = {
    "|": operator.or_,
    "^": operator.xor,
    "&": operator.and_,
    "<<": operator.lshift,
    ">>": operator.rshift,
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
}
_MOST_BITS = 4096
"""Of a number that is worked out; CPython stops at 128."""
_LONGEST = 4096
"""Characters of a string that is multiplied: as CPython has it."""
_MOST_TEXT = 16 * 1024 * 1024
_MOST_ITEMS = 4096
_DEEPEST = 60
_UNKNOWN = object()
_OPENING = frozenset("([{")
_CLOSING = frozenset(")]}")
_BEHIND_AN_EXPRESSION = frozenset((*_CLOSING, ","))
_CONSTANTS = {"None": None, "True": True, "False": False}
_KEYWORDS = frozenset(
    (
        *("and", "or", "not", "in", "is", "if", "else", "elif", "for", "lambda", "return", "yield", "await", "assert"),
        *("del", "print", "raise", "while", "with", "as"),
    )
)

_Token = tuple[str, Any]


def folded(text: str, encoding: str, *, is_python_2: bool) -> set[Any]:
    """The values of all constant expressions in `text` that are strings, bytes or numbers; numbers by their `key`."""
    return _Folding(_tokens(text, encoding, is_python_2=is_python_2)).run()


def _tokens(text: str, encoding: str, *, is_python_2: bool) -> Iterator[_Token]:
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        if kind == "number":
            yield kind, literals.number(match[0])
        elif match["string"] is not None:
            body = next(match[quote] for quote in "abcd" if match[quote] is not None)
            prefix = (match["prefix"] or "").lower()
            yield "string", literals.value(body, prefix, encoding, is_python_2=is_python_2)[0]
        elif kind in ("word", "operator"):
            yield kind, match[0]
        elif kind == "end":
            yield kind, None


class _Folding:
    """Precedence climbing over all tokens, from one expression to the next."""

    def __init__(self, tokens: Iterator[_Token]) -> None:
        self._tokens = tokens
        self._found: set[Any] = set()
        self._left = _MOST_TEXT
        self._brackets = 0
        self._taken = 0
        self._kind = ""
        self._value: Any = None
        self._next()

    def run(self) -> set[Any]:
        while self._kind != "stop" and self._left > 0:
            taken = self._taken
            self._expression(0, 0)
            if self._taken == taken:
                self._next()
        return self._found

    def _next(self) -> None:
        """To the next token; within brackets lines do not end."""
        self._taken += 1
        self._kind, self._value = next(self._tokens, ("stop", None))
        while self._brackets and self._kind == "end":
            self._kind, self._value = next(self._tokens, ("stop", None))

    def _skip(self) -> None:
        """To the end of an expression that is too involved, at least by a token.

        In one loop, because CPython 3.11 keeps frames in pieces of memory: to call and return at the edge of one, token
        by token, costs two system calls each (measured: 100 s for 300,000 brackets).
        """
        opened = 0
        kind, value = self._kind, self._value
        while kind != "stop":
            self._taken += 1
            if kind == "operator":
                opened += (value in _OPENING) - (value in _CLOSING)
            kind, value = next(self._tokens, ("stop", None))
            if opened <= 0 and (
                (kind == "end" and not self._brackets) or (kind == "operator" and value in _BEHIND_AN_EXPRESSION)
            ):
                break
        self._kind, self._value = kind, value

    def _is(self, *values: str) -> bool:
        return self._kind == "operator" and self._value in values

    def _expression(self, least: int, depth: int) -> Any:
        """An expression of operators at least so strong. May take no token at all."""
        value = self._postfix(self._operand(depth), depth)
        while depth <= _DEEPEST and self._kind == "operator" and _STRENGTH.get(self._value, -1) >= least:
            sign = self._value
            strength = _STRENGTH[sign]
            self._next()
            other = self._expression(strength if sign == "**" else strength + 1, depth + 1)
            value = self._told(_binary(sign, value, other))
        return value

    def _operand(self, depth: int) -> Any:
        kind, value = self._kind, self._value
        if kind == "stop" or (kind == "word" and value in _KEYWORDS):
            return _UNKNOWN
        if depth > _DEEPEST:
            self._skip()
            return _UNKNOWN
        if kind == "string":
            return self._strings()
        if kind in ("number", "word"):
            self._next()
            return _CONSTANTS.get(value, _UNKNOWN) if kind == "word" else _UNKNOWN if value is None else value
        if self._is("+", "-", "~"):
            self._next()
            return self._told(_unary(value, self._expression(_POWER, depth + 1)))
        return self._group(depth) if self._is("(", "[", "{") else _UNKNOWN

    def _strings(self) -> Any:
        parts = []
        while self._kind == "string":
            parts.append(self._value)
            self._next()
        alike = all(part.__class__ is parts[0].__class__ for part in parts)
        return parts[0][:0].join(parts) if alike else _UNKNOWN

    def _group(self, depth: int) -> Any:
        """What stands in brackets: one value, or a tuple of those that are known."""
        is_round = self._is("(")
        items, is_tuple = self._items(depth)
        if not is_round or not items or any(item is _UNKNOWN for item in items):
            return _UNKNOWN
        return tuple(items) if is_tuple else items[0]

    def _items(self, depth: int) -> tuple[list[Any], bool]:
        """The values in brackets, none if that cannot be told; and whether there are commas."""
        self._brackets += 1
        self._next()
        items: list[Any] = []
        is_tuple, is_plain = False, True
        while self._kind != "stop" and not self._is(")", "]", "}"):
            taken = self._taken
            items.append(self._expression(0, depth + 1))
            if self._is(","):
                is_tuple = True
                self._next()
            elif not self._is(")", "]", "}"):
                is_plain = False
                if self._taken == taken:
                    self._next()
            if len(items) > _MOST_ITEMS:
                items.clear()
                is_plain = False
        self._brackets -= 1
        self._next()
        return (items if is_plain else []), is_tuple

    def _postfix(self, value: Any, depth: int) -> Any:
        """Calls, subscripts and attributes of `value`."""
        while self._is("(", "[", ".") and depth <= _DEEPEST:
            if self._is("."):
                self._next()
                if self._kind == "word":
                    self._next()
                value = _UNKNOWN
            elif self._is("["):
                value = self._told(self._item(value, depth))
            else:
                self._group(depth)
                value = _UNKNOWN
        return value

    def _item(self, value: Any, depth: int) -> Any:
        items, is_tuple = self._items(depth)
        if is_tuple or not items or not isinstance(value, (str, bytes, tuple)) or not isinstance(items[0], int):
            return _UNKNOWN
        return value[items[0]] if -len(value) <= items[0] < len(value) else _UNKNOWN

    def _told(self, value: Any) -> Any:
        if isinstance(value, (str, bytes, int, float, complex)):
            self._found.add(value if isinstance(value, (str, bytes)) else literals.key(value))
            self._left -= len(value) if isinstance(value, (str, bytes)) else 1
        return value


def _unary(sign: str, value: Any) -> Any:
    if sign == "~":
        return ~value if isinstance(value, int) else _UNKNOWN
    if not isinstance(value, (int, float, complex)):
        return _UNKNOWN
    return -value if sign == "-" else +value


def _binary(sign: str, one: Any, two: Any) -> Any:
    if one is _UNKNOWN or two is _UNKNOWN:
        return _UNKNOWN
    if isinstance(one, (int, float, complex)) and isinstance(two, (int, float, complex)):
        if isinstance(one, int) and isinstance(two, int) and not _is_small(sign, one, two):
            return _UNKNOWN
        try:
            return _NUMBERS[sign](one, two) if sign in _NUMBERS else _UNKNOWN
        except (TypeError, ValueError, ArithmeticError):
            return _UNKNOWN
    if (sign == "*" and _size(one) * _size(two) > _LONGEST) or (sign == "%" and _size(one) + _size(two) > _LONGEST):
        return _UNKNOWN
    found = Folder().binary(sign, known(one), known(two))
    return found.value if isinstance(found, Known) else _UNKNOWN


def _size(value: Any) -> int:
    return len(value) if isinstance(value, (str, bytes, tuple)) else abs(value) if isinstance(value, int) else 1


def _is_small(sign: str, one: int, two: int) -> bool:
    if sign in ("<<", "**"):
        return max(1, one.bit_length()) * abs(two) <= _MOST_BITS
    return one.bit_length() + two.bit_length() <= _MOST_BITS
