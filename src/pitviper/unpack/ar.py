"""Archives of `ar`: static libraries, and Debian's packages. Source: ar(5)."""

from __future__ import annotations

from collections.abc import Iterator

from pitviper.engine.data import Cursor
from pitviper.model.place import escape
from pitviper.unpack.interface import Format, Item, Member, Options, damaged

_MAGIC = b"!<arch>\n"
_HEADER = 60
_END = b"`\n"
_LONGEST_NAME = 64 * 1024
_LONGEST_TABLE = 16 * 1024 * 1024


def begins(head: bytes, tail: bytes) -> bool:
    """The magic, and the end of a first header."""
    del tail
    return head.startswith(_MAGIC) and head[66:68] in (_END, b"")


def members(cursor: Cursor, options: Options) -> Iterator[Item]:
    """The members; names that are too long for a header stand in a table (GNU) or in front of the content (BSD)."""
    del options
    cursor.read(len(_MAGIC))
    table = b""
    while header := cursor.read(_HEADER):
        if header[58:60] != _END:
            cursor.unread(header)
            raise damaged(f"no header stands at byte {cursor.position:,}, where one should")
        name = header[:16].rstrip()
        size = _number(header[48:58])
        end = cursor.position + size
        if name == b"//":
            table = cursor.read(min(size, _LONGEST_TABLE))
        else:
            yield _member(cursor, _name(name, cursor, size, table), end - cursor.position)
        cursor.skip_to(end)
        cursor.read(end % 2)


def _member(cursor: Cursor, name: bytes, size: int) -> Member:
    data = cursor.peek(size)
    shown = escape(name.rstrip(b"/").decode("utf-8", "surrogateescape")) or "(index)"
    return Member(shown, data=data, read=None if data else cursor.bounded(size))


def _name(name: bytes, cursor: Cursor, size: int, table: bytes) -> bytes:
    if name.startswith(b"#1/"):
        return cursor.read(min(_number(name[3:]), size, _LONGEST_NAME)).rstrip(b"\0")
    if name[:1] == b"/" and name[1:].isdigit():
        start = int(name[1:])
        return table[start : start + _LONGEST_NAME].partition(b"\n")[0]
    return name


def _number(field: bytes) -> int:
    number = int(field)
    if number < 0:
        raise damaged("a size is negative")
    return number


FORMAT = Format("an ar archive", _MAGIC[:1], begins, members, streams=True)
