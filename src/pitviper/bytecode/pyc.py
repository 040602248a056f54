"""`Pyc`: a file of compiled Python, from its header to its code; also one whose header lies, or is missing."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from pitviper.bytecode.code import Code, Version
from pitviper.bytecode.magic import Header, header, header_size, name_of, version_of
from pitviper.bytecode.marshal import Loaded, load

MAX_SIZE = 64 * 1024 * 1024
"""Bytes of a file that is read; the largest of the standard libraries has 0.8 MB."""

_MAGIC_END = b"\r\n"
_CODE = b"c\xe3"
"""The types that a code object begins with, alone and shared."""
_LIKELY = (Version(3, 12), Version(3, 9), Version(3, 6), Version(2, 7))
"""One of each layout, where nothing tells which it is."""
_HEADERS = (16, 12, 8, 0)


class Pyc(msgspec.Struct):
    """What a file of compiled Python holds. `problem` says what could not be read, and why; `code` is what could.

    `guessed`: the header does not tell the version, so that names are known and what the instructions mean is not.
    """

    version: Version | None
    header: Header | None
    code: Code | None
    problem: str = ""
    guessed: bool = False


def begins(head: bytes) -> bool:
    """Whether a file that begins so is compiled Python: a magic number, and a code object behind its header."""
    if head[2:4] != _MAGIC_END:
        return False
    version = version_of(int.from_bytes(head[:2], "little"))
    sizes = (header_size(int.from_bytes(head[:2], "little"), version),) if version else _HEADERS[:3]
    return any(head[size : size + 1] in _STARTS for size in sizes)


def read(data: bytes) -> Pyc:
    """The code in `data`. Never raises."""
    if len(data) > MAX_SIZE:
        return Pyc(None, None, None, f"it has more than {MAX_SIZE:,} bytes")
    magic = int.from_bytes(data[:2], "little")
    version = version_of(magic) if data[2:4] == _MAGIC_END else None
    if version is None:
        return _guessed(data, magic)
    size = header_size(magic, version)
    loaded = load(data, size, version)
    found = header(data, size) if len(data) >= size else None
    if isinstance(loaded.value, Code):
        return Pyc(version, found, loaded.value, loaded.problem)
    other = _guessed(data, magic)
    if other.code is not None:
        return other
    return Pyc(version, found, None, loaded.problem or "there is no code object in it")


def _guessed(data: bytes, magic: int) -> Pyc:
    """The code by the layout that fits best."""
    best: tuple[bool, int, Loaded, Version, int] | None = None
    for size, version in _ways(data):
        loaded = load(data, size, version)
        if isinstance(loaded.value, Code) and (_is_sound(loaded.value) or best is None):
            way = (not loaded.problem and _is_sound(loaded.value), loaded.end, loaded, version, size)
            if best is None or way[:2] > best[:2]:
                best = way
            if way[0]:
                break
    why = name_of(magic) if data[2:4] == _MAGIC_END else "there is no magic number"
    if best is None:
        return Pyc(None, None, None, f"its magic number is {magic}, {why}: no code could be read")
    _, _, loaded, version, size = best
    told = f"its magic number is {magic}, {why}: read as if it were of {version}"
    problem = f"{told}; {loaded.problem}" if loaded.problem else told
    return Pyc(version, header(data, size) if size else None, loaded.value, problem, guessed=True)  # type: ignore[arg-type]


def _ways(data: bytes) -> Iterator[tuple[int, Version]]:
    for size in _HEADERS:
        if data[size : size + 1] in _STARTS:
            yield from ((size, version) for version in _LIKELY)


def _is_sound(code: Code) -> bool:
    """Whether `code` can be meant: with the wrong layout the fields are shifted."""
    return bool(code.code) and bool(code.name) and bool(code.filename or code.name == "<module>")


_STARTS = frozenset(bytes((kind,)) for kind in _CODE)
