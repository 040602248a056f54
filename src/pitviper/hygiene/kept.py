"""`Kept`: what was in files that passed by, until the file comes that belongs to them."""

from __future__ import annotations

import tempfile
from typing import BinaryIO

_MEMORY = 32 * 1024 * 1024
_FILE = 1024 * 1024 * 1024
"""Bytes of one artefact that are kept in memory, then in a temporary file that has no name; what is beyond is not."""


class Kept:
    """Contents of files. To be closed; then all are gone."""

    def __init__(self) -> None:
        self._memory = _MEMORY
        self._file: BinaryIO | None = None
        self._end = 0

    def put(self, content: bytes) -> Content | None:
        """Keep `content`; None if there is no room."""
        size = len(content)
        if size <= self._memory:
            self._memory -= size
            return Content(size, content)
        if self._end + size > _FILE:
            return None
        try:
            self._file = self._file or tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - see `close`
            self._file.seek(self._end)
            written = 0
            while written < size:
                written += self._file.write(memoryview(content)[written:])
        except OSError:  # the disk is full
            return None
        self._end += size
        return Content(size, None, self._end - size)

    def get(self, kept: Content) -> bytes:
        """What was kept. Raises OSError."""
        if kept.content is not None:
            return kept.content
        assert self._file  # noqa: S101 - it lies there
        self._file.seek(kept.offset)
        pieces = []
        left = kept.size
        while left and (piece := self._file.read(left)):
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)

    def close(self) -> None:
        """Nobody needs any of it any more."""
        if self._file:
            self._file.close()

    def drop(self, kept: Content) -> None:
        """Nobody needs it any more."""
        if kept.content is not None:
            self._memory += kept.size
            kept.content = None
            kept.size = 0


class Content:
    """Where something is kept."""

    __slots__ = ("content", "offset", "size")

    def __init__(self, size: int, content: bytes | None, offset: int = 0) -> None:
        self.size = size
        self.content = content
        self.offset = offset
