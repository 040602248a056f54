"""Single files that are compressed: gzip, bzip2, xz, lzma, Zstandard, LZ4, zlib (objects of git among them).

Several streams one behind the other count as one. What lies behind the last is a member of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from pitviper.engine.data import Cursor
from pitviper.model.place import escape
from pitviper.unpack import decompress
from pitviper.unpack.interface import BEHIND, Format, Item, Member, Options

_GZIP, _BZIP2, _XZ, _ZSTD, _LZ4 = b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18"
_LZMA = b"\x5d\x00\x00"
"""The usual properties of the older format of xz, which has no mark, and the low bytes of any usual dictionary."""
_LZMA_HEADER = 13
_LZMA_PROPERTIES = 9 * 5 * 5
_TRIED = 1024
"""Bytes that must come out. What is no such stream soon refers to something in front of its beginning."""
_UNKNOWN = b"\xff" * 8
_BLOCK_OF_BZIP2 = (b"1AY&SY", b"\x17rE8P\x90")
_FLAG_EXTRA, _FLAG_NAME = 4, 8
_SKIPPABLE = tuple(bytes((lead,)) + b"\x2a\x4d\x18" for lead in range(0x50, 0x60))
"""Frames that Zstandard and LZ4 pass over; what begins with one is taken for Zstandard."""
_GIT = b"x\x01"
_GIT_TYPES = (b"blob ", b"tree ", b"commit ", b"tag ")
_LONGEST_NAME = 1024
_ZLIB = (b"x\x01", b"x\x5e", b"x\x9c", b"x\xda")
_SAMPLE, _LEAST = 256, 32
"""Bytes of what comes out by which zlib is known; its header has two that any text may begin with."""
_SMALLEST = 1024
"""Bytes of a dictionary; encoders take 4,096 or more, and powers of two or one and a half of them."""


def _members(
    make: Callable[[], decompress.Decompressor], marks: tuple[bytes, ...], cursor: Cursor, options: Options
) -> Iterator[Item]:
    del options
    head = cursor.read(_LONGEST_NAME) if _GZIP in marks else b""
    stream = decompress.Stream(cursor.read, make, marks, head)
    yield Member(_gzip_name(head), read=stream, inherits=True)
    cursor.unread(stream.rest)
    if cursor.skip_zeros():
        yield Member(BEHIND, read=cursor.read)


def _gzip_name(head: bytes) -> str:
    """The name that gzip keeps (RFC 1952), if it does."""
    if len(head) < 12 or not head[3] & _FLAG_NAME:  # noqa: PLR2004 - the fixed part of its header, and something
        return ""
    start = 10
    if head[3] & _FLAG_EXTRA:
        start += 2 + int.from_bytes(head[10:12], "little")
    name, end, _ = head[start:].partition(b"\0")
    return escape(name.decode("utf-8", "surrogateescape")) if end else ""


def _begins_bzip2(head: bytes, tail: bytes) -> bool:
    del tail
    return head.startswith(_BZIP2) and head[3:4].isdigit() and head[4:10] in _BLOCK_OF_BZIP2


def _begins_lzma(head: bytes, tail: bytes) -> bool:
    """Properties, a dictionary's size that encoders choose, a length that is unknown or below 2^40.

    Where the properties are not the usual ones, what follows must unpack, too: zeros and a few numbers begin so.
    """
    del tail
    length = head[5:_LZMA_HEADER]
    if len(head) <= _LZMA_HEADER or not (length == _UNKNOWN or not any(length[5:])):
        return False
    if head.startswith(_LZMA):
        return True
    dictionary = int.from_bytes(head[1:5], "little")
    lowest = dictionary & -dictionary
    if (
        head[0] >= _LZMA_PROPERTIES
        or head[_LZMA_HEADER]
        or dictionary not in (lowest, 3 * lowest)
        or lowest < _SMALLEST
    ):
        return False
    inner = decompress.xz()
    try:
        inner.decompress(head, _TRIED)
    except Exception:  # noqa: BLE001 - any bytes may begin so
        return False
    return inner.eof or not inner.needs_input


def _begins_git(head: bytes, tail: bytes) -> bool:
    del tail
    if not head.startswith(_GIT):
        return False
    try:
        return decompress.zlib().decompress(head, 16).startswith(_GIT_TYPES)
    except Exception:  # noqa: BLE001 - any text may begin so
        return False


def _begins_zlib(head: bytes, tail: bytes) -> bool:
    """A header, and something that can be unpacked."""
    del tail
    if not head.startswith(_ZLIB):
        return False
    inner = decompress.zlib()
    try:
        return len(inner.decompress(head, _SAMPLE)) >= _LEAST or inner.eof
    except Exception:  # noqa: BLE001 - any text may begin so
        return False


def _begins(marks: tuple[bytes, ...], head: bytes, tail: bytes) -> bool:
    del tail
    return head.startswith(marks)


def _format(
    name: str,
    marks: tuple[bytes, ...],
    make: Callable[[], decompress.Decompressor],
    begins: Callable[[bytes, bytes], bool] | None = None,
) -> Format:
    leads = bytes({mark[0] for mark in marks})
    return Format(name, leads, begins or partial(_begins, marks), partial(_members, make, marks), streams=True)


LZMA = _format("lzma", (_LZMA,), decompress.xz, _begins_lzma)
FORMATS = (
    _format("gzip", (_GZIP,), decompress.gzip),
    _format("bzip2", (_BZIP2,), decompress.bzip2, _begins_bzip2),
    _format("xz", (_XZ,), decompress.xz),
    LZMA,
    _format("Zstandard", (_ZSTD, *_SKIPPABLE), decompress.zstandard),
    _format("LZ4", (_LZ4, *_SKIPPABLE), decompress.lz4),
    _format("a git object", (_GIT,), decompress.zlib, _begins_git),
    _format("zlib", _ZLIB, decompress.zlib, _begins_zlib),
)
