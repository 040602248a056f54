"""Reading ahead: one thread reads while another searches.

Both spend most of their time outside the interpreter's lock, in the system and in Vectorscan.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue

from pitviper.sources.interface import BUFFER, Free, Pack

_BUFFERS = 3
"""One to fill, one to search, one that waits: with two, each side often waits for the other."""


def ahead(read: Callable[[Free], Iterator[Pack]]) -> Iterator[Pack]:
    """The packs of `read`, made by a thread of its own. A pack is valid until the next is asked for."""
    free: SimpleQueue[bytearray | None] = SimpleQueue()
    packs: SimpleQueue[Pack | BaseException | None] = SimpleQueue()
    for _ in range(_BUFFERS):
        free.put(bytearray(BUFFER))

    def take() -> bytearray:
        buffer = free.get()
        if buffer is None:
            raise _Abandoned
        return buffer

    def produce() -> None:
        try:
            for pack in read(take):
                packs.put(pack)
        except _Abandoned:
            return
        except BaseException as error:  # noqa: BLE001 - raised again by who waits for packs
            packs.put(error)
        else:
            packs.put(None)

    threading.Thread(target=produce, daemon=True).start()
    try:
        while (pack := packs.get()) is not None:
            if isinstance(pack, BaseException):
                raise pack
            yield pack
            free.put(pack.data)
    finally:
        free.put(None)


class _Abandoned(Exception):  # noqa: N818 - a signal to the thread, no error
    """Nobody wants further packs."""
