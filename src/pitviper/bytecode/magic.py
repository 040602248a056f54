"""Magic numbers: the first two bytes of a `.pyc` tell which version wrote it.

Sources: CPython, Include/internal/pycore_magic_number.h and Lib/importlib/_bootstrap_external.py, which list all of
them; PyPy, pypy/interpreter/pycode.py; Pyston 0.6.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from pitviper.bytecode.code import Version

_RANGES: tuple[tuple[int, int, Version], ...] = (
    (3000, 3131, Version(3, 0)),
    (3140, 3151, Version(3, 1)),
    (3160, 3180, Version(3, 2)),
    (3190, 3230, Version(3, 3)),
    (3250, 3310, Version(3, 4)),
    (3320, 3351, Version(3, 5)),
    (3360, 3379, Version(3, 6)),
    (3390, 3399, Version(3, 7)),
    (3400, 3419, Version(3, 8)),
    (3420, 3429, Version(3, 9)),
    (3430, 3449, Version(3, 10)),
    (3450, 3499, Version(3, 11)),
    (3500, 3549, Version(3, 12)),
    (3550, 3599, Version(3, 13)),
    (3600, 3649, Version(3, 14)),
    (3650, 3699, Version(3, 15)),
    (62171, 62211, Version(2, 7)),
    (62218, 62218, Version(2, 7, "pypy")),
    (22138, 22138, Version(2, 7, "pyston")),
    (48, 63, Version(3, 2, "pypy")),
    (64, 111, Version(3, 3, "pypy")),
    (112, 159, Version(3, 5, "pypy")),
    (160, 239, Version(3, 6, "pypy")),
    (240, 255, Version(3, 7, "pypy")),
    (256, 319, Version(3, 8, "pypy")),
    (320, 367, Version(3, 9, "pypy")),
    (368, 399, Version(3, 10, "pypy")),
    (400, 447, Version(3, 11, "pypy")),
)
"""First, last, version. From 3.11 on CPython has fifty for each. Those between two releases belong to the later one."""
_NEXT = 3700
"""The first of 3.16."""
_OTHERS = {range(21150, 21291): "GraalPy", range(2990, 3000): "RustPython", range(12600, 12700): "RustPython"}
"""Implementations with bytecode of their own."""

_WITH_SIZE = 3190
"""The first whose header also holds the size of the source (3.3)."""
_WITH_FLAGS = 3392
"""The first whose header says what the rest of it means (PEP 552, 3.7)."""


@lru_cache(maxsize=256)  # asked for every file, and there are few
def version_of(magic: int) -> Version | None:
    """Which version has this magic number; None if nobody here knows."""
    return next((version for first, last, version in _RANGES if first <= magic <= last), None)


def name_of(magic: int) -> str:
    """What is known of a magic number without a version of ours."""
    for numbers, name in _OTHERS.items():
        if magic in numbers:
            return f"{name}, which has bytecode of its own"
    if _NEXT <= magic < _NEXT + 100:
        return f"perhaps 3.{16 + (magic - _NEXT) // 50}"
    return "of no version that is known"


def header_size(magic: int, version: Version) -> int:
    """Bytes of the header: with a timestamp, since 3.3 with the size of the source, since 3.7 with flags."""
    if version.major == 2:  # noqa: PLR2004
        return 8
    number = magic if version.implementation == "cpython" else 0
    has_flags = number >= _WITH_FLAGS if number else (version.major, version.minor) >= (3, 7)
    has_size = number >= _WITH_SIZE if number else (version.major, version.minor) >= (3, 3)
    return 16 if has_flags else 12 if has_size else 8


class Header(msgspec.Struct, frozen=True):
    """What a `.pyc` says of the source it was compiled from.

    By time and size, or (PEP 552) by a hash, which the interpreter looks at before it runs the file if `check_source`;
    else it runs it whatever the source is. `size` are the bytes of the header.
    """

    magic: int
    size: int
    mtime: int | None = None
    source_size: int | None = None
    source_hash: bytes | None = None
    check_source: bool = False


def header(data: bytes, size: int) -> Header:
    """The header in the first `size` bytes of `data`."""
    words = [int.from_bytes(data[at : at + 4], "little") for at in range(4, size, 4)]
    magic = int.from_bytes(data[:2], "little")
    if size == 16:  # noqa: PLR2004
        flags, mtime, source_size = words
        if flags & 1:
            return Header(magic, size, source_hash=bytes(data[8:16]), check_source=bool(flags & 2))
        return Header(magic, size, mtime, source_size)
    return Header(magic, size, words[0], words[1] if len(words) > 1 else None)
