"""Archives of `cpio`, and the packages of RPM around one. Sources: cpio(5); the RPM file format, version 4."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from pitviper.engine.data import Cursor
from pitviper.model.place import escape
from pitviper.unpack.interface import BEHIND, Format, Item, Member, Options, damaged

_NEW, _NEW_CRC, _OLD = b"070701", b"070702", b"070707"
_MAGIC = (_NEW, _NEW_CRC, _OLD)
_TRAILER = b"TRAILER!!!"
_LONGEST_NAME = 64 * 1024
_RPM = b"\xed\xab\xee\xdb"
_LEAD = 96
_SECTION = struct.Struct(">3sB4x2I")
_SECTION_MAGIC = b"\x8e\xad\xe8"
_MOST_HEADER = 256 * 1024 * 1024
"""Bytes of an RPM header, as RPM itself allows."""


def begins(head: bytes, tail: bytes) -> bool:
    """One of the magic numbers in ASCII."""
    del tail
    return head.startswith(_MAGIC)


def members(cursor: Cursor, options: Options) -> Iterator[Item]:
    """The members up to the trailer, also those of archives behind it (an initramfs has several); then what follows."""
    del options
    while magic := cursor.read(6):
        if magic not in _MAGIC:
            cursor.unread(magic)
            raise damaged(f"no header stands at byte {cursor.position:,}, where one should")
        size, name, align = _header(cursor, magic)
        if name == _TRAILER:
            if not cursor.skip_zeros():
                return
            magic = cursor.read(6)
            cursor.unread(magic)
            if magic not in _MAGIC:
                yield Member(BEHIND, read=cursor.read)
                return
            continue
        end = cursor.position + size
        data = cursor.peek(size)
        if size:
            shown = escape(name.decode("utf-8", "surrogateescape"))
            yield Member(shown, data=data, read=None if data else cursor.bounded(size))
        cursor.skip_to(end)
        cursor.read(-end % align)


def _header(cursor: Cursor, magic: bytes) -> tuple[int, bytes, int]:
    """The size of the content that follows, its name, and to how many bytes both are padded."""
    if magic == _OLD:
        fields = cursor.read(70)
        size, name_size, align = int(fields[59:70], 8), int(fields[53:59], 8), 1
    else:
        fields = cursor.read(104)
        size, name_size, align = int(fields[48:56], 16), int(fields[88:96], 16), 4
    if not 0 < name_size <= _LONGEST_NAME or size < 0:
        raise damaged("a name or a size makes no sense")
    name = cursor.read(name_size)
    if len(name) < name_size:
        raise EOFError("it is cut short")
    cursor.read(-cursor.position % align)
    return size, name.rstrip(b"\0"), align


def _begins_rpm(head: bytes, tail: bytes) -> bool:
    del tail
    return head.startswith(_RPM)


def _rpm_members(cursor: Cursor, options: Options) -> Iterator[Item]:
    """Its headers (scripts are in them), and its payload."""
    del options
    cursor.read(_LEAD)
    for name, align in (("(signature)", 8), ("(header)", 1)):
        head = cursor.read(_SECTION.size)
        magic, _, entries, size = _SECTION.unpack(head)
        if magic != _SECTION_MAGIC:
            raise damaged("a header section does not begin as one")
        length = entries * 16 + size
        if length > _MOST_HEADER:
            raise damaged(f"a header of {length:,} bytes")
        end = cursor.position + length
        data = cursor.peek(length)
        yield Member(name, data=data, read=None if data else cursor.bounded(length))
        cursor.skip_to(end + -length % align)
    yield Member("(payload)", read=cursor.read, inherits=True)


FORMATS = (
    Format("a cpio archive", _NEW[:1], begins, members, streams=True),
    Format("an RPM package", _RPM[:1], _begins_rpm, _rpm_members, streams=True),
)
