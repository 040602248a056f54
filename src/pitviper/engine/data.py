"""Bytes to be opened: with random access (`Data`), or as they come (`Reader`)."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Protocol

Reader = Callable[[int], bytes]
"""Gives the next `n` bytes; fewer only at the end, and none behind it."""

_CHUNK = 1 << 20


class Data(Protocol):
    """Bytes with random access."""

    @property
    def size(self) -> int:
        """How many there are."""

    def read(self, offset: int, size: int) -> bytes:
        """`size` bytes from `offset` on; fewer at the end, none behind it. Raises OSError."""

    def part(self, offset: int, size: int) -> Data:
        """`size` bytes from `offset` on, as far as they are there, without a copy."""


class Shelf(Protocol):
    """Named things that belong together: the blobs of a container image in a tar, a folder or a registry."""

    @property
    def size(self) -> int:
        """Bytes of all of them, as they are stored."""

    def names(self) -> list[str]:
        """Their names, as far as they are known beforehand."""

    def get(self, name: str) -> Data | None:
        """The thing with this name; None if there is none. Raises OSError."""


class Memory:
    """Bytes that somebody holds."""

    def __init__(self, content: bytes | memoryview) -> None:
        self._view = memoryview(content)
        self.size = len(self._view)

    def read(self, offset: int, size: int) -> bytes:
        """See `Data`."""
        return bytes(self._view[offset : offset + size])

    def part(self, offset: int, size: int) -> Memory:
        """See `Data`."""
        return Memory(self._view[offset : offset + size])


class File:
    """Bytes of a file, `start:start+size`, read on demand. `handle` is closed with the last part of it."""

    def __init__(self, handle: Handle, start: int, size: int) -> None:
        self._handle = handle
        self._start = start
        self.size = size

    def read(self, offset: int, size: int) -> bytes:
        """See `Data`."""
        size = min(size, self.size - offset)
        pieces = []
        while size > 0 and (piece := self._handle.read(self._start + offset, size)):
            pieces.append(piece)
            offset += len(piece)
            size -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def part(self, offset: int, size: int) -> File:
        """See `Data`."""
        offset = min(offset, self.size)
        return File(self._handle, self._start + offset, max(0, min(size, self.size - offset)))


class Handle:
    """An open file; closed when nobody needs it any more."""

    def __init__(self, number: int) -> None:
        self._number = number

    def read(self, offset: int, size: int) -> bytes:
        """At most `size` bytes at `offset`."""
        if sys.platform != "win32":
            return os.pread(self._number, size, offset)
        os.lseek(self._number, offset, os.SEEK_SET)
        return os.read(self._number, size)

    def __del__(self) -> None:
        os.close(self._number)


def opened(number: int) -> File:
    """The file open as `number`, which it takes over."""
    return File(Handle(number), 0, os.fstat(number).st_size)


class Meter:
    """Tells how much of something was read so far: for progress, so what is read twice counts until all is counted."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._read = 0

    def data(self, data: Data) -> Data:
        """`data`, metered."""
        return _Metered(data, self)

    def shelf(self, shelf: Shelf) -> Shelf:
        """`shelf`, with metered things on it."""
        return _MeteredShelf(shelf, self)

    def count(self, count: int) -> None:
        """So many bytes were read."""
        self._read += count

    def take(self) -> int:
        """Bytes that were read since the last call; in all calls together no more than there are."""
        taken = min(self._read, self._left)
        self._left -= taken
        self._read = 0
        return taken

    def rest(self) -> int:
        """Bytes that no call has counted yet."""
        return self._left


class _Metered:
    """Data whose reads are counted."""

    def __init__(self, data: Data, meter: Meter) -> None:
        self._data = data
        self._meter = meter
        self.size = data.size

    def read(self, offset: int, size: int) -> bytes:
        """See `Data`."""
        piece = self._data.read(offset, size)
        self._meter.count(len(piece))
        return piece

    def part(self, offset: int, size: int) -> _Metered:
        """See `Data`."""
        return _Metered(self._data.part(offset, size), self._meter)


class _MeteredShelf:
    """A shelf of things whose reads are counted."""

    def __init__(self, shelf: Shelf, meter: Meter) -> None:
        self._shelf = shelf
        self._meter = meter
        self.size = shelf.size
        self.names = shelf.names

    def get(self, name: str) -> Data | None:
        """See `Shelf`."""
        data = self._shelf.get(name)
        return None if data is None else self._meter.data(data)


def spool(head: bytes, read: Reader) -> File:
    """`head` and all that `read` gives, in a temporary file without a name. Raises what `read` raises, and OSError."""
    import tempfile  # noqa: PLC0415 - 6 ms, for what hardly ever happens

    with tempfile.TemporaryFile(prefix="pitviper-", buffering=0) as file:
        file.write(head)
        while chunk := read(_CHUNK):
            file.write(chunk)
        return opened(os.dup(file.fileno()))


class Cursor:
    """A place in bytes that are read from front to back: of `data`, else of what `read` gives behind `head`."""

    def __init__(
        self, data: Data | None = None, head: bytes = b"", read: Reader | None = None, *, position: int = 0
    ) -> None:
        self._data = data
        self._head = head
        self._read = read
        self.position = position

    def read(self, size: int) -> bytes:
        """The next `size` bytes; fewer at the end."""
        if self._data is not None:
            piece = self._data.read(self.position, size)
        elif self._head:
            piece, self._head = self._head[:size], self._head[size:]
            if self._read and len(piece) < size:
                piece += self._read(size - len(piece))
        else:
            piece = self._read(size) if self._read else b""
        self.position += len(piece)
        return piece

    def unread(self, piece: bytes) -> None:
        """Go back in front of `piece`, which was read last."""
        self.position -= len(piece)
        if self._data is None:
            self._head = piece + self._head

    def skip_zeros(self) -> bool:
        """Go on at the next byte that is not zero; whether there is one."""
        while piece := self.read(_CHUNK):
            if rest := piece.lstrip(b"\0"):
                self.unread(rest)
                return True
        return False

    def fill(self, view: memoryview) -> int:
        """Read into `view` until it is full or nothing is left; how many bytes that were."""
        piece = self.read(len(view))
        view[: len(piece)] = piece
        return len(piece)

    def peek(self, size: int) -> Data | None:
        """The next `size` bytes with random access; None where they only come as they come."""
        return None if self._data is None else self._data.part(self.position, size)

    def ahead(self) -> Data:
        """What follows, as far as it can be had without going on."""
        if self._data is None:
            return Memory(self._head)
        return self._data.part(self.position, self._data.size - self.position)

    def skip_to(self, position: int) -> None:
        """Go on at `position`. Raises EOFError where the bytes end first."""
        if self._data is not None:
            if position > self._data.size:
                missing = position - self._data.size
                self.position = self._data.size
                raise EOFError(f"{missing:,} bytes are missing")
            self.position = position
        while self.position < position:
            if not self.read(min(_CHUNK, position - self.position)):
                raise EOFError(f"{position - self.position:,} bytes are missing")

    def bounded(self, size: int) -> Bounded:
        """The next `size` bytes as a reader of their own."""
        return Bounded(self, size)


class Bounded:
    """The next bytes of a cursor, up to an end."""

    def __init__(self, cursor: Cursor, size: int) -> None:
        self._cursor = cursor
        self.left = size

    def __call__(self, size: int) -> bytes:
        """See `Reader`. Raises EOFError where the cursor ends first."""
        piece = self._cursor.read(min(size, self.left))
        if not piece and self.left and size:
            raise EOFError(f"{self.left:,} bytes are missing")
        self.left -= len(piece)
        return piece
