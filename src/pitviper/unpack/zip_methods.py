"""How zip archives pack their members: the methods that are undone, and the names of those that are not.

Source: PKWARE, APPNOTE.TXT 6.3.10, 4.4.5 and 5.8.
"""

from __future__ import annotations

import lzma
import struct
from collections.abc import Callable

from pitviper.engine.data import Reader
from pitviper.model.gap import Reason
from pitviper.unpack import decompress
from pitviper.unpack.interface import Refused

_LZMA_HEAD = struct.Struct("<2H")
"""version, size of the properties"""
STORED, DEFLATE, AES = 0, 8, 99


def _lzma(read: Reader) -> Reader:
    """LZMA as zip has it: version, length and properties in front (APPNOTE 5.8.8), then a raw stream."""

    def make() -> decompress.Decompressor:
        _, size = _LZMA_HEAD.unpack(read(_LZMA_HEAD.size))
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


METHODS: dict[int, Callable[[Reader], Reader]] = {
    STORED: lambda read: read,
    DEFLATE: lambda read: decompress.Stream(read, decompress.deflate),
    12: lambda read: decompress.Stream(read, decompress.bzip2),
    14: _lzma,
    93: lambda read: decompress.Stream(read, decompress.zstandard),
    95: lambda read: decompress.Stream(read, decompress.xz),
}
"""By number: what unpacks what a reader gives. Source: APPNOTE.TXT 4.4.5."""
NAMES = {
    1: "shrink",
    6: "implode",
    9: "deflate64",
    18: "IBM TERSE",
    97: "WavPack",
    98: "PPMd",
    AES: "AES, without saying how strong",
}
"""Of those that are not undone."""
