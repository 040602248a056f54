"""What the instructions have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pitviper.bytecode.values import (
    NULL,
    Display,
    Known,
    Value,
    parts_of,
)

if TYPE_CHECKING:
    from pitviper.bytecode.evaluate import _Evaluation as Evaluation

Do = Callable[["Evaluation", int], None]


MANY = 64 * 1024
"""Arguments, parts, or values on the stack, beyond which an operand is nonsense."""


def tell_all(e: Evaluation, values: Sequence[Value]) -> None:
    for value in values:
        e.statement(value)


def nothing(e: Evaluation, argument: int) -> None:
    del e, argument


def items_in(e: Evaluation, value: Value | None) -> list[Value]:
    """What is in a tuple or a list."""
    if isinstance(value, Display):
        return value.items if value.brackets != "{:}" else []
    if isinstance(value, Known):
        found = parts_of(value)
        e.spend(len(found))
        return found
    return []


def name_in(key: Value) -> str:
    """The name that a key of a dict is."""
    name = key.value if isinstance(key, Known) else None
    return name if isinstance(name, str) else name.decode("latin-1") if isinstance(name, bytes) else "…"


def from_pairs(pairs: list[Value]) -> dict[str, Value]:
    keywords: dict[str, Value] = {}
    for key, value in zip(pairs[::2], pairs[1::2], strict=False):
        name = "**" if key is NULL else key.value if isinstance(key, Known) else "…"
        keywords[name.decode("latin-1") if isinstance(name, bytes) else str(name)] = value
    return keywords
