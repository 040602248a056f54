"""Tables of opcodes, one for each version, made by `tools/opcodes.py` in the interpreter itself."""

from __future__ import annotations

import os
from functools import cache

import msgspec

from pitviper.bytecode.code import Version

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
    **{Version(3, minor): "3.6" for minor in range(6)},
    Version(2, 7): "2.7",
    Version(2, 7, "pypy"): "2.7",
    Version(2, 7, "pyston"): "2.7",
}
"""3.0 to 3.5 have the numbers of 3.6, nearly all; what is wide there is told by `Version`."""


@cache
def table(version: Version) -> Table:
    """The table of `version`, or of the one nearest to it."""
    name = _NEAREST.get(version) or (
        f"{version.major}.{version.minor}" if version.implementation == "cpython" else "pypy3.9"
    )
    with open(os.path.join(_FOLDER, f"{name}.json"), "rb") as file:
        return msgspec.json.decode(file.read(), type=Table, strict=False)
