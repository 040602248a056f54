"""Operators and comparisons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pitviper.bytecode import implied
from pitviper.bytecode.operations._common import Do
from pitviper.bytecode.operations._subscripts import binary_subscr
from pitviper.bytecode.values import (
    Display,
    Expression,
    Known,
)

if TYPE_CHECKING:
    from pitviper.bytecode.evaluate import _Evaluation as Evaluation


def binary(operator: str) -> Do:
    written = f" {operator.removesuffix('=')} "

    def do(e: Evaluation, argument: int) -> None:
        del argument
        left, right = e.pops(2)
        result = e.fold.binary(operator, left, right)
        if result and isinstance(right, Display) and right.brackets == "{:}":  # `%` leaves no names
            e.statement(right)
        e.stack.append(result or Expression(left, written, right))

    return do


_BINARY: dict[str, Do] = {}


def binary_op(e: Evaluation, argument: int) -> None:
    operators = e.operations.table.binary
    operator = operators[argument] if argument < len(operators) else "?"
    if operator == "[]":
        binary_subscr(e, 0)
        return
    if operator not in _BINARY:
        _BINARY[operator] = binary(operator)
    _BINARY[operator](e, 0)


OPERATORS = {
    "ADD": "+",
    "MODULO": "%",
    "MULTIPLY": "*",
    "SUBTRACT": "-",
    "AND": "&",
    "OR": "|",
    "XOR": "^",
    "LSHIFT": "<<",
    "RSHIFT": ">>",
    "POWER": "**",
    "DIVIDE": "/",
    "TRUE_DIVIDE": "/",
    "FLOOR_DIVIDE": "//",
    "MATRIX_MULTIPLY": "@",
}


def unary(operator: str) -> Do:
    def do(e: Evaluation, argument: int) -> None:
        del argument
        value = e.pop()
        if operator == "-" and isinstance(value, Known) and isinstance(value.value, (int, float)):
            e.stack.append(Known(-value.value, telling=False))
        else:
            e.stack.append(Expression(operator, value))

    return do


def compare(shift: int) -> Do:
    """The operator, from that bit of the argument on."""

    def do(e: Evaluation, argument: int) -> None:
        operators = e.operations.table.compare
        index = argument >> shift
        relate(e, operators[index] if index < len(operators) else "==")

    return do


def relate(e: Evaluation, operator: str) -> None:
    left, right = e.pops(2)
    e.stack.append(Expression(left, f" {operator} ", right))
    if left.telling or right.telling:
        for target, value in implied.by_comparison(left, right):
            e.tell(target, " = ", value)
