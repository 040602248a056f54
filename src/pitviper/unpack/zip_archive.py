"""Zip archives and all that are one: wheels, eggs, conda packages, jars, office documents, zipapps, executables.

The central directory at the end says what is in it. Members that it does not name, because it is damaged or because it
lies, are found by their own headers: whoever unpacks from front to back gets them. Bytes in front, between and behind
are searched as they are. Source: PKWARE, APPNOTE.TXT 6.3.10.
"""

from __future__ import annotations

import lzma
import re
import struct
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import msgspec
from isal import isal_zlib

from pitviper.engine.data import Cursor, Data, Reader
from pitviper.model.gap import Reason
from pitviper.model.place import escape
from pitviper.unpack import decompress, zip_aes, zip_crypto
from pitviper.unpack.distribution import in_zip
from pitviper.unpack.interface import FRONT, HEAD, Format, Item, Member, Options, Refused, Rest, damaged, locked
from pitviper.unpack.sections import is_program

_LOCAL, _CENTRAL, _END, _END64, _LOCATOR = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_SIGNATURE = b"PK\x05\x05"
"""Of the directory as a whole, behind its entries."""
_HEADER = struct.Struct("<4s5H3I2H")
"""signature, version, flags, method, time, date, crc, packed, size, name's length, extra's length"""
_ENTRY = struct.Struct("<4s6H3I5H2I")
"""signature, made by, version, flags, method, time, date, crc, packed, size, lengths of name, extra and comment, disk,
attributes, attributes, offset"""
_EOCD = struct.Struct("<4s4H2IH")
"""signature, disk, disk, entries here, entries, size, offset, comment's length"""
_EOCD64 = struct.Struct("<4sQ2H2I4Q")
"""signature, size of this, versions, disks, entries here, entries, size, offset"""
_LOCATE = struct.Struct("<4sIQI")
"""signature, disk, offset, disks"""
_LONGEST_END = _EOCD.size + 0xFFFF
"""Bytes at the end in which the end record stands: a comment follows it, and most readers take any bytes for one."""
_ENCRYPTED, _HAS_DESCRIPTOR, _STRONG, _UTF8 = 1, 8, 0x40, 0x800
_WIDE = 0xFFFFFFFF
_USUAL_EXTRA = 36
"""Bytes of a local header besides its name that say nothing: sizes, times, owners. What is longer is searched."""
_NOTHING = 24
"""Bytes between two members that only repeat sizes (a data descriptor with zip64's widths)."""
_SLACK = 512
"""Bytes read beyond a member's declared end: its local header may have more extra fields than the directory says."""
_EAGER = 1024 * 1024
"""Packed bytes up to which a member is read with its header in one go."""
_SMALL = 512 * 1024
"""Bytes of a member that is unpacked in one go; less than a buffer."""
_STORED, _DEFLATE, _AES = 0, 8, 99
_CHUNK = 1 << 20
_EXTRA = struct.Struct("<2H")
_MOST_FIELDS = 64
"""Extra fields of an entry among which that of zip64 is looked for; tools write a handful."""
_LONGEST_ENTRY = _ENTRY.size + 3 * 0xFFFF
_MARK = re.compile(b"PK(?:\x03\x04|\x01\x02)")
_UNKNOWN = -1
"""A checksum that stands behind the content, of which only the header was found."""
_MOST_KEPT = 100_000
"""Entries that are in memory at once, and among the first of which a distribution is looked for."""
_MOST_OVERLAP = 8
"""Members may share what is packed: copies of a file do, written by tools that save space; and so do bombs."""
_BROKEN = (OSError, ValueError, EOFError, struct.error, lzma.LZMAError)


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


class _Place(msgspec.Struct, gc=False):
    """Where the content of an entry begins, and what is packed there unless that is long.

    `covers`: nothing in its own header is worth a look. `own`: the member as that header tells, where it tells another.
    """

    start: int
    stored: bytes | None
    covers: bool
    own: Entry | None


def begins(head: bytes, tail: bytes) -> bool:
    """A local header in front, or the end record of an archive without a comment behind."""
    return head.startswith((_LOCAL, _END)) or (tail.startswith(_END) and len(tail) == _EOCD.size)


