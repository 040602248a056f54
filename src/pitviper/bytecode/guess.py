"""The version that code was compiled by, where its header does not tell, or lies: by how it is laid out and made."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import msgspec

from pitviper.bytecode.code import Code, Version, walk
from pitviper.bytecode.marshal import Loaded, load
from pitviper.bytecode.opcodes import table

HEADERS = (16, 12, 8, 0)
"""Bytes of a header, of all kinds; none in front of code that was marshalled alone."""

_LIKE = (
    (5, (Version(3, 15), Version(3, 14), Version(3, 13), Version(3, 12), Version(3, 11))),
    (6, (Version(3, 10), Version(3, 9), Version(3, 8), Version(3, 9, "pypy"))),
    (5, (Version(3, 7), Version(3, 6), Version(3, 5))),
    (4, (Version(2, 7),)),
)
"""Those that lay out code alike, with the number of 32-bit integers in front of the instructions. 3.5 stands for all of
Python 3 whose instructions have one or three bytes."""
_SMALL = 0x10000
"""More than any of these is, but for the last, the flags."""
_FLAGS = 1 << 28
_BYTES = b"s\xf3"
_CODE = b"c\xe3"

_MOST_CODES = 40
_MOST_INSTRUCTIONS = 400
"""Of each, to tell versions apart."""
_WORDS = Version(3, 6)
_LINES = Version(3, 10)


class Guess(msgspec.Struct):
    """What was read, as if it were of `version` and behind a header of `header` bytes.

    `is_whole`: nothing is wrong with it, which is next to impossible with the wrong layout.
    """

    version: Version
    header: int
    loaded: Loaded
    is_whole: bool


def begins_code(head: bytes, position: int) -> bool:
    """Whether a code object, of any layout, may begin at `head[position:]`."""
    return any(_is_head(head, position, integers) for integers, _ in _LIKE)


def guess(data: bytes) -> Guess | None:
    """The reading that fits best; None if there is no code object where one could be."""
    best: Guess | None = None
    for size in HEADERS:
        for integers, versions in _LIKE:
            if not _is_head(data, size, integers):
                continue
            found = _read(data, size, versions[0])
            if found.is_whole:
                return _refined(data, found, versions)
            if best is None or found.loaded.end > best.loaded.end:
                best = found
    return best


def is_sound(code: Code) -> bool:
    """Whether `code` can be meant: with the wrong layout the fields are shifted."""
    return bool(code.code) and bool(code.name) and bool(code.filename or code.name == "<module>")


def _read(data: bytes, size: int, version: Version) -> Guess:
    loaded = load(data, size, version)
    whole = not loaded.problem and isinstance(loaded.value, Code) and is_sound(loaded.value)
    return Guess(version, size, loaded, whole)


def _refined(data: bytes, found: Guess, versions: tuple[Version, ...]) -> Guess:
    """`found`, as of that of `versions` whose instructions it has."""
    if len(versions) == 1 or not isinstance(found.loaded.value, Code):
        return found
    codes = [code for code, _ in islice(walk(found.loaded.value), _MOST_CODES)]
    best = min(versions, key=lambda version: sum(_oddities(code, version) for code in codes))
    return found if best == found.version else _read(data, found.header, best)


def _oddities(code: Code, version: Version) -> int:
    """How many things in `code` a compiler of `version` would not write."""
    known = table(version)
    content = code.code
    odd = 0
    caches_end = 0
    for offset, operation, argument in islice(_instructions(content, version), _MOST_INSTRUCTIONS):
        if offset < caches_end:
            odd += bool(operation or argument)  # they are written empty
            continue
        name, caches, _, _ = known.operations.get(operation, ("", 0, "", ()))
        odd += not name or (name == "CACHE")
        odd += name in _NAMED and argument >= len(code.names)
        caches_end = offset + 2 * (caches + 1)
    if version.implementation == "cpython" and version >= Version(3, 8) and version <= _LINES:
        odd += (sum(code.lines[::2]) == len(content)) != (version == _LINES)  # its table of lines covers all of them
    return odd


_NAMED = frozenset(("LOAD_NAME", "STORE_NAME", "IMPORT_NAME", "IMPORT_FROM", "STORE_GLOBAL"))
"""Whose argument is the index of a name in all versions."""


def _instructions(content: bytes, version: Version) -> Iterator[tuple[int, int, int]]:
    """Offset, number and argument, without extended arguments."""
    if version >= _WORDS:
        yield from ((at, content[at], content[at + 1]) for at in range(0, len(content) - 1, 2))
        return
    position = 0
    first = table(version).have_argument
    while position < len(content) - 2:
        has_argument = content[position] >= first
        yield position, content[position], int.from_bytes(content[position + 1 : position + 3], "little") * has_argument
        position += 3 if has_argument else 1


def _is_head(head: bytes, position: int, integers: int) -> bool:
    """Whether a code object may begin there: numbers as compilers write them, and instructions."""
    if head[position : position + 1] not in _STARTS:
        return False
    end = position + 1 + 4 * integers
    words = [int.from_bytes(head[at : at + 4], "little") for at in range(position + 1, end, 4)]
    return head[end : end + 1] in _INSTRUCTIONS and max(words[:-1]) < _SMALL and words[-1] < _FLAGS


_STARTS = frozenset(bytes((kind,)) for kind in _CODE)
"""The types that a code object begins with, alone and shared."""
_INSTRUCTIONS = frozenset(bytes((kind,)) for kind in _BYTES)
