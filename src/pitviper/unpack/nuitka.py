r"""What Nuitka makes: the payload of a one-file program, and the constants that compiled modules are made with.

The payload is `KA`, then `X`, or `Y` if what follows is compressed: names, flags, sizes and contents of files, up to an
empty name. Constants lie in the program's own, by module, each behind a letter for its type (`a<str>\0`, `u<str>\0`).
Sources: Nuitka's `OnefileBootstrap.c` and `HelpersConstantsBlob.c`.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from pitviper.engine.data import Cursor, Data
from pitviper.model.gap import Reason
from pitviper.model.place import escape
from pitviper.unpack import decompress
from pitviper.unpack.interface import Format, Item, Member, Options, Refused, Rest, damaged

_MAGIC = re.compile(rb"KA(?:Y\x28\xb5\x2f\xfd|[XY](?:[!-~]{1,200}+\0[\0-\3]|(?:[!-~]\0){1,200}+\0\0))")
"""The second is of a payload whose files are compressed one by one, or not at all, with the first one's name."""
_ZSTANDARD = b"\x28\xb5\x2f\xfd"
_SIZE = struct.Struct("<Q")
_MOST_FILES = 1_000_000
_MOST_SKIPPED = 1024 * 1024 * 1024
"""Bytes unpacked in vain, all in all, where a limit ended the search of a file."""
_TO_THE_END = 1 << 62
_LINK = 2
_LONGEST_NAME = 4096
_CONSTANTS = b".bytecode\0"
"""The name of the first module, that of bytecode."""
_MODULE = re.compile(rb"\.?([\w.-]{0,200})\0(....)", re.DOTALL)
_MOST_MODULES = 100_000
_MOST_TRIES = 64
_END = ord(".")
"""What ends the constants of a module."""
_CONTROLS = bytes((*range(1, 9), 11, 12, *range(14, 32), 127))
_TO_ZEROS = bytes.maketrans(_CONTROLS, bytes(len(_CONTROLS)))
"""Control characters as zeros, but for those of text."""
_TYPES = re.compile(rb"(?:w.|[TLPSDF].)*+[auc]", re.DOTALL)
"""In front of a string: characters (`w`), counts of a tuple, list, set or dict; then the letter of its own type."""


def begins(head: bytes, tail: bytes) -> bool:
    """The magic, and something that can follow it."""
    del tail
    return _MAGIC.match(head) is not None


def find(data: Data, start: int, size: int) -> int | None:
    """Where in `data[start:start+size]` a payload begins, if one does."""
    found = _MAGIC.search(data.read(start, size))
    return start + found.start() if found else None


def members(cursor: Cursor, options: Options) -> Iterator[Item]:
    """The files of a payload; then what follows it."""
    del options
    is_packed = cursor.read(3).endswith(b"Y")
    head = cursor.read(len(_ZSTANDARD))
    cursor.unread(head)
    if is_packed and head == _ZSTANDARD:
        stream = decompress.Stream(cursor.read, decompress.zstandard)
        yield from _files(Cursor(None, b"", stream), is_each_packed=False)
        position = cursor.position - len(stream.rest)
    else:
        yield from _files(cursor, is_each_packed=is_packed)
        position = cursor.position
    yield Rest(position, _TO_THE_END)


def _files(cursor: Cursor, *, is_each_packed: bool) -> Iterator[Item]:
    head = cursor.read(4)
    cursor.unread(head)
    is_windows = head[1::2] == b"\0\0"  # UTF-16
    skipped = None
    left = _MOST_SKIPPED
    for _ in range(_MOST_FILES):
        name = _name(cursor, is_windows=is_windows)
        if not name:
            return
        flags = 0 if is_windows else cursor.read(1)[0]
        if flags & _LINK:
            _name(cursor, is_windows=is_windows)
            continue
        (size,) = _SIZE.unpack(cursor.read(_SIZE.size))
        if skipped is None:
            skipped = _checksum(cursor, is_each_packed=is_each_packed)
        cursor.read(skipped)
        if is_each_packed:
            size = int.from_bytes(cursor.read(4), "little")
        end = cursor.position + size
        read = cursor.bounded(size)
        yield Member(name, read=decompress.Stream(read, decompress.zstandard) if is_each_packed else read.__call__)
        left -= end - cursor.position
        if left < 0:
            raise Refused(Reason.OVER_BUDGET, "a file was not read to its end, so nothing behind it is")
        cursor.skip_to(end)
    raise Refused(Reason.OVER_BUDGET, f"it has more than {_MOST_FILES:,} files and links")


def _checksum(cursor: Cursor, *, is_each_packed: bool) -> int:
    """How many bytes of a checksum are in front of the first file: of a program, unless it begins with them."""
    head = cursor.read(12)
    cursor.unread(head)
    if is_each_packed:
        return 0 if head[4:8] == _ZSTANDARD else 4
    return 4 if head[4:8] in _PROGRAMS or head[4:6] == b"MZ" else 0


_PROGRAMS = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")


def _name(cursor: Cursor, *, is_windows: bool) -> str:
    """A name up to its zero; empty at the end."""
    width = 2 if is_windows else 1
    name = b""
    while (unit := cursor.read(width)).strip(b"\0"):
        name += unit
        if len(name) > _LONGEST_NAME:
            raise damaged("a name does not end")
    if not unit:
        raise EOFError("it is cut short")
    shown = name.decode("utf-16-le", "replace") if is_windows else name.decode("utf-8", "surrogateescape")
    return escape(shown.replace("\\", "/"))


def constants(content: bytes) -> Iterator[Member]:
    """The constants of modules in `content`, those of a program: text, each on a line of its own."""
    at = 0
    for _ in range(_MOST_TRIES):
        at = content.find(_CONSTANTS, at)
        if at < 0:
            return
        end = at
        for _ in range(_MOST_MODULES):
            if not (found := _MODULE.match(content, end)):
                break
            start, end = found.end(), found.end() + int.from_bytes(found[2], "little")
            if end > len(content) or start == end or content[end - 1] != _END:
                break
            at = end
            text = b"".join(_lines(content[start:end])) if found[1] != b"bytecode" else b""
            if text:
                name = found[1].decode("latin-1")
                yield Member(f"(constants of {name})" if name else "(constants)", content=text)
        at += 1


def _lines(constants: bytes) -> Iterator[bytes]:
    """Strings that end in a zero, without what tells their type."""
    for piece in constants.split(b"\0"):
        text = piece[piece.translate(_TO_ZEROS).rfind(b"\0") + 1 :]
        types = _TYPES.match(text)
        if text := text[types.end() if types else 0 :]:
            yield text + b"\n"


FORMAT = Format("a Nuitka payload", b"K", begins, members, streams=True)
