"""What an evaluation does with each instruction of a version, by number, and how those jump."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from pitviper.bytecode.code import Version
from pitviper.bytecode.opcodes import UNKNOWN, Table, table

if TYPE_CHECKING:
    from pitviper.bytecode.evaluate import _Evaluation as Evaluation

PLAIN, EXTENDED, FORWARD, BACKWARD, ABSOLUTE, END = range(6)
_ENDS = ("RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS")
"""Instructions behind which nothing follows but what jumps lead to; those that jump may be such, too."""

Handler = Callable[["Evaluation", int], None]


class Instructions(msgspec.Struct, frozen=True):
    """The instructions of a version by number: what to do, bytes of inline caches, and how they jump."""

    table: Table
    rows: list[tuple[Handler, int, int]]


def style(version: Version) -> tuple[int, int]:
    """The version of CPython whose instructions are meant: PyPy has kept those of 3.9 (its `opcode3.py`)."""
    found = (version.major, version.minor)
    return min(found, (3, 9)) if version.implementation == "pypy" else found


@cache
def instructions(version: Version) -> Instructions:
    """Those of `version`."""
    from pitviper.bytecode import operations  # noqa: PLC0415 - it names `_Evaluation` in turn

    found = table(version)
    rows = []
    for number in range(256):
        name, caches, jump, effects = found.operations.get(number, UNKNOWN)
        plain = END if name in _ENDS else PLAIN
        kind = {"": plain, "a": ABSOLUTE, "r": BACKWARD if "BACKWARD" in name else FORWARD}[jump]
        is_pypy = version.implementation == "pypy"
        do = operations.handler(name, effects, style(version), jumps=bool(jump), is_pypy=is_pypy)
        rows.append((do, 2 + 2 * caches, EXTENDED if name == "EXTENDED_ARG" else kind))
    return Instructions(found, rows)
