"""Zip archives and all that are one: wheels, eggs, conda packages, jars, office documents, zipapps, executables.

The central directory at the end says what is in it; bytes in front, between and behind are searched as they are. Where
the directory is damaged, the local headers are followed instead. Source: PKWARE, APPNOTE.TXT 6.3.10.
"""

from __future__ import annotations

import lzma
import struct
from collections.abc import Callable, Iterator

import msgspec
from isal import isal_zlib

from pitviper.engine.data import Cursor, Data, Reader
from pitviper.model.gap import Reason
from pitviper.model.place import escape
from pitviper.unpack import decompress
from pitviper.unpack.distribution import in_zip
from pitviper.unpack.interface import Format, Item, Member, Options, Rest, damaged
from pitviper.unpack.zip_crypto import decrypted

_LOCAL, _CENTRAL, _END, _END64, _LOCATOR = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
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
_LONGEST_COMMENT = 0xFFFF
_ENCRYPTED, _HAS_DESCRIPTOR, _UTF8 = 1, 8, 0x800
_WIDE, _WIDE_SHORT = 0xFFFFFFFF, 0xFFFF
_USUAL_EXTRA = 36
"""Bytes of a local header besides its name that say nothing: sizes, times, owners. What is longer is searched."""
_NOTHING = 24
"""Bytes between two members that only repeat sizes (a data descriptor with zip64's widths)."""
_SLACK = 512
"""Bytes read beyond a member's declared end: its local header may have more extra fields than the directory says."""
_EAGER = 1024 * 1024
"""Packed bytes up to which a member is read with its header in one go."""
_STORED, _DEFLATE, _AES = 0, 8, 99
_CHUNK = 1 << 20


class Entry(msgspec.Struct, gc=False):
    """A member, as the directory or its own header tells. `offset` is that of its local header."""

    name: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int


def begins(head: bytes, tail: bytes) -> bool:
    """A local header in front, or the end record of an archive without a comment behind."""
    return head.startswith((_LOCAL, _END)) or (tail.startswith(_END) and len(tail) == _EOCD.size)


def members(data: Data, options: Options) -> Iterator[Item]:
    """The members by the directory; where that is no good, by the local headers. Then what belongs to none."""
    problem = ""
    try:
        entries = list(directory(data))
    except (struct.error, ValueError) as error:
        entries = list(_by_headers(data))
        if not entries:
            raise
        problem = f"its directory cannot be read ({error}): members were found by their own headers"
    distribution = in_zip([entry.name for entry in entries], _Contents(entries, data, options))
    if distribution:
        yield distribution.identity
    if problem:
        yield Member("(directory)", reason=Reason.DAMAGED, detail=problem)
    covered: list[tuple[int, int]] = []
    for entry in entries:
        try:
            start, stored = _locate(data, entry)
        except (struct.error, ValueError) as error:
            yield Member(entry.name, reason=Reason.DAMAGED, detail=str(error))
            continue
        plain = start - entry.offset <= _HEADER.size + 4 * len(entry.name) + _USUAL_EXTRA
        covered.append((entry.offset if plain else start, start + entry.packed))
        if entry.packed or not entry.name.endswith("/"):
            member = _member(entry, data, start, stored, options)
            if distribution:
                member.facts = distribution.facts(entry.name)
            yield member
    yield from _uncovered(covered, data.size)


def directory(data: Data) -> Iterator[Entry]:
    """The entries of the central directory; raises ValueError or struct.error where it makes no sense."""
    count, size, start, moved = _end(data)
    raw = data.read(start, size)
    position = 0
    for _ in range(count):
        signature, _, _, flags, method, _, _, crc, packed, full, name, extra, comment, _, _, _, offset = (
            _ENTRY.unpack_from(raw, position)
        )
        if signature != _CENTRAL:
            raise ValueError("an entry does not begin as one")
        position += _ENTRY.size
        if _WIDE in (packed, full, offset):
            fields = raw[position + name : position + name + extra]
            full, packed, offset = _wide(fields, full, packed, offset)
        shown = _shown(raw[position : position + name], flags)
        yield Entry(shown, flags, method, crc, packed, full, offset + moved)
        position += name + extra + comment


