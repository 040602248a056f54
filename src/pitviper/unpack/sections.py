"""Sections of native programs and libraries: ELF, PE and Mach-O. What they are called and where they lie; no more.

Every number is a stranger's: tables are read as far as they are there, and what would lie behind the end is cut.
Sources: System V ABI, chapter 4; Microsoft, PE Format; Apple, `mach-o/loader.h` and `mach-o/fat.h`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import msgspec

from pitviper.engine.data import Data
from pitviper.model.place import escape

_ELF = b"\x7fELF"
_PE = b"MZ"
_FAT = b"\xca\xfe\xba\xbe"
_FAT_64 = b"\xca\xfe\xba\xbf"
_MACH = {
    b"\xce\xfa\xed\xfe": ("<", False),
    b"\xcf\xfa\xed\xfe": ("<", True),
    b"\xfe\xed\xfa\xce": (">", False),
    b"\xfe\xed\xfa\xcf": (">", True),
}
"""Magic → order of bytes, and whether it has 64 bits."""
LEADS = b"".join(sorted({magic[:1] for magic in (_ELF, _PE, _FAT, *_MACH)}))
"""The bytes that they may begin with."""
_MOST_SECTIONS = 0xFFFF
"""What a program may have; `-ffunction-sections` reaches thousands, in object files."""
_MOST_SLICES = 30
"""A Java class begins as a fat Mach-O does, with its version (45 and more) where that has the number of its slices."""
_MOST_TABLE = 16 * 1024 * 1024
_NAMED = (1, 3)
"""Types of sections that hold what a compiler wrote, and names; tables of numbers are not worth a link of their own."""
_SEGMENT, _SEGMENT_64 = 0x01, 0x19
_PROCESSORS = {7: "i386", 0x01000007: "x86_64", 12: "arm", 0x0100000C: "arm64", 0x0200000C: "arm64_32"}
_LINK = struct.Struct("<60xI")
"""Of an MS-DOS header: where that of the PE is."""
_COFF = struct.Struct("<4x2xH12xH2x")
"""sections, size of the optional header"""
_COFF_SECTION = struct.Struct("<8s8x2I16x")
"""name, size, offset"""


class Section(msgspec.Struct, frozen=True):
    """A named part of a file."""

    name: str
    offset: int
    size: int


def is_program(head: bytes) -> bool:
    """Whether a file that begins with `head` is one of those."""
    if head.startswith(_PE):
        place = _LINK.unpack_from(head)[0] if len(head) >= _LINK.size else len(head)
        return head.startswith(b"PE\0\0", place) or len(head) <= place < 1 << 20
    return head.startswith((_ELF, *_MACH)) or is_fat(head)


def is_fat(head: bytes) -> bool:
    """Whether it is several Mach-O files in one, for different processors."""
    return head.startswith((_FAT, _FAT_64)) and 0 < int.from_bytes(head[4:8], "big") <= _MOST_SLICES


def sections(data: Data) -> list[Section]:
    """The sections in the order of their table, without empty ones; of a fat Mach-O its slices.

    Raises struct.error where the file ends in its headers.
    """
    head = data.read(0, 64)
    if head.startswith(_ELF):
        found = _elf(data, head)
    elif head.startswith(_PE):
        found = _pe(data, head)
    elif is_fat(head):
        found = _fat(data, head)
    elif head[:4] in _MACH:
        found = _mach(data, head, *_MACH[head[:4]])
    else:
        return []
    return [Section(one.name, one.offset, size) for one in found if (size := min(one.size, data.size - one.offset)) > 0]


def _elf(data: Data, head: bytes) -> Iterator[Section]:
    """By the section headers; where there are none, by the program headers, which the system loads it by."""
    wide, order = head[4] == 2, "><"[head[5] == 1]  # noqa: PLR2004 - ELFCLASS64
    header = struct.Struct(order + ("32x2Q6x5H" if wide else "28x2I6x5H"))
    programs, table, program_size, program_count, size, count, names_at = header.unpack_from(head)
    section = struct.Struct(order + ("2I16x2Q24x" if wide else "2I8x2I16x"))
    """name, type, offset, size"""
    if not table or size < section.size:
        program = struct.Struct(order + ("I4xQ16xQ16x" if wide else "2I8xI12x"))
        raw = data.read(programs, min(program_size * program_count, _MOST_TABLE))
        for number in range(len(raw) // max(program_size, program.size)):
            _, offset, length = program.unpack_from(raw, number * program_size)
            yield Section(f"segment {number}", offset, length)
        return
    if not count:  # too many for the header: the first section tells
        count = section.unpack(data.read(table, section.size))[3]
    raw = data.read(table, min(size * min(count, _MOST_SECTIONS), _MOST_TABLE))
    rows = [section.unpack_from(raw, at) for at in range(0, len(raw) - section.size + 1, size)]
    named = rows[names_at] if names_at < len(rows) else (0, 0, 0, 0)
    names = data.read(named[2], min(named[3], _MOST_TABLE))
    for name, kind, offset, length in rows:
        if kind in _NAMED:
            yield Section(_text(names[name : name + 256]), offset, length)


def _pe(data: Data, head: bytes) -> Iterator[Section]:
    (place,) = _LINK.unpack_from(head)
    count, optional = _COFF.unpack(data.read(place, _COFF.size))
    raw = data.read(place + _COFF.size + optional, count * _COFF_SECTION.size)
    for at in range(0, len(raw) - _COFF_SECTION.size + 1, _COFF_SECTION.size):
        name, size, offset = _COFF_SECTION.unpack_from(raw, at)
        yield Section(_text(name), offset, size)


def _fat(data: Data, head: bytes) -> Iterator[Section]:
    slice_ = struct.Struct(">I4x2Q8x" if head.startswith(_FAT_64) else ">I4x2I4x")
    raw = data.read(8, int.from_bytes(head[4:8], "big") * slice_.size)
    for at in range(0, len(raw) - slice_.size + 1, slice_.size):
        processor, offset, size = slice_.unpack_from(raw, at)
        yield Section(_PROCESSORS.get(processor, f"processor {processor}"), offset, size)


def _mach(data: Data, head: bytes, order: str, wide: bool) -> Iterator[Section]:  # noqa: FBT001 - as the table of magics has it
    """The sections of each segment; a segment without any (`__LINKEDIT`) as one."""
    header = 32 if wide else 28
    count, size = struct.unpack_from(order + "2I", head, 16)
    raw = data.read(header, min(size, _MOST_TABLE))
    segment = struct.Struct(order + ("8x16s16x2Q8xI4x" if wide else "8x16s8x2I8xI4x"))
    section = struct.Struct(order + ("16s16s8xQI28x" if wide else "16s16s4x2I24x"))
    at = 0
    for _ in range(min(count, _MOST_SECTIONS)):
        if at + 8 > len(raw):
            return
        kind, length = struct.unpack_from(order + "2I", raw, at)
        if kind in (_SEGMENT, _SEGMENT_64) and at + segment.size <= len(raw):
            name, offset, filled, inside = segment.unpack_from(raw, at)
            if not inside:
                yield Section(_text(name), offset, filled)
            first = at + segment.size
            last = min(first + inside * section.size, at + length, len(raw))
            for place in range(first, last - section.size + 1, section.size):
                name, of, filled, offset = section.unpack_from(raw, place)
                if offset:  # none is in the file for what begins as zeros
                    yield Section(f"{_text(of)},{_text(name)}", offset, filled)
        at += max(length, 8)


def _text(name: bytes) -> str:
    """A name up to its zero."""
    return escape(name.partition(b"\0")[0].decode("utf-8", "replace"))
