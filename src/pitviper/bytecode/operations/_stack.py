"""Values on the stack: dropped, copied, moved, unpacked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pitviper.bytecode.operations._common import Do, items_in
from pitviper.bytecode.values import (
    MOST_ITEMS,
    UNKNOWN,
    Display,
    Each,
    Value,
)

if TYPE_CHECKING:
    from pitviper.bytecode.evaluate import _Evaluation as Evaluation


def pop_top(e: Evaluation, argument: int) -> None:
    del argument
    stack = e.stack
    value = stack.pop() if stack else UNKNOWN
    if value.telling:
        e.statement(value)


def end_for(e: Evaluation, argument: int) -> None:
    """The iterator and what it gave last (3.12), or only that, and POP_TOP follows (3.13)."""
    del argument
    e.pops(2 if e.version == (3, 12) else 1)


def copy(e: Evaluation, argument: int) -> None:
    e.stack.append(e.stack[-argument] if 0 < argument <= len(e.stack) else UNKNOWN)


def swap(e: Evaluation, argument: int) -> None:
    stack = e.stack
    if 1 < argument <= len(stack):
        stack[-1], stack[-argument] = stack[-argument], stack[-1]


def dup(count: int) -> Do:
    def do(e: Evaluation, argument: int) -> None:
        values = e.pops(count or min(argument, MOST_ITEMS))
        e.push_all(values + values)

    return do


def rotate(count: int) -> Do:
    def do(e: Evaluation, argument: int) -> None:
        size = count or argument
        if 1 < size <= len(e.stack):
            e.stack.insert(-size + 1 or len(e.stack), e.stack.pop())

    return do


def unpack_sequence(e: Evaluation, argument: int) -> None:
    value = e.pop()
    count = min(argument, MOST_ITEMS)
    parts = _columns(e, value, count) if isinstance(value, Each) else items_in(e, value)
    if len(parts) != count:
        e.statement(value)
        parts = [UNKNOWN] * count
    e.push_all(parts[::-1])


def _columns(e: Evaluation, value: Each, count: int) -> list[Value]:
    """What a loop over known tuples unpacks."""
    e.spend(count * len(value.values))
    rows = [items_in(e, one) for one in value.values]
    if not all(len(row) == count for row in rows):
        return []
    return [Each(list(column)) for column in zip(*rows, strict=True)]


def unpack_ex(e: Evaluation, argument: int) -> None:
    value = e.pop()
    before, after = min(argument & 0xFF, MOST_ITEMS), min(argument >> 8, MOST_ITEMS)
    parts = items_in(e, value)
    if len(parts) >= before + after:
        middle = Display("[]", parts[before : len(parts) - after])
        parts = [*parts[:before], middle, *parts[len(parts) - after :]]
    else:
        e.statement(value)
        parts = [UNKNOWN] * (before + 1 + after)
    e.push_all(parts[::-1])