def _end(data: Data) -> tuple[int, int, int, int]:
    """Number of entries, size and place of the directory, and by how much all is moved (by what stands in front)."""
    low = max(0, data.size - _LONGEST_COMMENT - _EOCD.size)
    tail = data.read(low, data.size - low)
    found = tail.rfind(_END)
    if found < 0:
        raise ValueError("no end record")
    _, _, _, _, count, size, offset, _ = _EOCD.unpack_from(tail, found)
    end = low + found
    if count == _WIDE_SHORT or _WIDE in (size, offset):
        locator = data.read(max(0, end - _LOCATE.size), _LOCATE.size)
        if locator.startswith(_LOCATOR):
            place = _LOCATE.unpack(locator)[2]
            record = data.read(place, _EOCD64.size)
            if not record.startswith(_END64):  # moved, too: it lies just in front of its locator
                place = end - _LOCATE.size - _EOCD64.size
                record = data.read(place, _EOCD64.size)
            if record.startswith(_END64):
                *_, count, size, offset = _EOCD64.unpack(record)
                end = place
    start = end - size
    if start < 0:
        raise ValueError("its directory would begin in front of it")
    return count, size, start, start - offset


def _wide(extra: bytes, full: int, packed: int, offset: int) -> tuple[int, int, int]:
    """Sizes and offset with those that need more than 32 bits, from the extra field 1 (zip64)."""
    while len(extra) >= 4:  # noqa: PLR2004 - two numbers of 16 bits
        kind, size = struct.unpack_from("<2H", extra)
        if kind == 1:
            numbers = iter(struct.unpack_from(f"<{min(size, len(extra) - 4) // 8}Q", extra, 4))
            return tuple(next(numbers, value) if value == _WIDE else value for value in (full, packed, offset))  # type: ignore[return-value]  # three of them
        extra = extra[4 + size :]
    return full, packed, offset


def _by_headers(data: Data) -> Iterator[Entry]:
    """Members found by their local headers, from front to back. One whose size stands behind it ends at the next."""
    position = 0
    while (position := _find(data, _LOCAL, position)) >= 0:
        header = data.read(position, _HEADER.size + _LONGEST_COMMENT)
        try:
            _, _, flags, method, _, _, crc, packed, full, name, extra = _HEADER.unpack_from(header)
        except struct.error:
            return
        if method not in _METHODS and method not in _NAMES and method != _AES:  # chance, in what is packed
            position += len(_LOCAL)
            continue
        start = position + _HEADER.size + name + extra
        if flags & _HAS_DESCRIPTOR or packed == _WIDE:
            behind = [_find(data, mark, start) for mark in (_LOCAL, _CENTRAL)]
            packed = min([place for place in behind if place >= 0], default=data.size) - start
        packed = max(0, min(packed, data.size - start))
        yield Entry(
            _shown(header[_HEADER.size : _HEADER.size + name], flags), flags, method, crc, packed, full, position
        )
        position = start + packed if packed else position + len(_LOCAL)


def _find(data: Data, mark: bytes, position: int) -> int:
    """Where `mark` stands next, at or behind `position`; -1 if nowhere."""
    while chunk := data.read(position, _CHUNK):
        found = chunk.find(mark)
        if found >= 0:
            return position + found
        if len(chunk) < _CHUNK:
            return -1
        position += len(chunk) - len(mark) + 1
    return -1


def _locate(data: Data, entry: Entry) -> tuple[int, bytes | None]:
    """Where the content of `entry` begins, and what is packed there unless that is long."""
    eager = entry.packed if entry.packed <= _EAGER else 0
    raw = data.read(entry.offset, _HEADER.size + len(entry.name) + _SLACK + eager)
    if not raw.startswith(_LOCAL):
        raise ValueError("its local header is not where the directory says")
    *_, name, extra = _HEADER.unpack_from(raw)
    begin = _HEADER.size + name + extra
    start = entry.offset + begin
    stored = raw[begin : begin + entry.packed]
    if eager != entry.packed:
        return start, None
    return start, stored if len(stored) == entry.packed else data.read(start, entry.packed)


