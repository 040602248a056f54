"""The way through containers: members become blobs to be searched, containers in them are opened in turn.

Everything that can go wrong, and everything that costs, is decided here. Formats know only their layout.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from pitviper.engine.data import Cursor, Data, Memory, Shelf, spool
from pitviper.engine.pack import BUFFER, PACK, SEPARATOR, Free, Pack, windows
from pitviper.model.blob import Blob, Inner, Span
from pitviper.model.gap import Gap, Reason
from pitviper.model.place import Link, escape
from pitviper.unpack.budget import Budget
from pitviper.unpack.interface import HEAD, TAIL, Format, Identity, Item, Member, Options, Refused, Rest
from pitviper.unpack.table import recognise


class Walk:
    """Opens one artefact. What it yields are packs, as sources do: buffers of `free` filled with what to search."""

    def __init__(self, options: Options, size: int, free: Free) -> None:
        self.budget = Budget(options, size)
        self._options = options
        self._free = free
        self._pack: Pack | None = None
        self._gaps: list[Gap] = []

    def open(self, blob: Blob, found: Format, data: Data) -> Iterator[Pack]:
        """All that lies in the container `blob` of the format `found`."""
        yield from self._open(blob, found, Cursor(data) if found.streams else data, data, depth=1)
        yield self._full()

    def open_shelf(self, blob: Blob, found: Format, shelf: Shelf) -> Iterator[Pack]:
        """All that lies on the shelf of `blob`."""
        yield from self._open(blob, found, shelf, None, depth=1)
        yield self._full()

    def _open(self, blob: Blob, found: Format, content: Any, data: Data | None, depth: int) -> Iterator[Pack]:
        """The members of `blob`. If not even the first can be had, `data` is searched as it is."""
        identity = Identity(found.kind)
        items = found.members(content, self._options)
        seen = False
        while not self.budget.exhausted:
            try:
                item = next(items, None)
            except Exception as error:  # noqa: BLE001 - every byte may be an attacker's, and libraries raise what they like
                self._gap(blob, error)
                if not seen and data is not None:
                    yield from self._search(blob, data, 0)
                return
            if item is None:
                return
            if isinstance(item, Identity):
                if _is_named(blob, item.only_named):
                    identity = item
                continue
            seen = True
            yield from self._item(_as_container(blob, identity), item, data, depth)

    def _item(self, container: Inner, item: Item, data: Data | None, depth: int) -> Iterator[Pack]:
        if isinstance(item, Rest):
            if data is not None:
                yield from self._search(container, data.part(item.offset, item.size), item.offset)
            return
        assert isinstance(item, Member)  # noqa: S101 - an identity was handled above
        inner = container.inner(Link(item.kind, item.name or _stem(container), **item.facts), item.removed_in)
        outer = container if item.inherits else None
        if item.reason:
            self._gap(inner, Refused(item.reason, item.detail))
            return
        try:
            self.budget.member(depth)
            yield from self._member(inner, outer, item, depth)
        except Exception as error:  # noqa: BLE001 - as above
            self._gap(inner, error)

    def _member(self, blob: Blob, outer: Blob | None, member: Member, depth: int) -> Iterator[Pack]:
        """Search `member`, or open it."""
        read = _Guard(self, blob, member)
        head = read(BUFFER)
        sample = head[:HEAD], head[-TAIL:] if len(head) < BUFFER else b""
        found = member.opens if member.opens and member.opens.begins(*sample) else recognise(*sample)
        if found is None:
            yield from self._content(blob, head, read)
            return
        inner = outer or blob
        if len(head) < BUFFER:
            data: Data = Memory(head)
        elif member.data is not None:
            data = member.data
        elif found.streams:
            yield from self._open(inner, found, Cursor(None, head, read), None, depth + 1)
            return
        else:
            data = spool(head, read)
        yield from self._open(inner, found, Cursor(data) if found.streams else data, data, depth + 1)

    def _content(self, blob: Blob, head: bytes, read: _Guard) -> Iterator[Pack]:
        """Search `head` and what `read` gives behind it."""
        if len(head) < BUFFER:
            yield from self._small(blob, head, 0)
            return
        yield self._full()
        yield from windows(blob, Cursor(None, head, read).fill, self._free)

    def _search(self, blob: Blob, data: Data, offset: int) -> Iterator[Pack]:
        """Search `data`, which begins at `offset` of `blob`, as it is."""
        if data.size < BUFFER:
            yield from self._small(blob, data.read(0, data.size), offset)
            return
        yield self._full()
        for pack in windows(blob, Cursor(data).fill, self._free):
            for span in pack.spans:
                span.base += offset
            yield pack

    def _small(self, blob: Blob, content: bytes, base: int) -> Iterator[Pack]:
        """Add `content` to the pack; yield it first if there is no room, then if it is full."""
        if self._pack and self._pack.filled + len(content) >= BUFFER:
            yield self._full()
        pack = self._pack = self._pack or Pack(self._free(), 0, [], [])
        start, end = pack.filled, pack.filled + len(content)
        pack.data[start:end] = content
        pack.data[end] = SEPARATOR
        pack.filled = end + 1
        pack.spans.append(Span(blob, start, end, start, end, base, lines=None if base else 0))
        if pack.filled > PACK:
            yield self._full()

    def _full(self) -> Pack:
        """What was collected so far, with the gaps. A pack must not be kept while windows are read: buffers are few."""
        pack = self._pack or Pack(self._free(), 0, [], [])
        pack.gaps += self._gaps
        self._pack, self._gaps = None, []
        return pack

    def _gap(self, blob: Blob, error: Exception) -> None:
        if isinstance(error, Refused):
            gap = Gap(blob.path, error.reason, escape(error.detail))
        elif isinstance(error, (AssertionError, AttributeError, KeyError, NameError, TypeError)):
            gap = Gap(blob.path, Reason.FAILED, f"a defect in pitviper: {type(error).__name__}; please report it")
        else:
            gap = Gap(blob.path, Reason.DAMAGED, escape(str(error)) or type(error).__name__)
        self._gaps.append(gap)


class _Guard:
    """Reads a member: counts what comes, and ends it where it breaks or costs too much, with a Gap."""

    def __init__(self, walk: Walk, blob: Blob, member: Member) -> None:
        self._walk = walk
        self._blob = blob
        self._stored = member.data is not None  # no byte more than the container has
        self._read = Cursor(member.data).read if member.data is not None else member.read

    def __call__(self, size: int) -> bytes:
        """`size` bytes; fewer only at the end."""
        pieces: list[bytes] = []
        while size and self._read:
            try:
                piece = self._read(size)
                if not self._stored:
                    self._walk.budget.take(len(piece))
            except Exception as error:  # noqa: BLE001 - see Walk
                self._walk._gap(self._blob, error)  # noqa: SLF001 - the two are one
                self._read = None
                break
            if not piece:
                break
            pieces.append(piece)
            size -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _stem(blob: Blob) -> str:
    """The name of a compressed file without its suffix."""
    name = blob.chain[-1].name.rpartition("/")[2]
    return name.rpartition(".")[0] or name


def _is_named(blob: Blob, name: str) -> bool:
    """Whether `blob` has this name, but for suffixes; any will do for ""."""
    return not name or blob.chain[-1].name.rpartition("/")[2].startswith(f"{name}.")


def _as_container(blob: Blob, identity: Identity) -> Inner:
    """`blob` as what it turned out to be."""
    *outer, last = blob.chain
    last = msgspec.structs.replace(last, kind=identity.kind, **identity.facts)
    return Inner(blob.path, (*outer, last), blob.removed_in if isinstance(blob, Inner) else None)
