"""Images of CDs and DVDs: ISO 9660, with the names of Joliet or Rock Ridge.

Both trees are followed, as one may hold what the other hides; a file that both name is told once. What no file covers
is searched as it is. Sources: ECMA-119; the Joliet Specification; IEEE P1281 (SUSP) and P1282 (Rock Ridge).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import msgspec

from pitviper.engine.data import Data
from pitviper.model.gap import Reason
from pitviper.model.place import escape
from pitviper.unpack.interface import Format, Item, Member, Options, Refused, Rest, damaged

_SECTOR = 2048
_SYSTEM_AREA = 16 * _SECTOR
_MARK = b"CD001"
_PRIMARY, _SUPPLEMENTARY, _END = 1, 2, 255
_JOLIET = (b"%/@", b"%/C", b"%/E")
_MOST_DESCRIPTORS = 64
_OVERLAP = 4
"""How many times the image's size all files may have together: some share their bytes, by links or to be a bomb."""
_MOST_OF_FOLDERS = 64 * 1024 * 1024
"""Bytes of all folders of an image: a million files take about as many."""
_RECORD = struct.Struct("<BxI4xI4x7xB6xB")
"""length, extent, size, flags, name's length; of numbers that stand twice, the little-endian one"""
_FOLDER, _GOES_ON = 2, 0x80
_ROOT = 156
_ESCAPES = 88
_BOOT = b"\x55\xaa"
"""At 510, where an image can also be started from a disk."""
_BLOCK = 512
_NAME, _CONTINUED = b"NM", b"CE"
_CONTINUATION = struct.Struct("<4xI4xI4xI4x")
"""extent, offset, size; each twice"""
_MOST_CONTINUATIONS = 8


class _File(msgspec.Struct):
    """A file, or the folder that holds some."""

    name: str
    start: int
    size: int
    is_folder: bool = False


def begins(head: bytes, tail: bytes) -> bool:
    """An empty system area, or one to start from; the mark stands too far behind, so `members` looks for it."""
    del tail
    if head[510:512] == _BOOT:
        return True
    return len(head) >= _BLOCK and head.startswith(bytes(_BLOCK))


def is_one(data: Data) -> bool:
    """Whether the mark stands where it should, whatever the system area holds."""
    return data.read(_SYSTEM_AREA + 1, len(_MARK)) == _MARK


def members(data: Data, options: Options) -> Iterator[Item]:
    """The files of all trees, then what belongs to none."""
    del options
    trees = [_tree(*found) for found in _descriptors(data)]
    if not trees:
        yield Rest(0, data.size)
        return
    covered: dict[int, int] = {}
    problem: Exception | None = None
    try:
        for file in _files(data, sorted(trees, key=lambda tree: not tree[1])):
            end = min(file.start + file.size, data.size)
            if end > covered.get(file.start, file.start):
                covered[file.start] = end
                yield Member(escape(file.name), data=data.part(file.start, file.size))
            if end - file.start < file.size and not problem:
                problem = damaged(f"{file.name}: it lies behind the end, or partly")
    except (ValueError, struct.error, Refused) as error:
        problem = error
    yield from _uncovered(data, covered)
    if problem:
        raise problem


def _descriptors(data: Data) -> Iterator[tuple[int, bytes]]:
    """The volume descriptors, with their types."""
    for number in range(_MOST_DESCRIPTORS):
        sector = data.read(_SYSTEM_AREA + number * _SECTOR, _SECTOR)
        if sector[1:6] != _MARK or len(sector) < _SECTOR or sector[0] == _END:
            return
        if sector[0] in (_PRIMARY, _SUPPLEMENTARY):
            yield sector[0], sector


def _tree(kind: int, sector: bytes) -> tuple[_File, bool]:
    """The root of a tree, and whether its names are those of Joliet."""
    _, start, size, _, _ = _RECORD.unpack_from(sector, _ROOT)
    return _File("", start * _SECTOR, size, is_folder=True), kind == _SUPPLEMENTARY and sector[_ESCAPES:91] in _JOLIET