def _member(entry: Entry, data: Data, start: int, stored: bytes | None, options: Options) -> Member:
    if entry.flags & _ENCRYPTED:
        return _locked(entry, data.read(start, entry.packed) if stored is None else stored, options)
    if entry.method == _STORED:
        return Member(entry.name, data=data.part(start, entry.packed))
    return _packed(entry, Cursor(data.part(start, entry.packed)).read if stored is None else Cursor(None, stored).read)


def _packed(entry: Entry, read: Reader) -> Member:
    make = _METHODS.get(entry.method)
    if make is None:
        detail = f"compressed by a method that is not supported ({_NAMES.get(entry.method, entry.method)})"
        return Member(entry.name, reason=Reason.UNSUPPORTED, detail=detail)
    return Member(entry.name, read=_Checked(make(read), entry.crc))


def _locked(entry: Entry, packed: bytes, options: Options) -> Member:
    """An encrypted member, opened if one of the user's passwords fits."""
    if entry.method == _AES:
        return Member(entry.name, reason=Reason.ENCRYPTED, detail="encrypted with AES, which is not supported")
    check = entry.crc >> 24
    for password in options.archive_password:
        plain = decrypted(packed, password.encode(), check, has_descriptor=bool(entry.flags & _HAS_DESCRIPTOR))
        if plain is not None:
            return _packed(entry, Cursor(None, plain).read)
    detail = "no --archive-password fits" if options.archive_password else "encrypted: give --archive-password"
    return Member(entry.name, reason=Reason.ENCRYPTED, detail=detail)


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
            start, stored = _locate(self._data, entry)
            member = _member(entry, self._data, start, stored, self._options)
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
    """What `read` gives, compared with the checksum that the archive tells, when all was read."""

    def __init__(self, read: Reader, crc: int) -> None:
        self._read = read
        self._wanted = crc
        self._crc = 0

    def __call__(self, size: int) -> bytes:
        piece = self._read(size)
        if piece:
            self._crc = isal_zlib.crc32(piece, self._crc)
        elif self._crc != self._wanted:
            raise damaged("its checksum does not fit; it was searched as it came out")
        return piece


def _lzma(read: Reader) -> Reader:
    """LZMA as zip has it: version, length and properties in front (APPNOTE 5.8.8), then a raw stream."""

    def make() -> decompress.Decompressor:
        _, size = struct.unpack("<2H", read(4))
        properties = read(size)
        setting = lzma._decode_filter_properties(lzma.FILTER_LZMA1, properties)  # type: ignore[attr-defined]  # noqa: SLF001
        if setting["dict_size"] > decompress.MOST_MEMORY:
            raise damaged("its dictionary would take more memory than allowed")
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
_NAMES = {1: "shrink", 6: "implode", 9: "deflate64", 18: "IBM TERSE", 97: "WavPack", 98: "PPMd"}


def _uncovered(covered: list[tuple[int, int]], size: int) -> Iterator[Rest]:
    """What lies in front of, between and behind the members: an interpreter's line, the directory, a hiding place."""
    position = 0
    for start, end in sorted(covered):
        if start - position > (_NOTHING if position else 0):
            yield Rest(position, start - position)
        position = max(position, end)
    if position < size:
        yield Rest(position, size - position)


def _shown(name: bytes, flags: int) -> str:
    """A name as people read it. Without the flag it is code page 437, by the standard; in practice often UTF-8."""
    if name.isascii():
        return escape(name.decode("ascii"))
    try:
        return escape(name.decode())
    except UnicodeDecodeError:
        return escape(name.decode("utf-8" if flags & _UTF8 else "cp437", "replace"))


FORMAT = Format("a zip archive", b"P", begins, members)
