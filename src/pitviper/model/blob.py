"""`Span`: a Blob, or a window of one, that lies in a shared buffer and waits to be searched."""

from __future__ import annotations

from typing import Protocol

import msgspec

from pitviper.model.place import Link

_LABELLED = frozenset({"layer", "step", "commit", "cell", "table", "page"})
"""Kinds whose name says too little without them: `layer:4`."""


class Blob(Protocol):
    """Bytes with a provenance. It may be gone from memory; what stays is its name."""

    @property
    def path(self) -> str:
        """The chain joined for machines, escaped for display."""

    @property
    def chain(self) -> tuple[Link, ...]:
        """The provenance, outermost first."""


class Inner(msgspec.Struct, frozen=True, gc=False):
    """A blob in a container, or a container that is being opened."""

    path: str
    chain: tuple[Link, ...]
    removed_in: str | None = None

    def inner(self, link: Link, removed_in: str | None = None) -> Inner:
        """What lies in this one under the name of `link`."""
        name = f"{link.kind}:{link.name}" if link.kind in _LABELLED else link.name.lstrip("/")
        return Inner(f"{self.path}!/{name}", (*self.chain, link), removed_in or self.removed_in)


class Memory(msgspec.Struct, frozen=True):
    """A blob that somebody already holds in memory, under a name."""

    path: str

    @property
    def chain(self) -> tuple[Link, ...]:
        """See `Blob`."""
        return (Link("file", self.path),)


class Span(msgspec.Struct, gc=False):
    """`buffer[start:end]` holds the bytes of `blob` from `base` on.

    The whole blob, unless it is too big: then a window of it, with bytes of its neighbours on both sides so that
    nothing is torn at an edge. A match belongs to the window in which it begins: `first <= start < last` (positions in
    the buffer). `lines` are the newlines of the blob in front of `base`; None in binary data, which has no lines.

    `codec` names the encoding of the blob if the buffer holds UTF-8 that was made from it: then `base` counts bytes of
    the blob, and `start` to `last` bytes of UTF-8.
    """

    blob: Blob
    start: int
    end: int
    first: int
    last: int
    base: int = 0
    lines: int | None = 0
    codec: str | None = None
    opened: bool = False
    """It is a container that is opened, and so is not searched as it is."""

    def lines_before(self, data: bytearray, position: int) -> int | None:
        """How many newlines of the blob lie in front of `position` in the buffer `data`."""
        return None if self.lines is None else self.lines + data.count(b"\n", self.start, position)

    def offset(self, data: bytearray, position: int) -> int:
        """Where the byte at `position` of the buffer `data` lies in the blob."""
        if self.codec is None:
            return self.base + position - self.start
        before = bytes(data[self.start : position]).decode("utf-8", "replace")
        return self.base + len(before.encode(self.codec, "replace"))
