"""Decompressors, all behind one face: read what they are fed, give at most so many bytes, say when they have ended."""

from __future__ import annotations

import bz2
import lzma
import sys
from collections.abc import Callable
from typing import Protocol

from isal import igzip_lib

from pitviper.engine.data import Reader
from pitviper.model.gap import Reason
from pitviper.unpack.interface import Refused, damaged

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_FEED = _PIECE = 64 * 1024
"""Bytes that go in, and come out, at once. More are no faster; what one call has decoded is lost if it fails."""
_STEP = 512
_LONGEST_MARK = 6
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

    `marks` are the bytes with which a further stream may begin, `rest` is what lies behind the last. Raises EOFError
    for a stream that is cut short, `Refused` for one that needs too much memory, and what the library of the
    decompressor raises; what came out before is given first.
    """

    def __init__(
        self, read: Reader, make: Callable[[], Decompressor], marks: tuple[bytes, ...] = (), head: bytes = b""
    ) -> None:
        self._read = read
        self._make = make
        self._marks = marks
        self._inner = make()
        self._fed = head
        self._feeds = 0
        self._first = b""
        """What this stream was fed, as long as that was in one go."""
        self._told = 0
        self._error: Exception | None = None
        self.rest = b""
        self.ended = False

    def __call__(self, size: int) -> bytes:
        """See `pitviper.engine.data.Reader`."""
        size = min(size, _PIECE)
        while size and not self.ended:
            feed = self._feed()
            try:
                piece = self._inner.decompress(feed, max_length=size)
            except Exception as error:  # noqa: BLE001 - each library has its own
                self._error = _explained(error)
                piece = self._rescued(size)
            self._told += len(piece)
            if self._error is None and self._inner.eof:
                self._next()
            if piece:
                return piece
            if not (feed or self._error or self._inner.needs_input or self.ended):
                raise damaged("it does not end")
        return b""

    def _feed(self) -> bytes:
        """What the decompressor is to be fed next, if anything."""
        if self._error:
            self.ended = True
            raise self._error
        feed, self._fed = self._fed, b""
        if not feed and self._inner.needs_input:
            feed = self._read(_FEED)
            if not feed:
                self.ended = True
                raise EOFError("it is cut short")
        if feed:
            self._first = b"" if self._feeds else feed
            self._feeds += 1
        return feed

    def _next(self) -> None:
        """Go on with the next stream, if there is one."""
        rest = self._inner.unused_data or b""  # LZ4 says None
        while len(rest) < _LONGEST_MARK and (more := self._read(_FEED)):
            rest += more
        if self._marks and rest.startswith(self._marks):
            self._inner = self._make()
            self._fed = rest
            self._feeds = self._told = 0
        else:
            self.rest = rest
            self.ended = True

    def _rescued(self, size: int) -> bytes:
        """What would have come out next, had the stream ended where it breaks: what one call decodes is lost with it.

        That is found by feeding it once more, in small pieces; only at its beginning, where all is still at hand.
        """
        if not self._first:
            return b""
        pieces = [self._first[start : start + _STEP] for start in range(0, len(self._first), _STEP)]
        whole, _ = self._replayed(pieces, size)
        good = b"".join(pieces[:whole])
        broken = pieces[whole] if whole < len(pieces) else b""
        return self._replayed([good, *(broken[at : at + 1] for at in range(len(broken)))], size)[1]

    def _replayed(self, pieces: list[bytes], size: int) -> tuple[int, bytes]:
        """How many of `pieces` can be fed to a fresh decompressor, and what comes out behind what was told already."""
        inner, skip, out = self._make(), self._told, b""
        for count, piece in enumerate(pieces):
            feed = piece
            try:
                while (new := inner.decompress(feed, max_length=_PIECE)) or feed:
                    feed = b""
                    out += new[skip:]
                    skip -= min(skip, len(new))
                    if len(out) >= size or inner.eof:
                        return count, out[:size]
            except Exception:  # noqa: BLE001 - where it breaks
                return count, out[:size]
        return len(pieces), out[:size]


def _explained(error: Exception) -> Exception:
    """`error`, or that it would have taken too much memory."""
    if isinstance(error, MemoryError) or "memory" in str(error).lower():
        return Refused(Reason.OVER_BUDGET, f"to decompress it takes more than {MOST_MEMORY:,} bytes of memory")
    return error


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
