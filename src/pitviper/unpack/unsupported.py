"""Containers that are recognised, so that nobody believes them searched, and not opened."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from pitviper.engine.data import Data
from pitviper.model.gap import Reason
from pitviper.unpack.interface import Format, Item, Options, Refused

_MAGIC = (
    ("a RAR archive", b"Rar!\x1a\x07", "unpack it, and scan what comes out"),
    ("a file of compress (.Z)", b"\x1f\x9d\x90", "unpack it, and scan what comes out"),
    ("an lzip file", b"LZIP\x01", "unpack it, and scan what comes out"),
    ("an LZ4 file in the legacy format", b"\x02\x21\x4c\x18", "unpack it, and scan what comes out"),
    ("a squashfs file system", b"hsqs", "unpack it with unsquashfs, and scan what comes out"),
    ("a xar archive", b"xar!\x00\x1c", "unpack it, and scan what comes out"),
    ("a compound file (.msi, .doc, .xls)", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "unpack it, and scan what comes out"),
    ("a pack of git objects", b"PACK\0\0\0", "scan its repository with --git-history, or as git:PATH"),
)


def _begins(magic: bytes, head: bytes, tail: bytes) -> bool:
    del tail
    return head.startswith(magic)


def _members(name: str, hint: str, data: Data, options: Options) -> Iterator[Item]:
    del data, options
    raise Refused(Reason.UNSUPPORTED, f"{name}: its contents are not looked into; {hint}")
    yield  # a generator, as all others


FORMATS = tuple(
    Format(name, magic[:1], partial(_begins, magic), partial(_members, name, hint)) for name, magic, hint in _MAGIC
)
