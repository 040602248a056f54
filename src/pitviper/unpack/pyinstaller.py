"""Programs that PyInstaller made (2 to 6): the archive behind or in the executable, and the archives of modules in it.

The executable carries a CArchive, which a cookie at its end betrays: scripts, libraries, data, and a PYZ with the
modules. Both keep code as marshal writes it; the header of a `.pyc` is put back, so that it is known for what it is.
Sources: PyInstaller's documentation ("CArchive", "ZlibArchive") and the layouts in `bootloader/src/pyi_archive.h`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import msgspec

from pitviper.bytecode.code import Constant, Pairs, Version
from pitviper.bytecode.magic import header_size, version_of
from pitviper.bytecode.marshal import load
from pitviper.engine.data import Cursor, Data, Reader
from pitviper.model.gap import Reason
from pitviper.model.place import escape
from pitviper.unpack import decompress
from pitviper.unpack.interface import Format, Item, Member, Options, damaged

_COOKIE = b"MEI\014\013\012\013\016"
_NUMBERS = struct.Struct(">8x3I")
"""size of the archive with its cookie, offset and size of its table"""
_COOKIE_SIZES = (88, 24)
"""Since 2.1, with the name of Python's library; before."""
_ENTRY = struct.Struct(">4IBc")
"""size of this, offset, packed size, plain size, whether it is packed, kind"""
_CODE, _OPTION, _MODULES = b"smM", b"o", b"z"
_MOST_TABLE = 16 * 1024 * 1024
_FURTHEST = 16 * 1024 * 1024
"""Bytes behind the cookie: the signature of a program has some 10 for each KiB of it."""
_CHUNK = 1 << 20
_PYZ = b"PYZ\0"
_PYZ_HEADER = struct.Struct(">4s4sI")
"""magic, that of its bytecode, offset of the table"""
_NEWEST = Version(3, 15)
"""What a magic number that nobody knows is taken for."""
_ZLIB = 0x78
_SHORTEST = 8
"""Bytes of what is compressed by zlib."""


class Archive(msgspec.Struct, frozen=True):
    """Where a CArchive lies in a program, and where its table lies in it."""

    start: int
    size: int
    table: int
    table_size: int


class _Entry(msgspec.Struct, frozen=True):
    name: str
    kind: bytes
    offset: int
    size: int
    is_packed: bool


def archive(data: Data, start: int, size: int) -> Archive | None:
    """The CArchive whose cookie is the last in `data[start:start+size]`, if there is one."""
    end = start + size
    low = end
    while low > max(start, end - _FURTHEST):
        high, low = low, max(start, low - _CHUNK)
        found = data.read(low, high - low + len(_COOKIE) - 1).rfind(_COOKIE)
        if found >= 0:
            return _by_cookie(data, low + found)
    return None


def _by_cookie(data: Data, cookie: int) -> Archive | None:
    raw = data.read(cookie, _NUMBERS.size)
    if len(raw) < _NUMBERS.size:
        return None
    size, table, table_size = _NUMBERS.unpack(raw)
    for cookie_size in _COOKIE_SIZES:
        begin = cookie + cookie_size - size
        if begin >= 0 and table + table_size <= size - cookie_size and table_size <= _MOST_TABLE:
            raw = data.read(begin + table, _ENTRY.size)
            if len(raw) == _ENTRY.size and _ENTRY.size < _ENTRY.unpack(raw)[0] <= table_size:
                return Archive(begin, size, table, table_size)
    return None


def inside(data: Data, found: Archive) -> Iterator[Member]:
    """What is in the archive `found` in `data`."""
    part = data.part(found.start, found.size)
    entries = list(_entries(part.read(found.table, found.table_size)))
    modules = next((entry for entry in entries if entry.kind in _MODULES), None)
    magic = part.read(modules.offset + len(_PYZ), 4) if modules else b""
    options = [entry.name for entry in entries if entry.kind in _OPTION]
    if options:
        yield Member("(options)", content="".join(f"{option}\n" for option in options).encode())
    for entry in entries:
        if entry.kind in _OPTION:
            continue
        content = part.part(entry.offset, entry.size)
        if content.size < entry.size:
            yield Member(entry.name, reason=Reason.DAMAGED, detail="it lies behind the end, or partly")
        header = _header(magic) if entry.kind in _CODE else b""
        if entry.is_packed or header:
            yield Member(entry.name, read=_reader(content, header, is_packed=entry.is_packed))
        else:
            yield Member(entry.name, data=content)


def _entries(table: bytes) -> Iterator[_Entry]:
    at = 0
    while at < len(table):
        if len(table) - at < _ENTRY.size:
            raise damaged("its table of contents is cut short")
        length, offset, size, _, is_packed, kind = _ENTRY.unpack_from(table, at)
        if length <= _ENTRY.size:
            raise damaged("an entry of its table of contents makes no sense")
        name = table[at + _ENTRY.size : at + length].partition(b"\0")[0].decode("utf-8", "replace")
        yield _Entry(escape(name.replace("\\", "/")), kind, offset, size, bool(is_packed))
        at += length


def _reader(content: Data, header: bytes, *, is_packed: bool) -> Reader:
    """What is in `content`, behind `header` unless it has one of its own, as modules had in old archives."""
    read: Reader = Cursor(content).read
    if is_packed:
        read = decompress.Stream(read, decompress.zlib)
    if not header:
        return read
    first = read(4)
    return Cursor(None, first if first[2:] == header[2:4] else header + first, read).read


def _version(magic: bytes) -> Version:
    return version_of(int.from_bytes(magic[:2], "little")) or _NEWEST


def _header(magic: bytes) -> bytes:
    """Of a `.pyc` with this magic number: no flags, and no time."""
    return magic.ljust(header_size(int.from_bytes(magic[:2], "little"), _version(magic)), b"\0")


def begins(head: bytes, tail: bytes) -> bool:
    """The magic of a PYZ, and that of bytecode."""
    del tail
    return head.startswith(_PYZ) and head[6:8] == b"\r\n"


def members(data: Data, options: Options) -> Iterator[Item]:
    """The modules of a PYZ, by their names."""
    del options
    _, magic, table = _PYZ_HEADER.unpack(data.read(0, _PYZ_HEADER.size))
    header = _header(magic)
    told = False
    loaded = load(data.read(table, _MOST_TABLE), 0, _version(magic))
    for name, offset, size in _modules(loaded.value):
        part = data.part(offset, size)
        if part.size >= _SHORTEST and part.read(0, 1)[0] == _ZLIB:
            yield Member(name, read=_reader(part, header, is_packed=True))
        elif part.size and not told:  # one gap for all: they have one key
            told = True
            yield Member(name, reason=Reason.ENCRYPTED, detail="encrypted by PyInstaller: its modules are not read")
    if loaded.problem:
        raise damaged(f"its table of contents: {loaded.problem}")


def _modules(table: Constant) -> Iterator[tuple[str, int, int]]:
    """Name, offset and size of each module: in pairs of a name and a kind with these two, or as a dict of those."""
    rows = table.items if isinstance(table, Pairs) else table
    for row in rows if isinstance(rows, (list, tuple)) else ():
        match row:
            case [str() | bytes() as name, [_, int() as offset, int() as size]] if offset >= 0 and size >= 0:
                yield escape(name if isinstance(name, str) else name.decode("utf-8", "replace")), offset, size


FORMAT = Format("a PyInstaller archive of modules", _PYZ[:1], begins, members)