def ends(data: Data) -> bool:
    """Whether an end record is there, and the directory where that says, and a member where that says."""
    try:
        entries = islice(directory(data), _MOST_KEPT)
        return any(one.offset >= 0 and data.read(one.offset, len(_LOCAL)) == _LOCAL for one in entries)
    except (ValueError, struct.error):
        return False


def members(data: Data, options: Options) -> Iterator[Item]:  # noqa: C901 - a branch for each kind of rest
    """The members by the directory, those that only their own headers tell of, and what belongs to none."""
    listed = _Listed(data)
    first = listed.some()
    distribution = in_zip([entry.name for entry in first], _Contents(first, data, options))
    if distribution:
        yield distribution.identity
    covered = _Covered(data.size)
    for entry in _all(listed, first, data, covered):
        if covered.packed > _MOST_OVERLAP * data.size:
            detail = f"its members lie in each other: together they are more than {_MOST_OVERLAP} times its size"
            yield Member("(directory)", reason=Reason.OVER_BUDGET, detail=detail)
            break
        facts = distribution.facts(entry.name) if distribution else {}
        try:
            yield from _member_and_rest(entry, data, options, facts, covered)
        except Refused as error:
            yield Member(entry.name, reason=error.reason, detail=error.detail)
        except _BROKEN as error:
            yield Member(entry.name, reason=Reason.DAMAGED, detail=str(error))
    for low, high in covered.others():
        front = data.part(0, high)
        if _is_front(data, low, high):
            yield Member(FRONT, data=front)
        elif not low and high < data.size and is_program(front.read(0, HEAD)):
            yield Member(FRONT, data=front, inherits=True)
        else:
            yield Rest(low, high - low)
    if listed.problem:
        if not covered.packed:
            raise damaged(listed.problem)
        detail = f"its directory cannot be read ({listed.problem}): members were found by their own headers"
        yield Member("(directory)", reason=Reason.DAMAGED, detail=detail)


class _Listed:
    """The entries of the directory, some at a time, as far as it can be read; in the end `problem` tells how far."""

    def __init__(self, data: Data) -> None:
        self._entries = directory(data)
        self.problem = ""

    def some(self) -> list[Entry]:
        """The next entries; none behind the last."""
        some: list[Entry] = []
        try:
            some.extend(islice(self._entries, _MOST_KEPT))  # what came before an error stays in it
        except (struct.error, ValueError) as error:
            self.problem = str(error)
        return some


def _all(listed: _Listed, first: list[Entry], data: Data, covered: _Covered) -> Iterator[Entry]:
    """The entries of the directory, of which the `first` are known; then those in what they do not cover."""
    some = first
    while some:
        yield from some
        some.clear()
        some = listed.some()
    for low, high in list(covered.others()):
        if not _is_front(data, low, high):
            yield from _by_headers(data, low, high)


def _is_front(data: Data, low: int, high: int) -> bool:
    """Whether `low:high`, which belongs to no member, is an archive in front of the one that the directory tells of."""
    return not low and high < data.size and ends(data.part(0, high))


def directory(data: Data) -> Iterator[Entry]:
    """The entries of the central directory; raises ValueError or struct.error where it makes no sense.

    It is read as far as it is said to be long. The number of its entries, which nobody needs, may be anything.
    """
    size, start, moved = _end(data)
    raw, base, position = b"", 0, 0
    while base + position < size:
        if len(raw) - position < _LONGEST_ENTRY and base + len(raw) < size:
            base += position
            raw, position = data.read(start + base, min(_CHUNK, size - base)), 0
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
        yield _sealed(entry, raw[position + name : position + name + extra]) if method == _AES else entry
        position += name + extra + comment


def _check(flags: int, time: int, crc: int) -> int:
    """The byte that ends the header of what is encrypted: of the checksum, or of the time if that was known later."""
    return time >> 8 if flags & _HAS_DESCRIPTOR else crc >> 24


