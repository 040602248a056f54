"""Whether a blob may be a container: asked of every file, so without the formats, most of which are never needed."""

from __future__ import annotations

import re

from pitviper.engine.data import Data
from pitviper.unpack.interface import HEAD, TAIL

LEADS = frozenset(b"\x00\x02\x04\x1f!%()037<ABCDEFIKLMPQRSTUVWXYZ[\\]^_cx{}\x7f\x80\x93\xca\xce\xcf\xed\xfd\xfe")
"""The bytes that containers begin with, those of all formats in `pitviper.unpack.table`."""

_ZIP_END = ord("P")
_TAR, _TAR_NAME_ENDS = 512, 100
_FAR_END = 0xFFFF + TAIL
"""Bytes in which the end record of a zip archive lies, with its comment."""
_END_RECORD = b"PK\5\6"
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
        or data[end - TAIL] == _ZIP_END
        or (size >= _TAR and data[start + _TAR_NAME_ENDS : start + _TAR_NAME_ENDS + 6].isdigit())
    )


def sample(data: bytearray, start: int, end: int) -> tuple[bytes, bytes]:
    """The first and last bytes of `data[start:end]`, as `recognise` wants them."""
    return bytes(data[start : min(end, start + HEAD)]), bytes(data[max(start, end - TAIL) : end])


def may_end(data: Data) -> bool:
    """Whether the end of `data` is worth asking `behind`: whatever is in front, a zip archive may follow."""
    low = max(0, data.size - _FAR_END)
    return _END_RECORD in data.read(low, data.size - low)


def may_follow(head: bytes | bytearray, start: int, end: int) -> bool:
    """Whether, behind `head[start:end]`, something may come of which only the end tells that it is a zip archive."""
    return _LOCAL_HEADER.search(head, start, end) is not None


def ends(tail: bytes | bytearray, end: int) -> bool:
    """Whether what ends at `tail[:end]` is a zip archive without a comment."""
    return tail.startswith(_END_RECORD, max(0, end - TAIL), end)
