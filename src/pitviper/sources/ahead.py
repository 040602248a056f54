"""Reading ahead: one thread reads while another searches.

Both spend most of their time outside the interpreter's lock, in the system and in Vectorscan.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue

from pitviper.engine.pack import BUFFER, Free, Pack

_BUFFERS = 3
"""One to fill, one to search, one that waits: with two, each side often waits for the other."""


def ahead(read: Callable[[Free], Iterator[Pack]]) -> Iterator[Pack]:
    """The packs of `read`, made by a thread of its own. A pack is valid until the next is asked for."""
    reader = _Reader(read)
    threading.Thread(target=reader.run, daemon=True).start()
    try:
        while (pack := reader.packs.get()) is not None:
            if isinstance(pack, BaseException):
                raise pack
            yield pack
            reader.free.put(pack.data)
    finally:
        reader.free.put(None)


class _Reader:
    """The thread that reads: takes from `free` (None: stop), puts into `packs` (None: done)."""

    def __init__(self, read: Callable[[Free], Iterator[Pack]]) -> None:
        self._read = read
        self.free: SimpleQueue[bytearray | None] = SimpleQueue()
        self.packs: SimpleQueue[Pack | BaseException | None] = SimpleQueue()
        for _ in range(_BUFFERS):
            self.free.put(bytearray(BUFFER))

    def run(self) -> None:
        try:
            for pack in self._read(self._take):
                self.packs.put(pack)
        except _Abandoned:
            return
        except BaseException as error:  # noqa: BLE001 - raised again by who waits for packs
            self.packs.put(error)
        else:
            self.packs.put(None)

    def _take(self) -> bytearray:
        buffer = self.free.get()
        if buffer is None:
            raise _Abandoned
        return buffer


class _Abandoned(Exception):  # noqa: N818 - a signal to the thread, no error
    """Nobody wants further packs."""
