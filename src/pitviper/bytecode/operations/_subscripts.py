"""Attributes, methods, subscripts and slices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pitviper.bytecode import aside
from pitviper.bytecode.code import Slice
from pitviper.bytecode.operations._common import Do, items_in, name_in
from pitviper.bytecode.operations._stack import swap
from pitviper.bytecode.values import (
    MOST_ITEMS,
    NULL,
    UNKNOWN,
    Attribute,
    Call,
    Display,
    Expression,
    Known,
    Name,
    Part,
    Value,
)

if TYPE_CHECKING:
    from pitviper.bytecode.evaluate import _Evaluation as Evaluation


def load_attr(e: Evaluation, argument: int) -> None:
    stack, names = e.stack, e.names
    of = stack.pop() if stack else UNKNOWN
    stack.append(_attribute(e, of, names[argument] if argument < len(names) else "…"))


def _attribute(e: Evaluation, of: Value, name: str) -> Value:
    if of.__class__ is Name and (of.text in e.classes or of.text in e.whole.classes):
        return aside.attribute(e, of.text, name) or Attribute(of, name, of.telling)
    return Attribute(of, name, of.telling)


def load_attr_3_12(e: Evaluation, argument: int) -> None:
    """In the lowest bit: it is a method, and a call follows."""
    stack = e.stack
    attribute = _attribute(e, stack.pop() if stack else UNKNOWN, e.name_of(argument >> 1))
    if argument & 1:
        stack += (attribute, NULL) if e.version >= (3, 13) else (NULL, attribute)
    else:
        stack.append(attribute)


def load_method(e: Evaluation, argument: int) -> None:
    """The method and, in the place of the object it belongs to, NULL: its name already tells that."""
    stack, names = e.stack, e.names
    of = stack.pop() if stack else UNKNOWN
    stack += (_attribute(e, of, names[argument] if argument < len(names) else "…"), NULL)


def load_method_3_11(e: Evaluation, argument: int) -> None:
    e.stack += (NULL, _attribute(e, e.pop(), e.name_of(argument)))


_SUPER = Call(Name("super"), (), None)


def load_super_attr(e: Evaluation, argument: int) -> None:
    e.pops(3)
    e.stack.append(Attribute(_SUPER, e.name_of(argument >> 2), telling=False))
    if argument & 1:
        e.stack.append(NULL)
        if e.version < (3, 13):
            swap(e, 2)


def match_keys(e: Evaluation, argument: int) -> None:
    """The items of the value under the keys, a tuple of them; in 3.10 whether it has them, too."""
    del argument
    of, keys = e.stack[-2:] if len(e.stack) > 1 else (UNKNOWN, UNKNOWN)
    e.stack.append(Display("()", [Expression(of, "[", key, "]") for key in items_in(e, keys)]))
    if e.version == (3, 10):
        e.stack.append(UNKNOWN)


def match_class(e: Evaluation, argument: int) -> None:
    """The attributes of the value, a tuple of those by position and by name; in 3.10 whether it is one, too."""
    of, _, names = e.pops(3)
    named: list[Value] = [Attribute(of, name_in(name), of.telling) for name in items_in(e, names)]
    e.stack.append(Display("()", [UNKNOWN] * min(argument, MOST_ITEMS) + named))
    if e.version == (3, 10):
        e.stack.append(UNKNOWN)


def store_attr(e: Evaluation, argument: int) -> None:
    of = e.pop()
    name = e.name_of(argument)
    e.assign(e.given(name, e.pop()), of, f".{name}")


def store_subscr(e: Evaluation, argument: int) -> None:
    del argument
    value, of, key = e.pops(3)
    value = e.given(name_in(key), value)
    if value.telling:
        e.assign(value, of, "[", key, "]")
    elif key.telling or of.telling:
        e.tell(of, "[", key, "] = ", value)


def _subscript(e: Evaluation, of: Value, key: Value) -> None:
    e.stack.append(e.fold.item(of, key) or Expression(of, "[", key, "]"))


def binary_subscr(e: Evaluation, argument: int) -> None:
    del argument
    of, key = e.pops(2)
    _subscript(e, of, key)


def _slice_of(parts: list[Value]) -> Value:
    values = [one.value for one in parts if isinstance(one, Known)]
    if len(values) == len(parts):
        return Known(Slice(*[*values, None][:3]), telling=False)
    pieces: list[Part] = []
    for one in parts:
        pieces += (one if not isinstance(one, Known) or one.value is not None else "", ":")
    return Expression(*pieces[:-1])


def build_slice(e: Evaluation, argument: int) -> None:
    e.stack.append(_slice_of(e.pops(3 if argument == 3 else 2)))  # noqa: PLR2004 - with a step


def binary_slice(e: Evaluation, argument: int) -> None:
    del argument
    of, *parts = e.pops(3)
    _subscript(e, of, _slice_of(parts))


def store_slice(e: Evaluation, argument: int) -> None:
    del argument
    value, of, start, stop = e.pops(4)
    e.assign(value, of, "[", _slice_of([start, stop]), "]")


def _bounds_2(e: Evaluation, number: str) -> Value:
    """The slice of `SLICE+0` to `SLICE+3` in Python 2."""
    bounds = e.pops((0, 1, 1, 2)[int(number) & 3])
    nothing = Known(None, telling=False)
    return _slice_of([bounds[0] if number in ("1", "3") else nothing, bounds[-1] if number in ("2", "3") else nothing])


def slice_2(number: str) -> Do:
    def do(e: Evaluation, argument: int) -> None:
        del argument
        bounds = _bounds_2(e, number)
        _subscript(e, e.pop(), bounds)

    return do


def store_slice_2(number: str) -> Do:
    def do(e: Evaluation, argument: int) -> None:
        del argument
        bounds = _bounds_2(e, number)
        value, of = e.pops(2)
        e.assign(value, of, "[", bounds, "]")

    return do


def delete_slice_2(number: str) -> Do:
    def do(e: Evaluation, argument: int) -> None:
        del argument
        _bounds_2(e, number)
        e.pop()

    return do
