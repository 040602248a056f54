"""Zip archives and all that are one: wheels, eggs, conda packages, jars, office documents, zipapps, executables.

The central directory at the end says what is in it. Members that it does not name, because it is damaged or because it
lies, are found by their own headers: whoever unpacks from front to back gets them. Bytes in front, between and behind
are searched as they are. Source: PKWARE, APPNOTE.TXT 6.3.10.
"""

from __future__ import annotations

import lzma
import struct
from collections.abc import Iterator
from itertools import islice
from typing import Any

from isal import isal_zlib

from pitviper.engine.data import Cursor, Data, Reader
from pitviper.model.gap import Reason
from pitviper.unpack import decompress, zip_aes, zip_crypto
from pitviper.unpack.distribution import in_zip
from pitviper.unpack.interface import FRONT, HEAD, Format, Item, Member, Options, Refused, Rest, damaged, locked
from pitviper.unpack.sections import is_program
from pitviper.unpack.zip_headers import (
    CHUNK,
    ENCRYPTED,
    END,
    EOCD,
    LOCAL,
    MOST_KEPT,
    STRONG,
    UNKNOWN,
    Entry,
    Place,
    by_headers,
    directory,
    ends,
    locate,
)
from pitviper.unpack.zip_methods import DEFLATE, METHODS, NAMES, STORED

_NOTHING = 24
"""Bytes between two members that only repeat sizes (a data descriptor with zip64's widths)."""
_SMALL = 512 * 1024
"""Bytes of a member that is unpacked in one go; less than a buffer."""
_MOST_OVERLAP = 8
"""Members may share what is packed: copies of a file do, written by tools that save space; and so do bombs."""
_BROKEN = (OSError, ValueError, EOFError, struct.error, lzma.LZMAError)


def begins(head: bytes, tail: bytes) -> bool:
    """A local header in front, or the end record of an archive without a comment behind."""
    return head.startswith((LOCAL, END)) or (tail.startswith(END) and len(tail) == EOCD.size)


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
            some.extend(islice(self._entries, MOST_KEPT))  # what came before an error stays in it
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
            yield from by_headers(data, low, high)


def _is_front(data: Data, low: int, high: int) -> bool:
    """Whether `low:high`, which belongs to no member, is an archive in front of the one that the directory tells of."""
    return not low and high < data.size and ends(data.part(0, high))


def _member_and_rest(
    entry: Entry, data: Data, options: Options, facts: dict[str, Any], covered: _Covered
) -> Iterator[Item]:
    """The member, unless it is a folder, and what stands in its place without belonging to it."""
    place = locate(data, entry)
    covered.add(entry, place)
    member, packing = _member(entry, data, place, options)
    member.facts = facts
    if entry.packed or not entry.name.endswith("/"):
        yield member
    if entry.method == STORED and place.start + entry.packed > data.size:
        yield Member(entry.name, reason=Reason.DAMAGED, detail="it is cut short")
    if packing and packing.left > _NOTHING:
        yield Rest(place.start + entry.packed - packing.left, packing.left)
    if place.own:
        yield from _member_and_rest(place.own, data, options, facts, covered)


def _member(entry: Entry, data: Data, place: Place, options: Options) -> tuple[Member, _Checked | None]:
    """The member, and what unpacks it if it is packed."""
    start, stored = place.start, place.stored
    is_encrypted = entry.flags & ENCRYPTED
    if entry.method == STORED and not is_encrypted:
        return Member(entry.name, data=data.part(start, entry.packed)), None
    if entry.method == DEFLATE and not is_encrypted and stored is not None and (content := _inflated(entry, stored)):
        return Member(entry.name, content=content), None
    make = METHODS.get(entry.method)
    if make is None:
        detail = f"compressed by a method that is not supported ({NAMES.get(entry.method, entry.method)})"
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
    if entry.flags & STRONG:
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
        while not piece and opened(CHUNK):
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
            member, _ = _member(entry, self._data, locate(self._data, entry), self._options)
            if member.content is not None:
                return member.content[:most]
            read = Cursor(member.data).read if member.data is not None else member.read
            return _first(read, most) if read else b""
        except Exception:  # noqa: BLE001 - told when the member is read in its turn
            return b""


def _first(read: Reader, most: int) -> bytes:
    pieces: list[bytes] = []
    while most > 0 and (piece := read(min(most, CHUNK))):
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
        if self._entry.crc not in (self._crc, UNKNOWN):
            raise damaged("its checksum does not fit; it was searched as it came out")
        return b""


class _Covered:
    """What of an archive its members cover."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._parts: list[tuple[int, int]] = []
        self.packed = 0

    def add(self, entry: Entry, place: Place) -> None:
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


FORMAT = Format("a zip archive", b"P", begins, members)
