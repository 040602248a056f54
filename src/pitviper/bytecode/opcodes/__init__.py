"""Tables of opcodes, one for each version, made by `tools/opcodes.py` in the interpreter itself.

Those of 3.0 to 3.5 are told in `older.json` by what is other than in the next version. Sources: CPython's history of
Lib/opcode.py and of the magic numbers in Lib/importlib/_bootstrap_external.py, which name each change.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TypeVar

import msgspec

from pitviper.bytecode.code import Version

_T = TypeVar("_T")

Operation = tuple[str, int, str, tuple[int, ...]]
"""Name (of a specialised instruction, that of the one it stands for), inline caches, "r" or "a" for a relative or
absolute jump, and what it adds to the stack with the arguments 0 to 3; nothing where the interpreter does not tell."""

UNKNOWN: Operation = ("UNKNOWN", 0, "", ())


class Table(msgspec.Struct, frozen=True):
    """The instructions of a version: by number, from which number on they have an argument, and what arguments mean."""

    have_argument: int
    operations: dict[int, Operation]
    binary: tuple[str, ...]
    compare: tuple[str, ...]
    common: tuple[str, ...]


_FOLDER = os.path.dirname(__file__)
_NEAREST = {
    Version(2, 7): "2.7",
    Version(2, 7, "pypy"): "2.7",
    Version(2, 7, "pyston"): "2.7",
}


class _Older(msgspec.Struct, frozen=True):
    """A version like another one, but for some instructions that it has not, and some that are others."""

    like: str
    without: tuple[int, ...]
    operations: dict[int, Operation]


@cache
def table(version: Version) -> Table:
    """The table of `version`, or of the one nearest to it."""
    name = _NEAREST.get(version) or (
        f"{version.major}.{version.minor}" if version.implementation == "cpython" else "pypy3.9"
    )
    return _older(name) if name in _OLDER else _read(name, Table)


def _older(name: str) -> Table:
    told = _read("older", dict[str, _Older])[name]
    major, minor = map(int, told.like.split("."))
    like = table(Version(major, minor))
    operations = {number: one for number, one in like.operations.items() if number not in told.without}
    return msgspec.structs.replace(like, operations={**operations, **told.operations})


def _read(name: str, kind: type[_T]) -> _T:
    with open(os.path.join(_FOLDER, f"{name}.json"), "rb") as file:
        return msgspec.json.decode(file.read(), type=kind, strict=False)


_OLDER = frozenset(f"3.{minor}" for minor in range(6))
