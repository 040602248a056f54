"""Tar archives in all dialects: V7, ustar, GNU (long names, sparse files), pax.

Read from front to back, so that they can come out of a decompressor. Names and sizes of the extended headers overrule
those of the plain one. A sparse file is searched as it is stored, without its holes. Links are never followed. Source:
POSIX.1-2017, pax, "ustar Interchange Format" and "pax Extended Header"; the GNU tar manual, "Basic Tar Format" and
"Storing Sparse Files".
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

import msgspec

from pitviper.engine.data import Cursor
from pitviper.model.place import escape
from pitviper.unpack.distribution import in_tar
from pitviper.unpack.interface import BEHIND, Format, Item, Member, Options, damaged

BLOCK = 512
LINKS = b"12"
_WITHOUT_CONTENT = b"123456"
"""Types of links, devices, folders and FIFOs; what follows one all the same, by its size, is read like a file."""
_LONG_NAME, _LONG_LINK = b"L", b"K"
_PAX = (b"x", b"X")
_PAX_GLOBAL = b"g"
_GNU_SPARSE = b"S"
_SPARSE_GOES_ON = 482
"""Where an old GNU sparse header says that a block with more of its map follows; there each block says so at 504."""
_OCTAL = re.compile(rb"[ \t]*([0-7]*)(?:[ \0]|\Z)")
"""What most tools read: up to a NUL or a space, whatever follows."""
_RECORD = re.compile(rb"(\d{1,9}) ([^=]+)=")
_KEPT = frozenset({b"path", b"linkpath", b"size", b"GNU.sparse.name"})
_LONGEST_EXTENSION = 1024 * 1024
"""Bytes of an extended header; Linux allows 64 KiB for all attributes of a file, and 4 KiB for its name."""


class Header(msgspec.Struct):
    """A member's header with all that extends it: `link` is where a link leads, as it stands there."""

    name: str
    size: int
    type: bytes
    link: str


def begins(head: bytes, tail: bytes) -> bool:
    """A header whose checksum fits."""
    del tail
    return len(head) >= BLOCK and _checks(head)


def members(cursor: Cursor, options: Options) -> Iterator[Item]:
    """The members from front to back; then what follows the end, unless it is only zeros."""
    del options
    ahead = Cursor(cursor.ahead())
    if identity := in_tar((header.name, ahead.bounded(header.size)) for header in headers(ahead)):
        yield identity
    for header in headers(cursor):
        if has_content(header):
            yield member(cursor, header)
    yield from behind(cursor)


def has_content(header: Header) -> bool:
    """Whether there is something to read: even of an empty file, but not of a folder or a link."""
    return bool(header.size) or header.type not in _WITHOUT_CONTENT


def member(cursor: Cursor, header: Header) -> Member:
    """The content of the member whose `header` was the last of `headers`."""
    data = cursor.peek(header.size)
    return Member(escape(header.name), data=data, read=None if data else cursor.bounded(header.size))


def headers(cursor: Cursor) -> Iterator[Header]:
    """The headers of all members. The content of one follows it at `cursor`, and need not be read."""
    common: dict[str, str] = {}
    extended: dict[str, str] = {}
    while block := _block(cursor):
        size = _number(block[124:136])
        kind = block[156:157]
        if kind in (_LONG_NAME, _LONG_LINK, *_PAX, _PAX_GLOBAL):
            text = _extension(cursor, size)
            if kind == _PAX_GLOBAL:
                common |= _records(text)
                if "size" in common:  # some tools follow it, some do not: the rest is searched as it is
                    raise damaged("an extended header tells the size of all members")
            elif kind in _PAX:
                extended |= _records(text)
            else:
                extended["path" if kind == _LONG_NAME else "linkpath"] = _text(text.rstrip(b"\0"))
            continue
        if kind == _GNU_SPARSE and block[_SPARSE_GOES_ON]:
            _skip_map(cursor)
        header = _header(block, common | extended, kind, size)
        extended = {}
        if header.size and kind in _WITHOUT_CONTENT and _is_next(cursor):
            header.size = 0
        end = cursor.position + header.size + -header.size % BLOCK
        yield header
        cursor.skip_to(end)


