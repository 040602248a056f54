"""Names and constants: what is loaded, and what gets a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pitviper.bytecode.code import Constant
from pitviper.bytecode.operations._common import Do
from pitviper.bytecode.values import (
    NULL,
    UNKNOWN,
    Known,
    Name,
    Value,
)

if TYPE_CHECKING:
    from pitviper.bytecode.evaluate import _Evaluation as Evaluation


def load_const(e: Evaluation, argument: int) -> None:
    constants = e.constants
    found = constants[argument] if argument < len(constants) else UNKNOWN
    e.stack.append(found or e.constant(argument))


def load_small_int(e: Evaluation, argument: int) -> None:
    e.stack.append(Known(argument, telling=False))


_COMMON: dict[str, Constant] = {"None": None, "": "", "True": True, "False": False, "-1": -1}


def load_common(e: Evaluation, argument: int) -> None:
    common = e.operations.table.common
    name = common[argument] if argument < len(common) else "…"
    e.stack.append(Known(_COMMON[name], telling=False) if name in _COMMON else Name(name))


def load_name(e: Evaluation, argument: int) -> None:
    names = e.names
    name = names[argument] if argument < len(names) else "…"
    e.stack.append(e.known.get(name) or e.whole.globals.get(name) or e.interned[name])


def load_global_3_11(e: Evaluation, argument: int) -> None:
    """In the lowest bit: a call follows."""
    if argument & 1:
        e.stack.append(NULL)
    e.stack.append(e.load_global(e.name_of(argument >> 1)))


def load_global_3_13(e: Evaluation, argument: int) -> None:
    """NULL stands behind the function."""
    e.stack.append(e.load_global(e.name_of(argument >> 1)))
    if argument & 1:
        e.stack.append(NULL)


def load_fast(e: Evaluation, argument: int) -> None:
    fasts = e.fasts
    name = fasts[argument] if argument < len(fasts) else "…"
    e.stack.append(e.known.get(name) or e.interned[name])


def load_fast_two(e: Evaluation, argument: int) -> None:
    e.stack += (e.load(e.fast(argument >> 4)), e.load(e.fast(argument & 15)))


def store_fast(e: Evaluation, argument: int) -> None:
    stack = e.stack
    e.store(e.fast(argument), stack.pop() if stack else UNKNOWN)


def store_fast_load_fast(e: Evaluation, argument: int) -> None:
    e.store(e.fast(argument >> 4), e.pop())
    e.stack.append(e.load(e.fast(argument & 15)))


def store_fast_two(e: Evaluation, argument: int) -> None:
    e.store(e.fast(argument >> 4), e.pop())
    e.store(e.fast(argument & 15), e.pop())


def load_cell(e: Evaluation, argument: int) -> None:
    e.stack.append(e.load_cell(e.cell(argument)))


def load_cell_from_dict(e: Evaluation, argument: int) -> None:
    e.pop()
    load_cell(e, argument)


def load_name_from_dict(e: Evaluation, argument: int) -> None:
    e.pop()
    load_name(e, argument)


def store_cell(e: Evaluation, argument: int) -> None:
    e.store(e.cell(argument), e.pop())


def store_name(e: Evaluation, argument: int) -> None:
    stack = e.stack
    e.store(e.name_of(argument), stack.pop() if stack else UNKNOWN)


def push(value: Value) -> Do:
    return lambda e, _: e.stack.append(value)
