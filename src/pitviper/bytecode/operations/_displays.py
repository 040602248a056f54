"""Lists, tuples, sets and dicts as they are made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pitviper.bytecode.operations._common import MANY, Do, items_in, name_in, tell_all
from pitviper.bytecode.values import (
    MOST_ITEMS,
    NULL,
    UNKNOWN,
    Display,
    Each,
    Expression,
    Known,
    Value,
    known,
)

if TYPE_CHECKING:
    from pitviper.bytecode.evaluate import _Evaluation as Evaluation


def build(brackets: str) -> Do:
    return lambda e, argument: e.stack.append(Display(brackets, e.pops(min(argument, MANY))))


def build_map_sized(e: Evaluation, argument: int) -> None:
    """Only its size is told: STORE_MAP follows."""
    del argument
    e.stack.append(Display("{:}", []))


def build_map(e: Evaluation, argument: int) -> None:
    items = e.pops(min(argument, MANY) * 2)
    for index in range(0, len(items) - 1, 2):
        items[index + 1] = e.given(name_in(items[index]), items[index + 1])
    e.stack.append(Display("{:}", items))


def store_map(e: Evaluation, argument: int) -> None:
    del argument
    value, key = e.pops(2)
    _add(e, 1, [key, e.given(name_in(key), value)])


def build_const_key_map(e: Evaluation, argument: int) -> None:
    keys = e.pop()
    values = e.pops(min(argument, MANY))
    names = items_in(e, keys)
    items: list[Value] = []
    for index, value in enumerate(values):
        key = names[index] if index < len(names) else UNKNOWN
        items += (key, e.given(name_in(key), value))
    e.stack.append(Display("{:}", items))


def _add(e: Evaluation, depth: int, items: Sequence[Value]) -> None:
    """Add to the display `depth` values down the stack."""
    of = e.stack[-depth] if 0 < depth <= len(e.stack) else UNKNOWN
    if isinstance(of, Display) and len(of.items) + len(items) < MANY:
        of.add(items)
    else:
        tell_all(e, [Display("{:}", list(items))] if len(items) > 1 else items)


def append(e: Evaluation, argument: int) -> None:
    value = e.pop()
    of = e.stack[-argument] if 0 < argument <= len(e.stack) else UNKNOWN
    is_whole = isinstance(value, Each) and isinstance(of, Display) and not of.items
    _add(e, argument, value.values if is_whole and isinstance(value, Each) else [value])


def append_to_top(e: Evaluation, argument: int) -> None:
    """Of 3.0: the display lies right below the value, and both are taken away."""
    del argument
    append(e, 1)
    e.pop()


def map_add(e: Evaluation, argument: int) -> None:
    one, two = e.pops(2)
    key, value = (one, two) if e.version >= (3, 8) else (two, one)
    _add(e, argument, [key, e.given(name_in(key), value)])


def extend(e: Evaluation, argument: int) -> None:
    value = e.pop()
    items = items_in(e, value)
    if not items and isinstance(value, Known) and hasattr(value.value, "items"):
        items = [known(one, value.at) for one in getattr(value.value, "items", ())[:MOST_ITEMS]]
        e.spend(len(items))
    _add(e, argument, items or [starred(value)])


def starred(value: Value) -> Value:
    return Expression("*", value)


def pairs_of(value: Value) -> list[Value]:
    """Keys and values by turns, of what stands behind `**`."""
    if isinstance(value, Display) and value.brackets == "{:}":
        return value.items
    return [NULL, value]


def update(e: Evaluation, argument: int) -> None:
    """PyPy tells no depth: the dict lies right below."""
    value = e.pop()
    _add(e, argument or 1, list(pairs_of(value)))


def unpack_all(brackets: str) -> Do:
    """`BUILD_…_UNPACK` up to 3.8."""

    def do(e: Evaluation, argument: int) -> None:
        items: list[Value] = []
        for value in e.pops(min(argument & 0xFF, MOST_ITEMS)):
            items += pairs_of(value) if brackets == "{:}" else items_in(e, value) or [starred(value)]
        e.stack.append(Display(brackets, items[:MANY]))

    return do


def build_list_from_arg(e: Evaluation, argument: int) -> None:
    """Of PyPy: an empty list below the iterable that a comprehension goes through."""
    del argument
    value = e.pop()
    e.stack += (Display("[]", []), value)


def to_tuple(e: Evaluation) -> None:
    value = e.pop()
    e.stack.append(Display("()", value.items) if isinstance(value, Display) else value)