def _files(data: Data, trees: list[tuple[_File, bool]]) -> Iterator[_File]:
    """All files of `trees`, each folder once."""
    seen: set[tuple[int, bool]] = set()
    left = _MOST_OF_FOLDERS
    most = _OVERLAP * data.size
    for root, is_joliet in trees:
        stack = [root]
        while stack:
            folder = stack.pop()
            if (folder.start, is_joliet) in seen:
                continue
            seen.add((folder.start, is_joliet))
            left -= folder.size
            if left < 0:
                raise damaged(f"its folders have more than {_MOST_OF_FOLDERS:,} bytes")
            raw = data.read(folder.start, folder.size)
            below = []
            for entry in _joined(_entries(data, raw, is_joliet=is_joliet)):
                entry.name = f"{folder.name}/{entry.name}" if folder.name else entry.name
                if entry.is_folder:
                    below.append(entry)
                elif entry.size:
                    most -= min(entry.size, data.size)
                    yield entry
                if most < 0:
                    raise Refused(Reason.OVER_BUDGET, f"its files together have more than {_OVERLAP} times its size")
            stack += reversed(below)


def _joined(entries: Iterator[tuple[_File, int]]) -> Iterator[_File]:
    """Entries, with those of a file that goes on right behind itself as one."""
    last: _File | None = None
    goes_on = 0
    for entry, flags in entries:
        if last and goes_on and last.start + last.size == entry.start:
            last.size += entry.size
        else:
            if last:
                yield last
            last = entry
        goes_on = flags & _GOES_ON
    if last:
        yield last


def _entries(data: Data, raw: bytes, *, is_joliet: bool) -> Iterator[tuple[_File, int]]:
    """The records of a folder, but for itself and its parent; each with its flags."""
    position = 0
    while position + _RECORD.size < len(raw):
        length, start, size, flags, name_size = _RECORD.unpack_from(raw, position)
        if not length:  # none crosses the end of a sector
            position += _SECTOR - position % _SECTOR
            continue
        record = raw[position : position + length]
        position += length
        name = record[_RECORD.size : _RECORD.size + name_size]
        if length <= _RECORD.size or len(name) < name_size:
            raise damaged("a record of a folder makes no sense")
        if name not in (b"\0", b"\1"):
            used = record[_RECORD.size + name_size + (1 - name_size % 2) :]
            shown = name.decode("utf-16-be", "replace") if is_joliet else _rock_ridge(data, used) or _plain(name)
            yield _File(shown.replace("\0", ""), start * _SECTOR, size, bool(flags & _FOLDER)), flags


def _plain(name: bytes) -> str:
    """A name without its version."""
    return name.partition(b";")[0].rstrip(b".").decode("latin-1")


def _rock_ridge(data: Data, used: bytes) -> str:
    """The name in the fields behind a record, and where these go on; empty if there is none."""
    name = b""
    for _ in range(_MOST_CONTINUATIONS):
        further = b""
        while len(used) > 4 and 4 <= used[2] <= len(used):  # noqa: PLR2004 - signature, length, version
            field, used = used[: used[2]], used[used[2] :]
            if field.startswith(_NAME):
                name += field[5:]
            elif field.startswith(_CONTINUED) and len(field) >= _CONTINUATION.size:
                start, offset, size = _CONTINUATION.unpack_from(field)
                further = data.read(start * _SECTOR + offset, min(size, _SECTOR))
        if not further:
            break
        used = further
    return name.decode("utf-8", "surrogateescape")


def _uncovered(data: Data, covered: dict[int, int]) -> Iterator[Rest]:
    """What lies around the files, but for padding."""
    position = 0
    for start, end in [*sorted(covered.items()), (data.size, data.size)]:
        gap = start - position
        if gap >= _SECTOR or (gap > 0 and data.read(position, gap).strip(b"\0")):
            yield Rest(position, gap)
        position = max(position, end)


FORMAT = Format("an ISO 9660 image", b"\0\x33\x45", begins, members)
