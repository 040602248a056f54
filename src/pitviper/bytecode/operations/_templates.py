"""Strings that are put together: f-strings and t-strings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pitviper.bytecode.operations._common import MANY, items_in
from pitviper.bytecode.values import (
    Expression,
    Known,
    Literal,
    Part,
    Value,
)

if TYPE_CHECKING:
    from pitviper.bytecode.evaluate import _Evaluation as Evaluation


def format_value(e: Evaluation, argument: int) -> None:
    spec = e.pop() if argument & 4 else None
    _format(e, e.pop(), argument & 3, spec)


def _format(e: Evaluation, value: Value, conversion: int, spec: Value | None) -> None:
    known_text = e.fold.formatted(value, conversion, spec)
    if known_text is not None:
        e.stack.append(known_text)
    elif isinstance(value, Expression) and value.pieces[:1] == ("{",):
        e.stack.append(value)  # converted before (3.13)
    else:
        e.stack.append(Expression("{", value, "}"))


def convert(e: Evaluation, argument: int) -> None:
    _format(e, e.pop(), argument, None)


def format_simple(e: Evaluation, argument: int) -> None:
    del argument
    _format(e, e.pop(), 0, None)


def format_spec(e: Evaluation, argument: int) -> None:
    del argument
    value, spec = e.pops(2)
    _format(e, value, 0, spec)


def build_string(e: Evaluation, argument: int) -> None:
    parts = e.pops(min(argument, MANY))
    e.stack.append(e.fold.joined(parts) or _template("f", parts))


def _template(prefix: str, parts: Sequence[Value]) -> Value:
    """An f-string or a t-string."""
    pieces: list[Part] = []
    for one in parts:
        if isinstance(one, Known) and isinstance(one.value, str):
            pieces.append(Literal(one.value, one.at))
        else:
            pieces.append(one)
    literals = "".join([one.value for one in pieces if isinstance(one, Literal)])
    quote = '"""' if "\n" in literals else "'" if '"' in literals else '"'
    return Expression(prefix + quote, *pieces, quote)


def build_interpolation(e: Evaluation, argument: int) -> None:
    """Of a t-string (3.14): the value, its source, and in the lowest bit a format."""
    if argument & 1:
        e.pop()
    value, _ = e.pops(2)
    e.stack.append(Expression("{", value, "}"))


def build_template(e: Evaluation, argument: int) -> None:
    """A tuple of the strings, one more than there are interpolations, and a tuple of those."""
    del argument
    strings, interpolations = [items_in(e, one) for one in e.pops(2)]
    parts: list[Value] = []
    for index, one in enumerate(strings):
        parts += (one, *interpolations[index : index + 1])
    e.stack.append(_template("t", parts))
