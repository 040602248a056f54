"""Decompressors, all behind one face: read what they are fed, give at most so many bytes, say when they have ended."""

from __future__ import annotations

import bz2
import lzma
import sys
from collections.abc import Callable
from typing import Protocol

from isal import igzip_lib

from pitviper.engine.data import Reader

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_FEED = 256 * 1024
MOST_MEMORY = 256 * 1024 * 1024
"""Bytes for the dictionary of xz, lzma and zstd; `xz -9` needs 65 MiB, `zstd --ultra -22 --long=27` 128 MiB."""


class Decompressor(Protocol):
    """As `bz2.BZ2Decompressor` has it."""

    @property
    def eof(self) -> bool:
        """Whether the stream has ended."""

    @property
    def needs_input(self) -> bool:
        """Whether it has told all that it can of what it was fed."""

    @property
    def unused_data(self) -> bytes:
        """What it was fed behind the stream's end."""

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Feed `data`; at most `max_length` bytes of what comes out."""


class Stream:
    """A reader of the decompressed bytes of what `read` gives: one stream, or several one behind the other.

    `rest` is what lies behind the last stream. Raises EOFError for a stream that is cut short, and what the library of
    the decompressor raises.
    """

    def __init__(self, read: Reader, make: Callable[[], Decompressor], magic: bytes = b"", head: bytes = b"") -> None:
        self._read = read
        self._make = make
        self._magic = magic
        self._inner = make()
        self._fed = head
        self.rest = b""
        self.ended = False

    def __call__(self, size: int) -> bytes:
        """See `pitviper.engine.data.Reader`."""
        while not self.ended:
            feed, self._fed = self._fed, b""
            if not feed and self._inner.needs_input:
                feed = self._read(_FEED)
                if not feed:
                    self.ended = True
                    raise EOFError("it is cut short")
            piece = self._inner.decompress(feed, max_length=size)
            if self._inner.eof:
                self._next()
            if piece:
                return piece
        return b""

    def _next(self) -> None:
        """Go on with the next stream, if there is one."""
        rest = self._inner.unused_data or b""  # LZ4 says None
        while len(rest) < max(1, len(self._magic)) and (more := self._read(_FEED)):
            rest += more
        if self._magic and rest.startswith(self._magic):
            self._inner = self._make()
            self._fed = rest
        else:
            self.rest = rest
            self.ended = True


def bzip2() -> Decompressor:
    """A bzip2 stream."""
    return bz2.BZ2Decompressor()


def xz() -> Decompressor:
    """An xz or lzma stream, with a bound for its dictionary."""
    return lzma.LZMADecompressor(memlimit=MOST_MEMORY)


def zstandard() -> Decompressor:
    """A Zstandard frame, with a bound for its window."""
    bound = {int(zstd.DecompressionParameter.window_log_max): MOST_MEMORY.bit_length() - 2}
    return zstd.ZstdDecompressor(options=bound)


def lz4() -> Decompressor:
    """An LZ4 frame (its blocks have 4 MiB at most)."""
    from lz4.frame import (  # type: ignore[import-untyped]  # noqa: PLC0415 - only for what is compressed so
        LZ4FrameDecompressor,
    )

    return LZ4FrameDecompressor()  # type: ignore[no-any-return]  # it comes without types


def deflate() -> Decompressor:
    """A raw deflate stream."""
    return igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_DEFLATE)


def gzip() -> Decompressor:
    """A gzip member, with its checksum."""
    return igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)


def zlib() -> Decompressor:
    """A zlib stream, with its checksum."""
    return igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_ZLIB)