def _header(block: bytes, facts: dict[str, str], kind: bytes, size: int) -> Header:
    prefix = _text(block[345:500]) if block[257:263] == b"ustar\0" else ""
    name = _text(block[:100])
    name = facts.get("GNU.sparse.name") or facts.get("path") or (f"{prefix}/{name}" if prefix else name)
    if "size" in facts:
        if not (facts["size"].isascii() and facts["size"].isdigit()):
            raise damaged("a size is no number")
        size = int(facts["size"])
    return Header(name, size, kind, facts.get("linkpath") or _text(block[157:257]))


def _block(cursor: Cursor) -> bytes | None:
    """The next header; None at the end, which is a block of zeros without another archive behind, or of the bytes."""
    block = cursor.read(BLOCK)
    if block and not block.strip(b"\0"):
        cursor.skip_zeros()
        cursor.unread(bytes(cursor.position % BLOCK))  # a name may begin with zeros, too
        if not _is_next(cursor):
            return None
        return cursor.read(BLOCK)
    if block and not (len(block) == BLOCK and _checks(block)):
        cursor.unread(block)
        raise damaged(f"no header stands at byte {cursor.position:,}, where one should")
    return block


def _is_next(cursor: Cursor) -> bool:
    """Whether a header follows: some tools give links and folders a size, and no content."""
    block = cursor.read(BLOCK)
    cursor.unread(block)
    return len(block) == BLOCK and _checks(block)


def _checks(block: bytes) -> bool:
    """Whether the checksum fits: the sum of all bytes, itself taken as spaces; some tools sum signed ones."""
    try:
        wanted = _number(block[148:156])
    except ValueError:
        return False
    if not wanted:
        return False
    counted = block[:148] + b" " * 8 + block[156:BLOCK]
    total = sum(counted)
    return wanted == total or wanted == total - 256 * sum(1 for byte in counted if byte & 0x80)


def _number(field: bytes) -> int:
    """An octal number, or one in base 256 (GNU). Raises `ValueError`, also for a negative one."""
    if field[0] & 0x80:
        if field[0] != 0x80:  # noqa: PLR2004 - anything else is negative, or beyond what any disk holds
            raise ValueError("a number is negative or too big")
        return int.from_bytes(field[1:], "big")
    found = _OCTAL.match(field)
    if not found:
        raise ValueError("a number makes no sense, or is negative")
    return int(found[1] or b"0", 8)


def _extension(cursor: Cursor, size: int) -> bytes:
    if size > _LONGEST_EXTENSION:
        raise damaged(f"an extended header of {size:,} bytes")
    text = cursor.read(size)
    if len(text) < size:
        cursor.unread(text)
        raise EOFError("it ends in an extended header")
    cursor.skip_to(cursor.position + -size % BLOCK)
    return text


def _records(text: bytes) -> dict[str, str]:
    """What counts of a pax header, a line `LENGTH KEY=VALUE` each; what follows a broken one is left out."""
    records: dict[str, str] = {}
    start = 0
    while found := _RECORD.match(text, start):
        end = start + int(found[1])
        if not found.end() < end <= len(text):
            break
        if found[2] in _KEPT:
            records[found[2].decode()] = _text(text[found.end() : end - 1])
        start = end
    return records


def _skip_map(cursor: Cursor) -> None:
    while (block := cursor.read(BLOCK)) and len(block) == BLOCK and block[504]:
        pass


def behind(cursor: Cursor) -> Iterator[Item]:
    """What follows the end and is no archive: something that was to be hidden."""
    if cursor.skip_zeros():
        yield Member(BEHIND, data=cursor.peek(sys.maxsize), read=cursor.read)


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


FORMAT = Format("a tar archive", b"", begins, members, streams=True)
