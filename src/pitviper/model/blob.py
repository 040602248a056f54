"""`Span`: a Blob, or a window of one, that lies in a shared buffer and waits to be searched."""

from __future__ import annotations

from typing import Protocol

import msgspec

from pitviper.model.place import Link


class Blob(Protocol):
    """Bytes with a provenance. It may be gone from memory; what stays is its name."""

    @property
    def path(self) -> str:
        """The chain joined for machines, escaped for display."""

    @property
    def chain(self) -> tuple[Link, ...]:
        """The provenance, outermost first."""

    def lines_before(self, offset: int, newline: bytes = b"\n") -> int | None:
        """How many newlines lie in front of `offset` bytes; None if that cannot be found out any more."""


class Memory(msgspec.Struct, frozen=True):
    """A blob that somebody already holds in memory, under a name."""

    path: str

    @property
    def chain(self) -> tuple[Link, ...]:
        """See `Blob`."""
        return (Link("file", self.path),)

    def lines_before(self, offset: int, newline: bytes = b"\n") -> int | None:
        """See `Blob`; all of it is one window, so nothing is in front."""
        del newline
        return None if offset else 0


class Span(msgspec.Struct):
    """`buffer[start:end]` holds the bytes of `blob` from `base` on.

    The whole blob, unless it is too big: then a window of it, with bytes of its neighbours on both sides so that
    nothing is torn at an edge. A match belongs to the window in which it begins: `first <= start < last` (positions in
    the buffer). `lines` are the newlines in front of `base`, if the blob cannot be asked for them later.

    `codec` names the encoding of the blob if the buffer holds UTF-8 that was made from it: then `base` counts bytes of
    the blob, and `start` to `last` bytes of UTF-8.
    """

    blob: Blob
    start: int
    end: int
    first: int
    last: int
    base: int = 0
    lines: int | None = None
    codec: str | None = None

    def lines_before(self, data: bytearray, position: int) -> int | None:
        """How many newlines of the blob lie in front of `position` in the buffer `data`."""
        newline = "\n".encode(self.codec or "ascii")
        before = self.blob.lines_before(self.base, newline) if self.lines is None else self.lines
        return None if before is None else before + data.count(b"\n", self.start, position)

    def offset(self, data: bytearray, position: int) -> int:
        """Where the byte at `position` of the buffer `data` lies in the blob."""
        if self.codec is None:
            return self.base + position - self.start
        before = bytes(data[self.start : position]).decode("utf-8", "replace")
        return self.base + len(before.encode(self.codec, "replace"))
