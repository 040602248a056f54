"""What the headers of zip archives tell: entries by the directory at the end, and by the headers of members.

Source: PKWARE, APPNOTE.TXT 6.3.10, 4.3.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from itertools import islice

import msgspec

from pitviper.engine.data import Data
from pitviper.model.place import escape
from pitviper.unpack import zip_aes
from pitviper.unpack.zip_methods import AES, METHODS, NAMES

LOCAL, _CENTRAL, END, _END64, _LOCATOR = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_SIGNATURE = b"PK\x05\x05"
"""Of the directory as a whole, behind its entries."""
_HEADER = struct.Struct("<4s5H3I2H")
"""signature, version, flags, method, time, date, crc, packed, size, name's length, extra's length"""
_ENTRY = struct.Struct("<4s6H3I5H2I")
"""signature, made by, version, flags, method, time, date, crc, packed, size, lengths of name, extra and comment, disk,
attributes, attributes, offset"""
EOCD = struct.Struct("<4s4H2IH")
"""signature, disk, disk, entries here, entries, size, offset, comment's length"""
_EOCD64 = struct.Struct("<4sQ2H2I4Q")
"""signature, size of this, versions, disks, entries here, entries, size, offset"""
_LOCATE = struct.Struct("<4sIQI")
"""signature, disk, offset, disks"""
_LONGEST_END = EOCD.size + 0xFFFF
"""Bytes at the end in which the end record stands: a comment follows it, and most readers take any bytes for one."""
ENCRYPTED, _HAS_DESCRIPTOR, STRONG, _UTF8 = 1, 8, 0x40, 0x800
_WIDE = 0xFFFFFFFF
_USUAL_EXTRA = 36
"""Bytes of a local header besides its name that say nothing: sizes, times, owners. What is longer is searched."""
_SLACK = 512
"""Bytes read beyond a member's declared end: its local header may have more extra fields than the directory says."""
_EAGER = 1024 * 1024
"""Packed bytes up to which a member is read with its header in one go."""
CHUNK = 1 << 20
EXTRA = struct.Struct("<2H")
_MOST_FIELDS = 64
"""Extra fields of an entry among which that of zip64 is looked for; tools write a handful."""
_LONGEST_ENTRY = _ENTRY.size + 3 * 0xFFFF
_MARK = re.compile(b"PK(?:\x03\x04|\x01\x02)")
UNKNOWN = -1
"""A checksum that stands behind the content, of which only the header was found."""
MOST_KEPT = 100_000
"""Entries that are in memory at once, and among the first of which a distribution is looked for."""


class Entry(msgspec.Struct, gc=False):
    """A member, as the directory or its own header tells. `offset` is that of its local header."""

    name: str
    flags: int
    method: int
    crc: int
    packed: int
    offset: int
    check: int = 0
    """The byte that tells whether a password fits, with the old encryption."""
    key: int = 0
    """Bytes of the key, if it is encrypted with AES."""


class Place(msgspec.Struct, gc=False):
    """Where the content of an entry begins, and what is packed there unless that is long.

    `covers`: nothing in its own header is worth a look. `own`: the member as that header tells, where it tells another.
    """

    start: int
    stored: bytes | None
    covers: bool
    own: Entry | None


def ends(data: Data) -> bool:
    """Whether an end record is there, and the directory where that says, and a member where that says."""
    try:
        entries = islice(directory(data), MOST_KEPT)
        return any(one.offset >= 0 and data.read(one.offset, len(LOCAL)) == LOCAL for one in entries)
    except (ValueError, struct.error):
        return False


def directory(data: Data) -> Iterator[Entry]:
    """The entries of the central directory; raises ValueError or struct.error where it makes no sense.

    It is read as far as it is said to be long. The number of its entries, which nobody needs, may be anything.
    """
    size, start, moved = _end(data)
    raw, base, position = b"", 0, 0
    while base + position < size:
        if len(raw) - position < _LONGEST_ENTRY and base + len(raw) < size:
            base += position
            raw, position = data.read(start + base, min(CHUNK, size - base)), 0
        if raw.startswith(_SIGNATURE, position):
            return
        signature, _, _, flags, method, time, _, crc, packed, full, name, extra, comment, _, _, _, offset = (
            _ENTRY.unpack_from(raw, position)
        )
        if signature != _CENTRAL:
            raise ValueError("an entry does not begin as one")
        position += _ENTRY.size
        if _WIDE in (packed, full, offset):
            fields = raw[position + name : position + name + extra]
            packed, offset = _wide(fields, full, packed, offset)
        shown = _shown(raw[position : position + name], flags)
        entry = Entry(shown, flags, method, crc, packed, offset + moved, _check(flags, time, crc))
        yield _sealed(entry, raw[position + name : position + name + extra]) if method == AES else entry
        position += name + extra + comment


def _check(flags: int, time: int, crc: int) -> int:
    """The byte that ends the header of what is encrypted: of the checksum, or of the time if that was known later."""
    return time >> 8 if flags & _HAS_DESCRIPTOR else crc >> 24


