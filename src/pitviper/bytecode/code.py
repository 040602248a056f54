"""`Code`: a code object as a compiler wrote it, of any version, and the values that constants may have."""

from __future__ import annotations

from collections.abc import Iterator
from types import EllipsisType
from typing import TypeAlias

import msgspec

MOST_CODES = 50_000
"""Code objects of one file that are looked at; the largest modules of the standard libraries have 2,000."""


class Version(msgspec.Struct, frozen=True, order=True):
    """Of the language, with the implementation: `Version(3, 11)`, `Version(3, 9, "pypy")`."""

    major: int
    minor: int
    implementation: str = "cpython"

    def __str__(self) -> str:
        """As a user writes it: `3.11`, `PyPy 3.9`."""
        number = f"{self.major}.{self.minor}"
        return number if self.implementation == "cpython" else f"{self.implementation} {number}"


class Huge(msgspec.Struct, frozen=True, gc=False):
    """An integer too long to be worth computing: its marshalled digits, 15 bits in two bytes each, and its sign."""

    digits: bytes
    negative: bool = False


class Frozen(msgspec.Struct, frozen=True):
    """A set or frozenset, in the order of the file: what a stranger wrote is never hashed."""

    items: tuple[Constant, ...]


class Pairs(msgspec.Struct, frozen=True):
    """A dict or frozendict, as key and value by turns, in the order of the file."""

    items: tuple[tuple[Constant, Constant], ...]


class Slice(msgspec.Struct, frozen=True):
    """A slice (3.14)."""

    start: Constant
    stop: Constant
    step: Constant


class Unknown(msgspec.Struct, frozen=True, gc=False):
    """What could not be read: a reference to nothing, or a type that no version has."""


class Code(msgspec.Struct, eq=False):
    """A code object. Names are text: those of Python 2 are decoded as UTF-8, else Latin-1.

    `code` are the instructions as they stand in the file, with inline caches and, in a crafted file, specialised ones.
    `lines` is `co_lnotab` up to 3.9, `co_linetable` from 3.10 on (see `pitviper.bytecode.lines`). `varnames` are
    arguments and local variables in the order of their slots; `cellvars` and `freevars` follow them. From 3.11 on
    `slots` are the names of all fast locals as one array (`co_localsplusnames`), empty before. `qualname` is `name`
    before 3.11. `offset` is where the object begins in the file.
    """

    version: Version
    argcount: int = 0
    posonlyargcount: int = 0
    kwonlyargcount: int = 0
    flags: int = 0
    code: bytes = b""
    consts: tuple[Constant, ...] = ()
    names: tuple[str, ...] = ()
    varnames: tuple[str, ...] = ()
    freevars: tuple[str, ...] = ()
    cellvars: tuple[str, ...] = ()
    slots: tuple[str, ...] = ()
    filename: str = ""
    name: str = ""
    qualname: str = ""
    firstlineno: int = 0
    lines: bytes = b""
    exceptions: bytes = b""
    offset: int = 0


Constant: TypeAlias = (
    "bool | int | float | complex | str | bytes | EllipsisType | tuple[Constant, ...] | list[Constant]"
    " | Huge | Frozen | Pairs | Slice | Unknown | Code | None"
)
"""A value in a code object."""


def walk(code: Code) -> Iterator[tuple[Code, int]]:
    """`code` and all code in it, each once, with the number of the one that it lies in; -1 for the first."""
    pending = [(code, -1)]
    seen: set[int] = set()
    while pending and len(seen) < MOST_CODES:
        one, owner = pending.pop()
        if id(one) in seen:
            continue  # a few bytes may refer to it a million times
        yield one, owner
        number = len(seen)
        seen.add(id(one))
        pending += ((inner, number) for inner in reversed(one.consts) if isinstance(inner, Code))
