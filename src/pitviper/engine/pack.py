"""`Pack`: what one pass searches. Sources and containers fill packs, and know no more of searching."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from pitviper.engine import text
from pitviper.engine.data import Shelf
from pitviper.model.blob import Blob, Span
from pitviper.model.gap import Gap
from pitviper.rules.schema import MAX_MATCH

BUFFER = 2 * 1024 * 1024
"""Bytes of the shared buffer. Measured on 0.8 GB of Python: 1 to 2 MiB stay in a core's cache, 8 MiB cost 8 % more."""

PACK = 512 * 1024
"""Small blobs are packed into the buffer until it holds so many bytes, then searched together."""

OVERLAP = MAX_MATCH + 128
"""Bytes that a window of a big blob shares with each neighbour: the longest match, and a few more, so that what is read
behind them does not begin where the buffer does, within a page: from there, an AMD processor copies from the page cache
four times slower (measured on EPYC: 0.4 s a gigabyte instead of 0.1 s)."""

SEPARATOR = 0x0A
"""Between blobs in the buffer, so that no expression runs on from one into the next."""

Free = Callable[[], bytearray]
"""Gives a buffer of `BUFFER` bytes that nobody reads any more: always the same one, or by turns."""


class Pack(msgspec.Struct):
    """What one pass searches: `spans` in the first `filled` bytes of `data`, in order; and what could not be read."""

    data: bytearray
    filled: int
    spans: list[Span]
    gaps: list[Gap]
    shelves: list[tuple[Blob, Shelf]] = []
    """Container images, to be opened once the pack was searched."""
    read: int = 0
    """Bytes of the artefact that were read for what is in here, if that was packed in it."""
    dropped: bool = False
    """Set by who gets a window of a blob and wants no more of it."""


def windows(blob: Blob, fill: Callable[[memoryview], int], free: Free) -> Iterator[Pack]:
    """`blob`, however big, as overlapping windows.

    `fill` reads into the view it is given until that is full or the blob ends, and says how many bytes it read.
    Newlines are counted here, if the blob begins as text, while another thread searches: a finding needs those of all
    windows before its own, and to read a gigabyte twice takes as long as to search it.
    """
    kept = 2 * OVERLAP
    base = first = 0
    data = free()
    filled = fill(memoryview(data))
    newline = text.newline(data, filled)
    lines = 0 if newline else None
    while filled == len(data):
        rest = filled - kept
        following = data.count(newline, 0, rest) if newline else 0
        pack = Pack(data, filled, [Span(blob, 0, filled, first, filled - OVERLAP, base, lines)], [])
        yield pack
        if pack.dropped:
            return
        before, data = data, free()
        memoryview(data)[:kept] = memoryview(before)[rest:filled]
        base, first = base + rest, OVERLAP
        lines = None if lines is None else lines + following
        filled = kept + fill(memoryview(data)[kept:])
    yield Pack(data, filled, [Span(blob, 0, filled, first, filled, base, lines)], [])
