"""Layers of a container image: archives of what a step of the build added, replaced and took away.

They are opened from the last to the first, so that one pass knows what later layers made of a file. Source: OCI image
spec 1.1, "Image Layer Filesystem Changeset": `.wh.NAME` takes NAME away, `.wh..wh..opq` all that lower layers have in
the folder.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from functools import partial

import msgspec

from pitviper.engine.data import Cursor, Data, Memory
from pitviper.model.place import escape
from pitviper.unpack import compressed, tar
from pitviper.unpack.interface import HEAD, Format, Item, Member, Options, Reader

_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"
_OF_AUFS = ".wh..wh."
"""What begins so is a note of the file system AUFS to itself."""
_FOLDER, _HARD_LINK = b"5", b"1"
_LONGEST_NAME = 4096
"""Characters of a path that are kept in mind; no more than so many bytes have a meaning to Linux (PATH_MAX)."""
_KEPT = 128 * 1024 * 1024
_KEPT_BYTES = 32 * 1024 * 1024
_MOST_KEPT = 10_000
"""Of removed files, whose content is kept while a compressed layer is read."""
_EACH = 128
"""Bytes that paths may take in memory, and what one takes besides its characters (an entry in a set or dictionary, and
the head of a string): room for 700,000 files of usual names."""


class Memo(msgspec.Struct):
    """How much may be kept in mind."""

    left: int = _KEPT

    def may_keep(self, path: str) -> bool:
        """Whether there is room for `path`; if so, it is taken."""
        self.left -= len(path) + _EACH
        return self.left >= 0 and len(path) <= _LONGEST_NAME


class Changes(msgspec.Struct):
    """What a layer does to those below it: what stands at a path in `over` hides that path, and all that was in it.

    A folder hides a file only: those below it show through.
    """

    memo: Memo
    over: set[str] = msgspec.field(default_factory=set)
    folders: set[str] = msgspec.field(default_factory=set)

    def note(self, path: str, kind: bytes) -> None:
        """There is a member `path` of a type as in a header of tar."""
        folder, _, name = path.rpartition("/")
        paths = self.folders if kind == _FOLDER else self.over
        if name.startswith(_WHITEOUT):
            if name != _OPAQUE and name.startswith(_OF_AUFS):
                return
            path = folder if name == _OPAQUE else _joined(folder, name[len(_WHITEOUT) :])
            paths = self.over
        if path not in paths and self.memo.may_keep(path):
            paths.add(path)


class Later:
    """What the layers above made of paths: the number of the first that hides each."""

    def __init__(self, memo: Memo) -> None:
        self.memo = memo
        self._over: dict[str, int] = {}
        self._folders: dict[str, int] = {}

    def add(self, changes: Changes, number: int) -> None:
        """Go on below layer `number`, which made `changes`."""
        for known, paths in ((self._over, changes.over), (self._folders, changes.folders)):
            known.update((path, number) for path in paths if path in known or self.memo.may_keep(path))

    def removed_in(self, path: str, number: int) -> int | None:
        """The first layer above `number` in which what stands at `path` is gone."""
        if len(path) > _LONGEST_NAME:
            return None
        numbers = [self._over[way] for way in _upwards(path) if way in self._over]
        if path in self._folders:
            numbers.append(self._folders[path])
        return min((found for found in numbers if found > number), default=None)


class Stand(msgspec.Struct, frozen=True):
    """Where a layer stands in an image: its number, and what is above it."""

    later: Later
    number: int


def removed_in(path: str, stands: Sequence[Stand]) -> str | None:
    """The layer of the last image in which what stands at `path` is gone, if it is gone in all of them."""
    found = [stand.later.removed_in(path, stand.number) for stand in stands]
    return str(found[-1]) if all(found) else None


def as_path(name: str) -> str:
    """`name` with single slashes between its steps, and none around them: `./a//b/` is `a/b`."""
    return "/".join(step for step in name.split("/") if step not in ("", "."))


def layer(stands: Sequence[Stand], changes: Changes) -> Format:
    """How to open a layer that `stands` there, once for all its images; what it changes comes into `changes`."""
    return Format("a layer", b"", _begins, partial(_members, stands, changes), streams=True, kind="layer")


def is_layer(head: bytes) -> bool:
    """Whether a layer may begin so: a tar archive, also an empty one, or something compressed."""
    return _is_tar(head) or _packed(head) is not None


def is_plain(head: bytes) -> bool:
    """Whether what begins so is a tar archive, not compressed."""
    return _packed(head) is None and _is_tar(head)


def _begins(head: bytes, tail: bytes) -> bool:
    del tail
    return is_layer(head)


def _is_tar(head: bytes) -> bool:
    return tar.begins(head, b"") or not head.strip(b"\0")


def _packed(head: bytes) -> Format | None:
    return next((known for known in compressed.FORMATS if known.begins(head, b"")), None)


def _members(stands: Sequence[Stand], changes: Changes, cursor: Cursor, options: Options) -> Iterator[Item]:
    """The files in a layer; if it is compressed, it itself, which is opened in the same way."""
    data = cursor.peek(sys.maxsize)
    head = cursor.read(HEAD)
    cursor = Cursor(None, head, cursor.read) if data is None else Cursor(data)
    packed = _packed(head)
    if packed is None:
        yield from _files(stands, changes, cursor)
        return
    for item in packed.members(cursor, options):
        if isinstance(item, Member) and item.inherits:
            item.opens = layer(stands, changes)
        yield item


def _files(stands: Sequence[Stand], changes: Changes, cursor: Cursor) -> Iterator[Item]:
    """All files, also those that later layers remove. A whiteout without content is no file.

    A hard link is the file that it leads to, under another name; where that is removed and the link is not, what was
    in it is still there.
    """
    kept = _Kept()
    for header in tar.headers(cursor):
        path = as_path(header.name)
        changes.note(path, header.type)
        is_note = path.rpartition("/")[2].startswith(_WHITEOUT) and not header.size
        if tar.has_content(header) and not is_note:
            item = tar.member(cursor, header)
            item.name = escape(f"/{path}")
            item.removed_in = removed_in(path, stands)
            if item.removed_in:
                kept.keep(path, item, header.size)
            yield item
        elif header.type == _HARD_LINK and (data := kept.get(as_path(header.link))) and not removed_in(path, stands):
            yield Member(escape(f"/{path}"), data=data)
    yield from tar.behind(cursor)


class _Kept:
    """What files hold that are removed later, in case a hard link leads to one: as far as that is small, or at hand."""

    def __init__(self) -> None:
        self._data: dict[str, Data] = {}
        self._read: dict[str, tuple[int, bytearray]] = {}
        self._left = _KEPT_BYTES

    def keep(self, path: str, item: Member, size: int) -> None:
        """Keep what `item` holds, whose content is read by somebody else."""
        if len(self._data) + len(self._read) >= _MOST_KEPT:
            return
        if item.data is not None:
            self._data[path] = item.data
        elif item.read is not None and size <= self._left:
            self._left -= size
            held = bytearray()
            self._read[path] = size, held
            item.read = partial(_copying, item.read, held)

    def get(self, path: str) -> Data | None:
        """What was kept of `path`, if it is all."""
        size, held = self._read.get(path, (0, b""))
        return self._data.get(path) or (Memory(bytes(held)) if size and len(held) == size else None)


def _copying(read: Reader, held: bytearray, size: int) -> bytes:
    piece = read(size)
    held += piece
    return piece


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _upwards(path: str) -> Iterator[str]:
    """`path` and the folders in which it lies, up to the root, which is ""."""
    while path:
        yield path
        path = path.rpartition("/")[0]
    yield path
