"""Whether a blob may be a container: asked of every file, so without the formats, most of which are never needed."""

from __future__ import annotations

import re

from pitviper.engine.data import Data
from pitviper.unpack.interface import HEAD, TAIL

LEADS = frozenset(b"\x00\x02\x04\x1f!%()037<ABCDEFIKLMPQRSTUVWXYZ[\\]^_chx{}\x7f\x80\x93\xca\xce\xcf\xd0\xed\xfd\xfe")
"""The bytes that containers begin with, those of all formats in `pitviper.unpack.table`."""

_TAR, _CHECKSUM, _CHECKSUM_ENDS = 512, 148, 156
_IN_BASE_256 = 0x80
_DIGITS = b" 01234567"
_ISO, _ISO_AT = b"CD001", 32769
_PDF, _PDF_WITHIN = b"%PDF-", 1024
_LZMA_HEADER = 13
"""Behind it the first byte is 0, as is the lowest byte of the dictionary's size, at 1."""
_FAR_END = 0xFFFF + TAIL
"""Bytes in which the end record of a zip archive lies, with its comment."""
_END_RECORD, _RARE = b"PK\5\6", 6
_LOCAL_HEADER = re.compile(rb"PK\x03\x04[\x00\n-?].{3}[\x00-\x63]\0", re.DOTALL)
"""A version and a method that there are."""

HIDDEN = (
    "a zip archive ends here, but what can be read once only is not opened from its end: save it, and scan the file"
)


def may_begin(data: bytearray, start: int, end: int) -> bool:
    """Whether `data[start:end]` is worth asking `recognise`. Runs for every file: a few bytes must do."""
    size = end - start
    return size >= TAIL and (
        data[start] in LEADS
        or not (data[start + 1] or data[start + _LZMA_HEADER])
        or (size >= _TAR and _may_be_tar(data, start))
        or _has_end(data, max(start, end - _FAR_END), end)
        or data.find(_PDF, start, min(end, start + _PDF_WITHIN)) >= 0
        or data.startswith(_ISO, start + _ISO_AT, end)
    )


def _may_be_tar(data: bytearray, start: int) -> bool:
    """Whether there is a number where a header has its checksum: all else in it may be anything."""
    if data[start + _CHECKSUM + 2] not in _DIGITS:  # of seven or eight; asked first because it is fast
        return data[start + _CHECKSUM] == _IN_BASE_256
    return data[start + _CHECKSUM : start + _CHECKSUM_ENDS].strip(b" \0")[:3].isdigit()


def _has_end(data: bytearray | bytes, low: int, high: int) -> bool:
    """Whether an end record stands in `low:high`. Its last byte alone is found ten times as fast, and never in text."""
    return data.rfind(_RARE, low, high) >= 0 and data.rfind(_END_RECORD, low, high) >= 0


def sample(data: bytearray, start: int, end: int) -> tuple[bytes, bytes]:
    """The first and last bytes of `data[start:end]`, as `recognise` wants them."""
    return bytes(data[start : min(end, start + HEAD)]), bytes(data[max(start, end - TAIL) : end])


def may_end(data: Data) -> bool:
    """Whether `data` is worth asking `behind`: whatever is in front, a zip archive or a CD's tree may follow."""
    low = max(0, data.size - _FAR_END)
    return _has_end(data.read(low, data.size - low), 0, data.size - low) or data.read(_ISO_AT, len(_ISO)) == _ISO


def may_follow(head: bytes | bytearray, start: int, end: int) -> bool:
    """Whether, behind `head[start:end]`, something may come of which only the end tells that it is a zip archive."""
    return _LOCAL_HEADER.search(head, start, end) is not None


def ends(tail: bytes | bytearray, end: int) -> bool:
    """Whether what ends at `tail[:end]` is a zip archive without a comment."""
    return tail.startswith(_END_RECORD, max(0, end - TAIL), end)
