"""Standard input, and FIFOs that a user named: one blob of unknown length that can be read once."""

from __future__ import annotations

import os
from collections.abc import Iterator

from pitviper.engine.data import File, spool
from pitviper.engine.pack import Free, Pack, windows
from pitviper.model.gap import Gap, Reason
from pitviper.model.place import Link, escape
from pitviper.sources.interface import fill


class Stream:
    """An open stream: a Source with itself as its only part, and the Blob that is read from it."""

    again = False

    def __init__(self, handle: int = 0, name: str = "<stdin>") -> None:
        self._handle = handle
        self.path = self.whole = escape(name)
        self.chain = (Link("stdin", self.path),)

    def open(self, head: bytes) -> File:
        """See `Whole`; what can be read once only is kept in a temporary file."""

        def read(size: int) -> bytes:
            data = bytearray(size)
            return bytes(data[: fill(self._handle, memoryview(data))])

        return spool(head, read)

    def parts(self) -> Iterator[Stream]:
        """See `Source`."""
        yield self

    def size(self) -> int:
        """See `Source`."""
        return 0

    def read(self, free: Free) -> Iterator[Pack]:
        """The windows of the stream."""
        gaps: list[Gap] = []

        def fill_window(view: memoryview) -> int:
            try:
                return fill(self._handle, view)
            except OSError as error:
                gaps.append(Gap(self.path, Reason.UNREADABLE, error.strerror or ""))
                return 0

        try:
            yield from windows(self, fill_window, free)
            yield Pack(free(), 0, [], gaps)
        finally:
            if self._handle:
                os.close(self._handle)