def _end(data: Data) -> tuple[int, int, int]:
    """Size and place of the directory, and by how much all is moved (by what stands in front)."""
    low = max(0, data.size - _LONGEST_END)
    tail = data.read(low, data.size - low)
    found = tail.rfind(_END)
    if found < 0:
        raise ValueError("no end record")
    *_, size, offset, _ = _EOCD.unpack_from(tail, found)
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
        entry.crc = entry.crc if has_crc else _UNKNOWN
    return entry


def _field(extra: bytes, wanted: int) -> bytes:
    """The extra field of a kind; nothing if there is none."""
    position = 0
    for _ in range(_MOST_FIELDS):
        if len(extra) - position < _EXTRA.size:
            break
        kind, size = _EXTRA.unpack_from(extra, position)
        position += _EXTRA.size
        if kind == wanted:
            return extra[position : position + size]
        position += size
    return b""


def _by_headers(data: Data, low: int, high: int) -> Iterator[Entry]:
    """Members whose headers stand in `low:high`, from front to back; one whose size follows it ends at the next one."""
    marks = _marks(data, low, high)
    mark = next(marks, None)
    end = 0
    while mark:
        (position, kind), mark = mark, next(marks, None)
        header = data.read(position, _HEADER.size)
        if kind != _LOCAL or position < end or len(header) < _HEADER.size:
            continue
        _, _, flags, method, time, _, crc, packed, _, name, extra = _HEADER.unpack(header)
        if method not in _METHODS and method not in _NAMES:  # chance, in what is packed
            continue
        start = position + _HEADER.size + name + extra
        if flags & _HAS_DESCRIPTOR or packed == _WIDE:
            while mark and mark[0] < start:
                mark = next(marks, None)
            packed = (mark[0] if mark else high) - start
            crc = crc or _UNKNOWN
        packed = max(0, min(packed, data.size - start))
        shown = _shown(data.read(position + _HEADER.size, name), flags)
        entry = Entry(shown, flags, method, crc, packed, position, _check(flags, time, crc))
        yield _sealed(entry, data.read(start - extra, extra)) if method == _AES else entry
        end = start + packed


def _marks(data: Data, low: int, high: int) -> Iterator[tuple[int, bytes]]:
    """Where in `low:high` headers, and entries of a directory, may stand."""
    position = low
    while chunk := data.read(position, min(_CHUNK, high - position)):
        for found in _MARK.finditer(chunk):
            yield position + found.start(), found[0]
        if len(chunk) < _CHUNK:
            return
        position += len(chunk) - len(_LOCAL) + 1


def _locate(data: Data, entry: Entry) -> _Place:
    """Where the content of `entry` is. Raises ValueError where its own header is not."""
    if entry.offset < 0:
        raise ValueError("it would lie in front of the archive")
    eager = entry.packed if entry.packed <= _EAGER else 0
    raw = data.read(entry.offset, _HEADER.size + len(entry.name) + _SLACK + eager)
    if not raw.startswith(_LOCAL):
        raise ValueError("its local header is not where the directory says")
    _, _, flags, method, time, _, crc, packed, _, name, extra = _HEADER.unpack_from(raw)
    begin = _HEADER.size + name + extra
    is_late = bool(flags & _HAS_DESCRIPTOR)
    own = None
    if method not in (entry.method, _AES) or (not is_late and packed not in (entry.packed, 0, _WIDE)):
        packed = entry.packed if is_late or packed == _WIDE else packed
        own = Entry(entry.name, flags, method, crc or _UNKNOWN, packed, entry.offset, _check(flags, time, crc))
    is_known = extra <= _USUAL_EXTRA and _shown(raw[_HEADER.size : _HEADER.size + name], entry.flags) == entry.name
    covers = is_known and not (is_late and method and not entry.packed)  # who reads on there finds where it ends
    start = entry.offset + begin
    stored = None
    if eager == entry.packed:
        stored = raw[begin : begin + entry.packed]
        stored = stored if len(stored) == entry.packed else data.read(start, entry.packed)
    return _Place(start, stored, covers, own)


