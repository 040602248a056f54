"""What a Source is: it lists its parts, and reads them into packs that are searched in one pass.

Listing happens once, in the process that runs the scan; reading happens in whatever process looks. So a `Part` is plain
data that can be sent, and `read` a function of it. Nothing that goes wrong with one member stops the rest: it becomes a
`Gap`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Protocol

import msgspec

from pitviper.engine.data import Data
from pitviper.engine.pack import Free, Pack
from pitviper.model.blob import Blob

OPEN_FILE = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)  # a link that replaced the file since it was listed
    | getattr(os, "O_NONBLOCK", 0)  # a FIFO that did so: opening it must not wait for a writer
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
"""How to open a file of a target."""


class Source(Protocol):
    """Where artefacts come from."""

    @property
    def whole(self) -> str | None:
        """The path of a source that is one blob; None for one of many parts, of which some may be unreadable."""

    def parts(self) -> Iterator[msgspec.Struct]:
        """What there is to read, in a fixed order: parts of this source's own type, or `Gap`s."""

    def size(self) -> int:
        """Bytes to read in all, for progress; takes as long as listing does. 0 where nobody can know."""


class Flow(Protocol):
    """A Source that one process reads, from front to back: a stream, a container image."""

    @property
    def whole(self) -> str | None:
        """See `Source`."""

    def size(self) -> int:
        """See `Source`."""

    def read(self, free: Free) -> Iterator[Pack]:
        """All of it, pack by pack."""


class Whole(Blob, Protocol):
    """A blob of a source, that can be opened if it turns out to be a container.

    `again`: it can be opened without a copy, and read all the same.
    """

    @property
    def again(self) -> bool:
        """See above."""

    def open(self, head: bytes) -> Data:
        """All of it, with random access; `head` are its first bytes, which were read already. Raises OSError."""


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
