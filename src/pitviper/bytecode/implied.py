"""What a line implies: a name and a string that belong together for whoever reads it, though it says no `name = "…"`.

`TOKENS = ["…"]`, `token = SecretStr("…")`, `parser.add_argument("--token", default="…")`, `if token == "…"`: a rule
that looks for a name and its value would need to know all of these, so they are told as what they come to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pitviper.bytecode.code import Frozen
from pitviper.bytecode.values import (
    NULL,
    UNKNOWN,
    Attribute,
    Call,
    Display,
    Either,
    Expression,
    Known,
    Name,
    Part,
    Value,
    alternatives,
    known,
    parts_of,
)

_FEW = 8
"""Strings that one name stands for; more are a table."""
_TEXT, _BYTES = re.compile(r"\S{8,300}\Z"), re.compile(rb"\S{8,300}\Z")
"""Strings that are worth a line of their own: the shortest secrets that a rule asks for have 8 characters."""
_KEY = re.compile(r"-{0,2}([A-Za-z_][\w.:-]{1,63})\Z")
"""A name as a string, perhaps that of an option."""
_WITH_NAME = 2
"""Arguments of a call that sets something: its name, and the value."""
_DEFAULTS = ("default", "default_value", "fallback", "initial")
FACTORIES = ("default_factory", "factory")
"""Keywords of what makes a default when it is asked for."""
_WRAPPERS = frozenset(
    (
        *("SecretStr", "SecretBytes", "Secret", "Field", "field", "Param", "Parameter", "Constant", "Value"),
        *("str", "bytes", "bytearray", "cast", "intern", "quote", "quote_plus", "escape", "Markup"),
    )
)
"""Functions whose result is what they are given, more or less."""
_LOOKUPS = frozenset(("get", "getenv", "pop", "setdefault", "config", "env", "get_env", "getattr"))
"""Functions that give what a name stands for, or their last argument."""
_ADDERS = frozenset(("add", "append", "appendleft", "insert"))
_PARTIAL = ("startswith", "endswith")
_COMPARISONS = frozenset(("compare_digest", "assertEqual", "assertEquals", "assert_equal", "eq"))

Pair = tuple[Part, Value]


def by_assignment(value: Value) -> Sequence[Value]:
    """The strings that a name stands for to which `value` is assigned, other than `value` itself."""
    items: Sequence[Value] = ()
    if isinstance(value, (Display, Known)):
        items = _few(value)
    elif isinstance(value, Call):
        items = _defaults(value)
    elif isinstance(value, Expression) and value.pieces[1:2] == (" + ",):
        items = [one for one in value.pieces if not isinstance(one, str)]
    return [one for one in items if is_likely(one)]


def by_call(function: Value, arguments: Sequence[Value], keywords: dict[str, Value] | None) -> Iterator[Pair]:
    """Names and strings of a call that sets one to the other, or says that they are the same."""
    name = _last_name(function)
    if keywords:
        yield from _option(arguments, keywords)
    if len(arguments) == 1:
        if name in _ADDERS and isinstance(function, Attribute) and is_likely(arguments[0]):
            yield function.of, arguments[0]
        elif name in _PARTIAL and isinstance(function, Attribute):
            yield from by_comparison(function.of, arguments[0])
    elif name in _COMPARISONS and len(arguments) >= _WITH_NAME:
        yield from by_comparison(*arguments[-2:])
    elif name == "fromkeys":
        yield from ((text, arguments[1]) for one in _few(arguments[0]) if (text := _key(one)))
    elif len(arguments) >= _WITH_NAME:
        yield from _setting(name, arguments)


def by_comparison(one: Value, other: Value) -> Iterator[Pair]:
    """A name, and the string or each of the few strings that it is compared with."""
    for named, value in ((one, other), (other, one)):
        if value.telling and (target := _target(named)) is not None:
            items = [value] if is_likely(value) else by_assignment(value) if isinstance(value, (Known, Display)) else ()
            yield from ((target, item) for item in items)


def is_likely(value: Value) -> bool:
    """Whether it is a string worth a line of its own."""
    if not isinstance(value, Known):
        return False
    text = value.value
    if isinstance(text, str):
        return _TEXT.match(text) is not None
    return isinstance(text, bytes) and _BYTES.match(text) is not None


def pair(value: Value) -> tuple[str, Value] | None:
    """Of a tuple or a list of two strings: the first as the name of the second, if it can be one."""
    items: Sequence[Value] = ()
    if isinstance(value, Known):
        items = parts_of(value) if isinstance(value.value, (tuple, list)) and len(value.value) == _WITH_NAME else ()
    elif isinstance(value, Display) and value.brackets in ("()", "[]"):
        items = value.items
    if len(items) == _WITH_NAME and is_likely(items[1]) and (name := _key(items[0])):
        return name, items[1]
    return None


def _few(value: Value) -> Sequence[Value]:
    """What is in a list, tuple or set, if that is few."""
    if isinstance(value, Display):
        return value.items if value.brackets != "{:}" and len(value.items) <= _FEW else ()
    if not isinstance(value, Known):
        return ()
    if isinstance(value.value, Frozen):
        return [known(one, value.at) for one in value.value.items] if len(value.value.items) <= _FEW else ()
    return parts_of(value) if isinstance(value.value, (tuple, list)) and len(value.value) <= _FEW else ()


def _defaults(call: Call) -> list[Value]:
    """What a call gives if nothing else is there."""
    found = [value for name, value in (call.keywords or {}).items() if name in _DEFAULTS]
    name = _last_name(call.function)
    if name in _WRAPPERS:
        found += call.arguments[:_WITH_NAME]
    elif name in _LOOKUPS and len(call.arguments) >= _WITH_NAME:
        found.append(call.arguments[-1])
    return [one for value in found for one in alternatives(value)]


def _option(arguments: Sequence[Value], keywords: dict[str, Value]) -> Iterator[Pair]:
    """`add_argument("--name", default="…")`, `getenv("name", default="…")`."""
    default = keywords.get("default")
    if default is None or not default.telling:
        return
    names = [name for one in arguments if (name := _key(one))]
    if names:
        yield names[-1], default


def _setting(name: str, arguments: Sequence[Value]) -> Iterator[Pair]:
    """`setattr(a, "name", "…")`, `environ.setdefault("name", "…")` and their like."""
    key, value = arguments[-2:]
    if not value.telling or not isinstance(value, (Known, Either)) or (text := _key(key)) is None:
        return
    if name == "setattr" and len(arguments) > _WITH_NAME:
        yield Attribute(arguments[0], text, arguments[0].telling), value
    elif not isinstance(value, Known) or isinstance(value.value, (str, bytes)):
        yield text, value


def _target(value: Value) -> Part | None:
    """How `value` is called in the source, if it has a name."""
    if isinstance(value, Call):
        if not value.arguments and isinstance(value.function, Attribute):  # `name.strip() == "…"`
            return _target(value.function.of)
        return _key(value.arguments[0]) if value.arguments and _last_name(value.function) in _LOOKUPS else None
    if isinstance(value, (Known, Either)):
        return getattr(value, "name", "") or None
    is_named = isinstance(value, (Name, Attribute)) or (isinstance(value, Expression) and value.pieces[1:2] == ("[",))
    return value if is_named and value is not UNKNOWN and value is not NULL else None


def _key(value: Value) -> str | None:
    """The name that `value` is as a string."""
    text = value.value if isinstance(value, Known) else None
    if isinstance(text, bytes):
        text = text.decode("latin-1")
    found = _KEY.match(text) if isinstance(text, str) else None
    return found[1] if found else None


def _last_name(function: Value) -> str:
    if isinstance(function, Attribute):
        return function.name
    return function.text.rpartition(".")[2] if isinstance(function, Name) else ""