def _member_and_rest(
    entry: Entry, data: Data, options: Options, facts: dict[str, Any], covered: _Covered
) -> Iterator[Item]:
    """The member, unless it is a folder, and what stands in its place without belonging to it."""
    place = _locate(data, entry)
    covered.add(entry, place)
    member, packing = _member(entry, data, place, options)
    member.facts = facts
    if entry.packed or not entry.name.endswith("/"):
        yield member
    if entry.method == _STORED and place.start + entry.packed > data.size:
        yield Member(entry.name, reason=Reason.DAMAGED, detail="it is cut short")
    if packing and packing.left > _NOTHING:
        yield Rest(place.start + entry.packed - packing.left, packing.left)
    if place.own:
        yield from _member_and_rest(place.own, data, options, facts, covered)


def _member(entry: Entry, data: Data, place: _Place, options: Options) -> tuple[Member, _Checked | None]:
    """The member, and what unpacks it if it is packed."""
    start, stored = place.start, place.stored
    is_encrypted = entry.flags & _ENCRYPTED
    if entry.method == _STORED and not is_encrypted:
        return Member(entry.name, data=data.part(start, entry.packed)), None
    if entry.method == _DEFLATE and not is_encrypted and stored is not None and (content := _inflated(entry, stored)):
        return Member(entry.name, content=content), None
    make = _METHODS.get(entry.method)
    if make is None:
        detail = f"compressed by a method that is not supported ({_NAMES.get(entry.method, entry.method)})"
        return Member(entry.name, reason=Reason.UNSUPPORTED, detail=detail), None
    cursor = Cursor(data.part(start, entry.packed)) if stored is None else Cursor(None, stored)
    read = _opened(entry, cursor, options) if is_encrypted else cursor.read
    checked = _Checked(entry, cursor, _proved(make(read), read) if entry.key else make(read))
    return Member(entry.name, read=checked), None if is_encrypted else checked


def _inflated(entry: Entry, stored: bytes) -> bytes:
    """What small members, which most are, hold: without the readers that big and broken ones need, for a third of it.

    Nothing where it is not small, where anything is wrong, or if it holds nothing.
    """
    inflating = decompress.deflate()
    try:
        content = inflating.decompress(stored, _SMALL)
    except Exception:  # noqa: BLE001 - told when it is read the long way
        return b""
    whole = inflating.eof and not inflating.unused_data and isal_zlib.crc32(content) == entry.crc
    return content if whole else b""


def _opened(entry: Entry, cursor: Cursor, options: Options) -> Reader:
    """A reader of what is encrypted, if one of the user's passwords fits. Raises `Refused`."""
    if entry.flags & _STRONG:
        raise Refused(Reason.ENCRYPTED, "encrypted in a way that only PKZIP knows")
    passwords = [password.encode("utf-8", "surrogateescape") for password in options.archive_password]
    if entry.key:
        read = zip_aes.decrypted(cursor, entry.packed, entry.key, passwords)
    else:
        header = cursor.read(zip_crypto.HEADER)
        fitting = (zip_crypto.decrypted(header, cursor.read, password, entry.check) for password in passwords)
        read = next((one for one in fitting if one), None)
    if read is None:
        raise locked(options.archive_password)
    return read


def _proved(plain: Reader, opened: Reader) -> Reader:
    """`plain`, unpacked from `opened`; then what is left of that, because the code that proves it stands at its end."""

    def read(size: int) -> bytes:
        piece = plain(size)
        while not piece and opened(_CHUNK):
            pass
        return piece

    return read


class _Contents:
    """Contents of members by name; of those with the same name the last counts, as with most who unpack."""

    def __init__(self, entries: list[Entry], data: Data, options: Options) -> None:
        self._entries = entries
        self._data = data
        self._options = options

    def __call__(self, name: str, most: int) -> bytes:
        """The first bytes of the member `name`, at most `most`; none where it cannot be read."""
        entry = next((entry for entry in reversed(self._entries) if entry.name == name), None)
        if entry is None:
            return b""
        try:
            member, _ = _member(entry, self._data, _locate(self._data, entry), self._options)
            if member.content is not None:
                return member.content[:most]
            read = Cursor(member.data).read if member.data is not None else member.read
            return _first(read, most) if read else b""
        except Exception:  # noqa: BLE001 - told when the member is read in its turn
            return b""


