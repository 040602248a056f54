"""What a Source is: it lists its parts, and reads them into a buffer that is searched in one pass.

Listing happens once, in the process that runs the scan; reading happens in whatever process looks. So a `Part` is plain
data that can be sent, and `read` a function of it. Nothing that goes wrong with one member stops the rest: it becomes a
`Gap`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from typing import Protocol

import msgspec

from pitviper.engine import text
from pitviper.model.blob import Blob, Span
from pitviper.model.gap import Gap
from pitviper.rules.schema import MAX_MATCH

BUFFER = 2 * 1024 * 1024
"""Bytes of the shared buffer. Measured on 0.8 GB of Python: 1 to 2 MiB stay in a core's cache, 8 MiB cost 8 % more."""

PACK = 512 * 1024
"""Small blobs are packed into the buffer until it holds so many bytes, then searched together."""

OVERLAP = MAX_MATCH
"""Bytes that a window of a big blob shares with each neighbour: the longest match."""


OPEN_FILE = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)  # a link that replaced the file since it was listed
    | getattr(os, "O_NONBLOCK", 0)  # a FIFO that did so: opening it must not wait for a writer
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
"""How to open a file of a target."""

Free = Callable[[], bytearray]
"""Gives a buffer of `BUFFER` bytes that nobody reads any more: always the same one, or by turns."""


class Pack(msgspec.Struct):
    """What one pass searches: `spans` in the first `filled` bytes of `data`, in order; and what could not be read."""

    data: bytearray
    filled: int
    spans: list[Span]
    gaps: list[Gap]


class Source(Protocol):
    """Where artefacts come from."""

    @property
    def whole(self) -> str | None:
        """The path of a source that is one blob; None for one of many parts, of which some may be unreadable."""

    def parts(self) -> Iterator[msgspec.Struct]:
        """What there is to read, in a fixed order: parts of this source's own type, or `Gap`s."""

    def size(self) -> int:
        """Bytes to read in all, for progress; takes as long as listing does. 0 where nobody can know."""


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
        yield Pack(data, filled, [Span(blob, 0, filled, first, filled - OVERLAP, base, lines)], [])
        before, data = data, free()
        memoryview(data)[:kept] = memoryview(before)[rest:filled]
        base, first = base + rest, OVERLAP
        lines = None if lines is None else lines + following
        filled = kept + fill(memoryview(data)[kept:])
    yield Pack(data, filled, [Span(blob, 0, filled, first, filled, base, lines)], [])


def fill(handle: int, view: memoryview) -> int:
    """Read from the open `handle` until `view` is full or the file ends; how many bytes that were. Raises OSError.

    A short read alone proves no end on every file system, so it reads until there is nothing.
    """
    count = read = _read_into(handle, view)
    while read and count < len(view):
        read = _read_into(handle, view[count:])
        count += read
    return count


def _read_into(handle: int, view: memoryview) -> int:
    if sys.platform != "win32":
        return os.readv(handle, (view,))
    data = os.read(handle, len(view))
    view[: len(data)] = data
    return len(data)
