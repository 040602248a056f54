"""Containers that are recognised, so that nobody believes them searched, and not opened."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from pitviper.engine.data import Data
from pitviper.model.gap import Reason
from pitviper.unpack.interface import Format, Item, Options, Refused

_MAGIC = (
    ("a RAR archive", b"Rar!\x1a\x07"),
    ("a pack of git objects", b"PACK\0\0\0"),
)


def _begins(magic: bytes, head: bytes, tail: bytes) -> bool:
    del tail
    return head.startswith(magic)


def _members(name: str, data: Data, options: Options) -> Iterator[Item]:
    del data, options
    raise Refused(Reason.UNSUPPORTED, f"{name}: its contents are not looked into")
    yield  # a generator, as all others


FORMATS = tuple(Format(name, magic[:1], partial(_begins, magic), partial(_members, name)) for name, magic in _MAGIC)
