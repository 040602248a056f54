"""7z archives, encrypted ones too.

Files lie one behind the other in blocks, each packed as one stream, and are read in that order. Source: 7-Zip's
DOC/7zFormat.txt.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import msgspec

from pitviper.engine.data import Cursor, Data, Reader
from pitviper.model.gap import Reason
from pitviper.unpack.interface import Format, Item, Member, Options, Refused, Rest, damaged
from pitviper.unpack.seven_zip_aes import Keys
from pitviper.unpack.seven_zip_coders import unpacked
from pitviper.unpack.seven_zip_header import (
    BEGINNINGS,
    ENCODED,
    HEADER,
    MOST_CODERS,
    Fields,
    Streams,
    read_header,
    read_streams,
)

_MAGIC = b"7z\xbc\xaf\x27\x1c"
_START = 32
"""Bytes of the header in front, from whose end offsets count."""
_MOST_HEADER = 64 * 1024 * 1024
_MOST_SKIPPED = 1024 * 1024 * 1024
"""Bytes unpacked in vain, all in all: of members that were cut, or not read to their end."""


def begins(head: bytes, tail: bytes) -> bool:
    """The signature."""
    del tail
    return head.startswith(_MAGIC)


def members(data: Data, options: Options) -> Iterator[Item]:
    """The files, block by block; then what is around the packed streams."""
    keys = Keys(options.archive_password)
    streams, names = _directory(data, keys)
    numbered = iter(names)
    start = _START + streams.start
    packs = iter(streams.sizes)
    skipping = _Skipping()
    for block in streams.blocks:
        size = sum(next(packs, 0) for _ in range(block.packed))
        files = [(next(numbered, "(without a name)"), *part) for part in block.parts]
        try:
            read = unpacked(block, data.part(start, size), keys)
        except Refused as refused:
            yield from (Member(name, reason=refused.reason, detail=refused.detail) for name, _, _ in files)
        else:
            yield from _members(Cursor(None, b"", read), files, skipping)
        start += size
    if streams.start:
        yield Rest(_START, streams.start)
    if data.size > start:
        yield Rest(start, data.size - start)
    if skipping.problem:
        raise skipping.problem


class _Skipping(msgspec.Struct):
    """What may still be unpacked in vain, and the first thing that went wrong with it."""

    left: int = _MOST_SKIPPED
    problem: Exception | None = None


def _members(cursor: Cursor, files: list[tuple[str, int, int | None]], skipping: _Skipping) -> Iterator[Member]:
    """The files of a block."""
    for name, size, digest in files:
        end = cursor.position + size
        yield Member(name, read=_Checked(cursor.bounded(size), digest, size))
        skipping.left -= end - cursor.position
        try:
            if skipping.left < 0:
                raise Refused(Reason.OVER_BUDGET, f"{name} was not read to its end, so nothing behind it is")  # noqa: TRY301 - told as what else goes wrong
            cursor.skip_to(end)
        except Exception as error:  # noqa: BLE001 - libraries raise what they like
            skipping.problem = skipping.problem or error
            return


def _directory(data: Data, keys: Keys) -> tuple[Streams, list[str]]:
    """What the header at the end says, unpacked as often as it is packed: the streams, and the names of files."""
    head = data.read(0, _START)
    position, size = int.from_bytes(head[12:20], "little"), int.from_bytes(head[20:28], "little")
    if not size:
        return Streams(), []  # nothing in it
    if size > min(_MOST_HEADER, data.size) or _START + position + size > data.size:
        raise damaged("its directory would lie behind its end")
    raw = data.read(_START + position, size)
    if zlib.crc32(raw) != int.from_bytes(head[28:32], "little"):
        raise damaged("the checksum of its directory does not fit")
    for _ in range(MOST_CODERS):
        fields = Fields(raw)
        kind = fields.number()
        if kind == HEADER:
            return read_header(fields)
        if kind != ENCODED:
            break
        raw = _plain_header(data, read_streams(fields), keys)
    raise damaged("its directory does not begin as one")


def _plain_header(data: Data, streams: Streams, keys: Keys) -> bytes:
    if not streams.blocks or not streams.sizes:
        raise damaged("its directory is empty")
    block = streams.blocks[0]
    size = block.size
    if size > _MOST_HEADER:
        raise Refused(Reason.OVER_BUDGET, f"a directory of {size:,} bytes")
    read = unpacked(block, data.part(_START + streams.start, streams.sizes[0]), keys, BEGINNINGS)
    return b"".join(iter(lambda: read(size), b""))


class _Checked:
    """A file's bytes, compared with its checksum when all were read."""

    def __init__(self, read: Reader, digest: int | None, size: int) -> None:
        self._read = read
        self._wanted = digest
        self._left = size
        self._crc = 0

    def __call__(self, size: int) -> bytes:
        piece = self._read(size) if self._left else b""
        self._crc = zlib.crc32(piece, self._crc)
        self._left -= len(piece)
        if not piece and not self._left and self._wanted not in (None, self._crc):
            raise damaged("its checksum does not fit; it was searched as it came out")
        return piece


FORMAT = Format("a 7z archive", _MAGIC[:1], begins, members)
