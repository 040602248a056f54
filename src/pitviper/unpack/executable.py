"""Native programs and libraries: their sections by name, and what tools for Python put into or behind them.

A zip archive behind one (zipapps, installers) is opened as that, and the program is what stands in front of it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from pitviper.engine.data import Data
from pitviper.unpack import pyinstaller, zip_archive
from pitviper.unpack.interface import Format, Item, Member, Options, Rest
from pitviper.unpack.leads import may_end
from pitviper.unpack.sections import LEADS, Section, is_program, sections

_NOWHERE = ""
"""The name of what lies in no section."""
_CARRIES = ("pydata", "__LINKEDIT", _NOWHERE)
"""What may hold that which was put behind a program: PyInstaller's section on Linux; the last part of a Mach-O."""


def begins(head: bytes, tail: bytes) -> bool:
    """The signature of ELF, PE or Mach-O."""
    del tail
    return is_program(head)


def members(data: Data, options: Options) -> Iterator[Item]:
    """Each section, and what lies in none; then what is hidden in them."""
    del options
    if may_end(data) and zip_archive.ends(data):
        return
    try:
        found = sections(data)
    except struct.error:
        found = []
    carried = [(one.offset, one.size) for one in (*_uncovered(data, found), *found) if one.name in _CARRIES]
    archive = next((one for at in reversed(carried) if (one := pyinstaller.archive(data, *at))), None)
    taken = [Section("", archive.start, archive.size)] if archive else []
    for section in found:
        if part := _without(section, taken):
            yield Member(part.name, data=data.part(part.offset, part.size), kind="section")
    for gap in _uncovered(data, found + taken):
        yield Rest(gap.offset, gap.size)
    if archive:
        yield from pyinstaller.inside(data, archive)


def _without(section: Section, taken: list[Section]) -> Section | None:
    """What of `section` lies in front of those that are `taken`; a section may hold them, or be one."""
    end = section.offset + section.size
    end = min([end, *(one.offset for one in taken if one.offset < end)])
    return Section(section.name, section.offset, end - section.offset) if end > section.offset else None


def _uncovered(data: Data, found: list[Section]) -> Iterator[Section]:
    """What lies in no section, but for padding: headers, tables, what was put behind the program."""
    position = 0
    for start, end in [*sorted((one.offset, one.offset + one.size) for one in found), (data.size, data.size)]:
        if start > position:
            yield Section(_NOWHERE, position, start - position)
        position = max(position, end)


FORMAT = Format("a native program", LEADS, begins, members, kind="file")
