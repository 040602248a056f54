"""Cabinets (CAB) of Microsoft: stored and MSZIP; LZX and Quantum are gaps.

Files lie one behind the other in folders, each packed as one run of blocks, and are read in that order. Sources:
[MS-CAB], Cabinet File Format; [MS-MCI], MSZIP.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import msgspec

from pitviper.engine.data import Cursor, Data, Reader
from pitviper.model.gap import Reason
from pitviper.model.place import escape
from pitviper.unpack.interface import Format, Item, Member, Options, Refused, Rest, damaged
from pitviper.unpack.pieces import reader

_MAGIC = b"MSCF\0\0\0\0"
_HEADER = struct.Struct("<8xI4xI4x2x5H")
"""size of the cabinet, offset of the files, folders, files, flags, set, number in it"""
_RESERVED = struct.Struct("<H2B")
_FOLDER = struct.Struct("<I2H")
"""offset, blocks, way of packing"""
_FILE = struct.Struct("<2IH6x")
"""size, offset in its folder, folder"""
_BLOCK = struct.Struct("<4x2H")
"""packed size, plain size"""
_UTF8, _NAME_IS_UTF8 = 16, 0x80
_HAS_BEFORE, _HAS_NEXT, _HAS_RESERVED = 1, 2, 4
_STORED, _MSZIP = 0, 1
_WAYS = {2: "Quantum", 3: "LZX"}
_CONTINUED = 0xFFFD
"""From here on, a folder's number means that its file goes on in another cabinet, or comes from one."""
_LONGEST_NAME = 256
_PLAIN_BLOCK = 32768
_PIECE = 1024 * 1024
_MOST_SKIPPED = 1024 * 1024 * 1024
"""Bytes unpacked in vain, all in all."""


class _Folder(msgspec.Struct):
    """A run of blocks; `end` is where the last that was read ends."""

    offset: int
    blocks: int
    way: int
    reserved: int
    end: int = 0


class _File(msgspec.Struct):
    name: str
    size: int
    start: int
    folder: int


def begins(head: bytes, tail: bytes) -> bool:
    """The signature, with zeros behind it."""
    del tail
    return head.startswith(_MAGIC)


def members(data: Data, options: Options) -> Iterator[Item]:
    """The files, folder by folder; then what stands in front of the blocks, and behind them."""
    del options
    folders, files = _directory(data)
    listed: list[list[_File]] = [[] for _ in folders]
    for file in files:
        if file.folder < len(folders):
            listed[file.folder].append(file)
    trouble = _Trouble()
    for folder, inside in zip(folders, listed, strict=True):
        yield from _members(data, folder, sorted(inside, key=lambda file: file.start), trouble)
    yield Rest(0, min(data.size, *(folder.offset for folder in folders)) if folders else data.size)
    end = max((folder.end for folder in folders), default=data.size)
    if end < data.size:
        yield Rest(end, data.size - end)
    if any(file.folder >= _CONTINUED for file in files):
        trouble.meet(Refused(Reason.UNSUPPORTED, "a file goes on in another cabinet"))
    if trouble.first:
        raise trouble.first


class _Trouble:
    """What may still be unpacked in vain, and the first thing that went wrong."""

    def __init__(self) -> None:
        self.left = _MOST_SKIPPED
        self.first: Exception | None = None

    def meet(self, error: Exception) -> None:
        """Something went wrong."""
        self.first = self.first or error