def _end(data: Data) -> tuple[int, int, int]:
    """Size and place of the directory, and by how much all is moved (by what stands in front)."""
    low = max(0, data.size - _LONGEST_END)
    tail = data.read(low, data.size - low)
    found = tail.rfind(END)
    if found < 0:
        raise ValueError("no end record")
    *_, size, offset, _ = EOCD.unpack_from(tail, found)
    end = low + found
    locator = data.read(max(0, end - _LOCATE.size), _LOCATE.size)
    if locator.startswith(_LOCATOR):  # also where no number needs it, as some tools have it
        place = _LOCATE.unpack(locator)[2]
        record = data.read(place, _EOCD64.size)
        if not record.startswith(_END64):  # moved, too: it lies just in front of its locator
            place = end - _LOCATE.size - _EOCD64.size
            record = data.read(place, _EOCD64.size)
        if record.startswith(_END64):
            *_, size, offset = _EOCD64.unpack(record)
            end = place
    start = end - size
    if start < 0:
        raise ValueError("its directory would begin in front of it")
    return size, start, start - offset


def _wide(extra: bytes, full: int, packed: int, offset: int) -> tuple[int, int]:
    """The packed size and the offset, if need be in 64 bits, from the extra field 1 (zip64)."""
    field = _field(extra, 1)
    numbers = struct.iter_unpack("<Q", field[: len(field) // 8 * 8])
    _, packed, offset = (next(numbers, (value,))[0] if value == _WIDE else value for value in (full, packed, offset))
    return packed, offset


def _sealed(entry: Entry, extra: bytes) -> Entry:
    """`entry`, which is encrypted with AES, as an extra field tells what is in it."""
    if told := zip_aes.told(_field(extra, zip_aes.FIELD)):
        entry.key, entry.method, has_crc = told
        entry.crc = entry.crc if has_crc else UNKNOWN
    return entry


def _field(extra: bytes, wanted: int) -> bytes:
    """The extra field of a kind; nothing if there is none."""
    position = 0
    for _ in range(_MOST_FIELDS):
        if len(extra) - position < EXTRA.size:
            break
        kind, size = EXTRA.unpack_from(extra, position)
        position += EXTRA.size
        if kind == wanted:
            return extra[position : position + size]
        position += size
    return b""


def by_headers(data: Data, low: int, high: int) -> Iterator[Entry]:
    """Members whose headers stand in `low:high`, from front to back; one whose size follows it ends at the next one."""
    marks = _marks(data, low, high)
    mark = next(marks, None)
    end = 0
    while mark:
        (position, kind), mark = mark, next(marks, None)
        header = data.read(position, _HEADER.size)
        if kind != LOCAL or position < end or len(header) < _HEADER.size:
            continue
        _, _, flags, method, time, _, crc, packed, _, name, extra = _HEADER.unpack(header)
        if method not in METHODS and method not in NAMES:  # chance, in what is packed
            continue
        start = position + _HEADER.size + name + extra
        if flags & _HAS_DESCRIPTOR or packed == _WIDE:
            while mark and mark[0] < start:
                mark = next(marks, None)
            packed = (mark[0] if mark else high) - start
            crc = crc or UNKNOWN
        packed = max(0, min(packed, data.size - start))
        shown = _shown(data.read(position + _HEADER.size, name), flags)
        entry = Entry(shown, flags, method, crc, packed, position, _check(flags, time, crc))
        yield _sealed(entry, data.read(start - extra, extra)) if method == AES else entry
        end = start + packed


def _marks(data: Data, low: int, high: int) -> Iterator[tuple[int, bytes]]:
    """Where in `low:high` headers, and entries of a directory, may stand."""
    position = low
    while chunk := data.read(position, min(CHUNK, high - position)):
        for found in _MARK.finditer(chunk):
            yield position + found.start(), found[0]
        if len(chunk) < CHUNK:
            return
        position += len(chunk) - len(LOCAL) + 1


def locate(data: Data, entry: Entry) -> Place:
    """Where the content of `entry` is. Raises ValueError where its own header is not."""
    if entry.offset < 0:
        raise ValueError("it would lie in front of the archive")
    eager = entry.packed if entry.packed <= _EAGER else 0
    raw = data.read(entry.offset, _HEADER.size + len(entry.name) + _SLACK + eager)
    if not raw.startswith(LOCAL):
        raise ValueError("its local header is not where the directory says")
    _, _, flags, method, time, _, crc, packed, _, name, extra = _HEADER.unpack_from(raw)
    begin = _HEADER.size + name + extra
    is_late = bool(flags & _HAS_DESCRIPTOR)
    own = None
    if method not in (entry.method, AES) or (not is_late and packed not in (entry.packed, 0, _WIDE)):
        packed = entry.packed if is_late or packed == _WIDE else packed
        own = Entry(entry.name, flags, method, crc or UNKNOWN, packed, entry.offset, _check(flags, time, crc))
    is_known = extra <= _USUAL_EXTRA and _shown(raw[_HEADER.size : _HEADER.size + name], entry.flags) == entry.name
    covers = is_known and not (is_late and method and not entry.packed)  # who reads on there finds where it ends
    start = entry.offset + begin
    stored = None
    if eager == entry.packed:
        stored = raw[begin : begin + entry.packed]
        stored = stored if len(stored) == entry.packed else data.read(start, entry.packed)
    return Place(start, stored, covers, own)


def _shown(name: bytes, flags: int) -> str:
    """A name as people read it. Without the flag it is code page 437, by the standard; in practice often UTF-8."""
    if name.isascii():
        return escape(name.decode("ascii"))
    try:
        return escape(name.decode())
    except UnicodeDecodeError:
        return escape(name.decode("utf-8" if flags & _UTF8 else "cp437", "replace"))
