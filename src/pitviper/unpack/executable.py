"""Native programs and libraries: their sections by name, and what tools for Python put into or behind them.

A zip archive behind one (zipapps, installers) is opened as that, and the program is what stands in front of it.
"""

from __future__ import annotations

import struct
from collections.abc import Generator, Iterator, Sequence

from pitviper.engine.data import Data
from pitviper.unpack import cython, nuitka, pyinstaller, zip_headers
from pitviper.unpack.interface import Format, Item, Member, Options, Rest
from pitviper.unpack.leads import may_end
from pitviper.unpack.sections import LEADS, Section, is_program, sections

_NOWHERE = ""
"""The name of what lies in no section."""
_CARRIES = ("pydata", "__LINKEDIT", _NOWHERE)
"""What may hold that which was put behind a program: PyInstaller's section on Linux; the last part of a Mach-O."""
_CONSTANTS = frozenset(
    (
        *(".rodata", ".data", ".data.rel.ro", ".rdata", ".rsrc"),
        *("__TEXT,__const", "__TEXT,__cstring", "__DATA,__const", "__DATA_CONST,__const", "__DATA,__data"),
    )
)
_CODE = frozenset((".text", "__TEXT,__text"))
_NAMES = frozenset((".dynstr", ".rdata", ".edata", "__LINKEDIT"))
"""What holds the names that a library exports."""
_MOST = 32 * 1024 * 1024
"""Bytes of constants in which strings of modules, and the beginning of a payload, are looked for."""
_MOST_PARTS = 16
"""Parts that may carry something: a program has one or two."""
_SHORTEST = 64
"""Bytes between two sections that are more than padding."""


def begins(head: bytes, tail: bytes) -> bool:
    """The signature of ELF, PE or Mach-O."""
    del tail
    return is_program(head)


def members(data: Data, options: Options) -> Iterator[Item]:
    """What tools for Python put there; then each section, and what lies in none."""
    del options
    if may_end(data) and zip_headers.ends(data):
        return
    try:
        found = sections(data)
    except (struct.error, IndexError):  # it ends in its headers
        found = []
    taken = yield from _carried(data, [*_uncovered(data, found), *found])
    yield from _strings(data, found)
    for section in found:
        for part in _without(section, taken):
            if part.size > 0:
                yield Member(part.name, data=data.part(part.offset, part.size), kind="section")
    for gap in _uncovered(data, found + taken):
        yield Rest(gap.offset, gap.size)


def _carried(data: Data, parts: Sequence[Section]) -> Generator[Member, None, list[Section]]:
    """Archives and payloads in `parts` of a program; returns where they lie."""
    carrying = [part for part in parts if part.name in _CARRIES and part.size > _SHORTEST][-_MOST_PARTS:]
    for part in reversed(carrying):
        if archive := pyinstaller.archive(data, part.offset, part.size):
            yield from pyinstaller.inside(data, archive)
            return [Section(part.name, archive.start, archive.size)]
    for part in [*carrying, *[part for part in parts if part.name in _CONSTANTS][:_MOST_PARTS]]:
        start = nuitka.find(data, part.offset, min(part.size, _MOST))
        if start is not None:
            payload = Section(part.name, start, part.offset + part.size - start)
            yield Member("(payload)", data=data.part(start, payload.size), inherits=True)
            return [payload]
    return []


def _strings(data: Data, found: Sequence[Section]) -> Iterator[Member]:
    """The strings of modules that were compiled to native code, each on a line of its own."""
    constants = _read(data, found, _CONSTANTS)
    for part in constants:
        yield from nuitka.constants(part)
    if cython.may_have_tables(constants):
        name = cython.module(_read(data, found, _NAMES))
        for text in cython.tables(constants, b"".join(_read(data, found, _CODE))):
            yield Member(f"(strings of {name})" if name else "(strings)", content=text)


def _read(data: Data, found: Sequence[Section], names: frozenset[str]) -> list[bytes]:
    """What is in the sections of these `names`, as far as it is not too much."""
    left = _MOST
    parts = []
    for one in found:
        if one.name in names and left > 0:
            parts.append(data.read(one.offset, min(one.size, left)))
            left -= one.size
    return parts


def _without(section: Section, taken: Sequence[Section]) -> Iterator[Section]:
    """What of `section` lies in front of and behind those that are `taken`; a section may hold them, or be one."""
    start, end = section.offset, section.offset + section.size
    for one in taken:
        if start < one.offset + one.size and one.offset < end:
            yield Section(section.name, start, one.offset - start)
            start = one.offset + one.size
    yield Section(section.name, start, end - start)


def _uncovered(data: Data, found: Sequence[Section]) -> Iterator[Section]:
    """What lies in no section: headers, tables, what was put behind the program."""
    position = 0
    for start, end in [*sorted((one.offset, one.offset + one.size) for one in found), (data.size, data.size)]:
        if start > position:
            yield Section(_NOWHERE, position, start - position)
        position = max(position, end)


FORMAT = Format("a native program", LEADS, begins, members, kind="file")