def _members(data: Data, folder: _Folder, files: list[_File], trouble: _Trouble) -> Iterator[Member]:
    """The files of a folder, and what belongs to none of them."""
    if folder.way not in (_STORED, _MSZIP):
        detail = f"packed in a way that is not supported ({_WAYS.get(folder.way, folder.way)})"
        yield from (Member(file.name, reason=Reason.UNSUPPORTED, detail=detail) for file in files)
        folder.end = data.size
        return
    cursor = Cursor(None, b"", reader(_blocks(data, folder)))
    try:
        for file in files:
            if file.start > cursor.position:
                yield Member("(of no file)", read=_next(cursor, file.start - cursor.position))
            if cursor.position > file.start:
                trouble.meet(damaged(f"{file.name}: it would begin in the file before it"))
                continue
            _skip(cursor, file.start, trouble)
            end = cursor.position + file.size
            yield Member(file.name, read=_next(cursor, file.size))
            _skip(cursor, end, trouble)
        rest = cursor.read(_PIECE)
    except Exception as error:  # noqa: BLE001 - libraries raise what they like
        trouble.meet(error)
        return
    if rest:
        yield Member("(of no file)", read=Cursor(None, rest, cursor.read).read)


def _next(cursor: Cursor, size: int) -> Reader:
    """The next `size` bytes. Not the `Bounded` itself: what is read of that counts as unpacked before."""
    return cursor.bounded(size).__call__


def _skip(cursor: Cursor, position: int, trouble: _Trouble) -> None:
    """Go on to `position`, as nobody read that far: a limit was passed, or something is broken."""
    trouble.left -= position - cursor.position
    if trouble.left < 0:
        raise Refused(Reason.OVER_BUDGET, "a file was not read to its end, so nothing behind it is")
    cursor.skip_to(position)


def _directory(data: Data) -> tuple[list[_Folder], list[_File]]:
    _, position, folder_count, file_count, flags, _, _ = _HEADER.unpack(data.read(0, _HEADER.size))
    cursor = Cursor(data)
    cursor.skip_to(_HEADER.size)
    of_header = of_folder = of_block = 0
    if flags & _HAS_RESERVED:
        of_header, of_folder, of_block = _RESERVED.unpack(cursor.read(_RESERVED.size))
    cursor.skip_to(cursor.position + of_header)
    for flag in (_HAS_BEFORE, _HAS_NEXT):
        if flags & flag:
            _string(cursor)
            _string(cursor)
    folders = []
    for _ in range(folder_count):
        offset, blocks, way = _FOLDER.unpack(cursor.read(_FOLDER.size))
        cursor.skip_to(cursor.position + of_folder)
        folders.append(_Folder(offset, blocks, way & 0x0F, of_block))
    cursor.skip_to(position)
    return folders, [_file(cursor) for _ in range(file_count)]


def _file(cursor: Cursor) -> _File:
    raw = cursor.read(_UTF8)
    size, start, folder = _FILE.unpack(raw)
    name = _string(cursor)
    is_utf8 = raw[14] & _NAME_IS_UTF8
    shown = name.decode("utf-8" if is_utf8 else "latin-1", "surrogateescape").replace("\\", "/")
    return _File(escape(shown), size, start, folder)


def _string(cursor: Cursor) -> bytes:
    """Bytes up to a zero."""
    start = cursor.position
    piece = cursor.read(_LONGEST_NAME)
    text, end, _ = piece.partition(b"\0")
    if not end:
        raise damaged("a name does not end")
    cursor.skip_to(start + len(text) + 1)
    return text


def _blocks(data: Data, folder: _Folder) -> Iterator[bytes]:
    """What is in the blocks of `folder`. A block of MSZIP may refer to what came out of the one before it."""
    position = folder.offset
    before = b""
    for _ in range(folder.blocks):
        packed_size, plain_size = _BLOCK.unpack(data.read(position, _BLOCK.size))
        position += _BLOCK.size + folder.reserved
        packed = data.read(position, packed_size)
        position += packed_size
        folder.end = max(folder.end, position)
        if len(packed) < packed_size:
            raise EOFError("it is cut short")
        if folder.way == _MSZIP:
            if not packed.startswith(b"CK"):
                raise damaged("a block does not begin as one")
            packed = zlib.decompressobj(-15, before).decompress(packed[2:], _PLAIN_BLOCK)
        before = packed
        if len(packed) != plain_size:
            raise damaged("a block has another size than it says")
        yield packed


FORMAT = Format("a cabinet", _MAGIC[:1], begins, members)