def _first(read: Reader, most: int) -> bytes:
    pieces: list[bytes] = []
    while most > 0 and (piece := read(min(most, _CHUNK))):
        pieces.append(piece)
        most -= len(piece)
    return b"".join(pieces)


class _Checked:
    """What `read` gives, which unpacks what `cursor` gives, compared with the checksum that the archive tells.

    `left`: bytes behind the end of what was packed that belong to the entry all the same.
    """

    def __init__(self, entry: Entry, cursor: Cursor, read: Reader) -> None:
        self._entry = entry
        self._cursor = cursor
        self._read = read
        self._crc = 0
        self.left = 0

    def __call__(self, size: int) -> bytes:
        piece = self._read(size)
        if piece:
            self._crc = isal_zlib.crc32(piece, self._crc)
            return piece
        if isinstance(self._read, decompress.Stream):
            self.left = self._entry.packed - self._cursor.position + len(self._read.rest)
        if self._entry.crc not in (self._crc, _UNKNOWN):
            raise damaged("its checksum does not fit; it was searched as it came out")
        return b""


def _lzma(read: Reader) -> Reader:
    """LZMA as zip has it: version, length and properties in front (APPNOTE 5.8.8), then a raw stream."""

    def make() -> decompress.Decompressor:
        _, size = _EXTRA.unpack(read(_EXTRA.size))
        properties = read(size)
        setting = lzma._decode_filter_properties(lzma.FILTER_LZMA1, properties)  # type: ignore[attr-defined]  # noqa: SLF001
        if setting["dict_size"] > decompress.MOST_MEMORY:
            raise Refused(Reason.OVER_BUDGET, f"its dictionary takes more than {decompress.MOST_MEMORY:,} bytes")
        return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[setting])

    return _Raw(read, make)


class _Raw(decompress.Stream):
    """A raw LZMA stream may lack its end mark: then it ends with its input."""

    def __call__(self, size: int) -> bytes:
        try:
            return super().__call__(size)
        except EOFError:
            return b""


_METHODS: dict[int, Callable[[Reader], Reader]] = {
    _STORED: lambda read: read,
    _DEFLATE: lambda read: decompress.Stream(read, decompress.deflate),
    12: lambda read: decompress.Stream(read, decompress.bzip2),
    14: _lzma,
    93: lambda read: decompress.Stream(read, decompress.zstandard),
    95: lambda read: decompress.Stream(read, decompress.xz),
}
_NAMES = {
    1: "shrink",
    6: "implode",
    9: "deflate64",
    18: "IBM TERSE",
    97: "WavPack",
    98: "PPMd",
    _AES: "AES, without saying how strong",
}


class _Covered:
    """What of an archive its members cover."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._parts: list[tuple[int, int]] = []
        self.packed = 0

    def add(self, entry: Entry, place: _Place) -> None:
        """`entry`, whose content is at `place`."""
        self.packed += entry.packed
        first, last = entry.offset if place.covers else place.start, place.start + entry.packed
        if self._parts and 0 <= first - self._parts[-1][1] <= _NOTHING:
            first = self._parts.pop()[0]
        if first < last:
            self._parts.append((first, last))

    def others(self) -> Iterator[tuple[int, int]]:
        """What lies in front of, between and behind them: an interpreter's line, the directory, a hiding place."""
        position = 0
        for start, end in sorted(self._parts):
            if start - position > (_NOTHING if position else 0):
                yield position, start
            position = max(position, end)
        if position < self._size:
            yield position, self._size


def _shown(name: bytes, flags: int) -> str:
    """A name as people read it. Without the flag it is code page 437, by the standard; in practice often UTF-8."""
    if name.isascii():
        return escape(name.decode("ascii"))
    try:
        return escape(name.decode())
    except UnicodeDecodeError:
        return escape(name.decode("utf-8" if flags & _UTF8 else "cp437", "replace"))


FORMAT = Format("a zip archive", b"P", begins, members)
