"""Readers of what is made piece by piece."""

from __future__ import annotations

from collections.abc import Iterator

from pitviper.engine.data import Reader


def reader(pieces: Iterator[bytes]) -> Reader:
    """A reader of `pieces` one behind the other; it raises what they raise."""
    kept = b""

    def read(size: int) -> bytes:
        nonlocal kept
        while not kept:
            following = next(pieces, None)
            if following is None:
                return b""
            kept = following
        piece, kept = kept[:size], kept[size:]
        return piece

    return read
