"""Whether a blob may be a container: asked of every file, so without the formats, most of which are never needed."""

from __future__ import annotations

from pitviper.unpack.interface import HEAD, TAIL

LEADS = frozenset(b"\x00\x04\x1f!%(037<ABCDEFILMPQRSTUVWXYZ[\\]^_x{\xed\xfd")
"""The bytes that containers begin with, those of all formats in `pitviper.unpack.table`."""

_ZIP_END = ord("P")
_TAR, _TAR_NAME_ENDS = 512, 100


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
