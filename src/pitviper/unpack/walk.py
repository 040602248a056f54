"""The way through containers: members become blobs to be searched, containers in them are opened in turn.

Everything that can go wrong, and everything that costs, is decided here. Formats know only their layout.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from pitviper.engine.data import Bounded, Cursor, Data, Memory, Shelf, spool
from pitviper.engine.pack import BUFFER, PACK, SEPARATOR, Free, Pack, windows
from pitviper.model.blob import Blob, Inner, Span
from pitviper.model.gap import Gap, Reason
from pitviper.model.place import Link, escape
from pitviper.unpack.budget import Budget
from pitviper.unpack.interface import HEAD, TAIL, Format, Identity, Item, Member, Options, Reader, Refused, Rest
from pitviper.unpack.leads import HIDDEN, ends, may_follow
from pitviper.unpack.table import behind, others, recognise

_LONGEST_NAME = 4096
"""Characters of a name that are shown; Linux takes no longer path."""
_MOST_SPANS = 4096
"""Blobs in one pack: a million empty members would need more memory for their names than for their bytes."""
_MOST_GAPS = 2_000
"""Gaps of one artefact; all of a million members may be encrypted, or broken on purpose."""


class _Container(msgspec.Struct):
    """A container that is being opened: as what it turned out to be, its bytes if they can be had, how deep it lies.

    `left`: what its members may have of these bytes, before one must be told twice.
    """

    blob: Inner
    data: Data | None
    depth: int
    left: int


class Walk:
    """Opens one artefact. What it yields are packs, as sources do: buffers of `free` filled with what to search."""

    def __init__(self, options: Options, size: int, free: Free) -> None:
        self.budget = Budget(options, size)
        self._options = options
        self._free = free
        self._pack: Pack | None = None
        self._gaps: list[Gap] = []
        self._told = 0

    def open(self, blob: Blob, found: Format, data: Data) -> Iterator[Pack]:
        """All that lies in the container `blob` of the format `found`."""
        yield from self._open(blob, found, Cursor(data) if found.streams else data, data, depth=1)
        yield self._last(blob)

    def open_shelf(self, blob: Blob, found: Format, shelf: Shelf) -> Iterator[Pack]:
        """All that lies on the shelf of `blob`."""
        yield from self._open(blob, found, shelf, None, depth=1)
        yield self._last(blob)

    def _open(self, blob: Blob, found: Format, content: Any, data: Data | None, depth: int) -> Iterator[Pack]:
        """The members of `blob`. Where they end too early, what is left is searched as it is."""
        container = _Container(_as_container(blob, Identity(found.kind)), data, depth, data.size if data else 0)
        items = found.members(content, self._options)
        seen = False
        while not self.budget.exhausted:
            try:
                item = next(items, None)
            except Exception as error:  # noqa: BLE001 - every byte may be an attacker's, and libraries raise what they like
                self._gap(blob, error)
                if data is not None and not (seen and isinstance(content, Cursor)):
                    content = Cursor(None if seen else data)
                if isinstance(content, Cursor):
                    yield from self._search(container.blob, content)
                break
            if item is None:
                break
            if isinstance(item, Identity):
                if _is_named(blob, item.only_named):
                    container.blob = _as_container(blob, item)
                continue
            seen = True
            yield from self._item(container, item)
        for more in others(data, found) if data is not None else ():
            yield from self._open(blob, more, Cursor(data) if more.streams else data, None, depth)

    def _item(self, container: _Container, item: Item) -> Iterator[Pack]:
        if isinstance(item, Rest):
            if container.data is not None:
                content = Cursor(container.data.part(0, item.offset + item.size), position=item.offset)
                yield from self._search(container.blob, content)
            return
        assert isinstance(item, Member)  # noqa: S101 - an identity was handled above
        outer = container.blob
        name = item.name if len(item.name) <= _LONGEST_NAME else item.name[:_LONGEST_NAME] + "…"
        inner = outer.inner(Link(item.kind, name or _stem(outer), **item.facts), item.removed_in)
        try:
            self.budget.member()
            if item.reason:
                self._gap(inner, Refused(item.reason, item.detail))
            else:
                yield from self._member(container, inner, item)
        except Exception as error:  # noqa: BLE001 - as above
            self._gap(inner, error)

    def _member(self, container: _Container, blob: Blob, member: Member) -> Iterator[Pack]:
        """Search `member`, or open it."""
        read = _Guard(self, container, blob, member)
        if member.content is None:
            head = read(BUFFER)
        else:
            head = member.content
            self.budget.take(len(head))
        is_big = len(head) >= BUFFER
        sample = head[:HEAD], b"" if is_big else head[-TAIL:]
        found = member.opens if member.opens and member.opens.begins(*sample) else recognise(*sample)
        data = member.data if is_big else Memory(head)
        if not found and len(head) >= TAIL:
            data = data or (spool(head, read) if may_follow(head, 0, len(head)) else None)
            found = behind(data) if data else None
        depth = container.depth + 1
        try:
            if found:
                self.budget.open(depth)
        except Refused as error:
            self._gap(blob, error)
            found = None
        if found is None:
            is_spooled = is_big and data is not None and data is not member.data
            yield from self._plain(blob, head, Cursor(data, position=len(head)).read if is_spooled else read)
            return
        inner = container.blob if member.inherits else blob
        if is_big and member.data is not None:
            read.count(member.data.size - len(head))
        if data is None and found.streams:
            yield from self._open(inner, found, Cursor(None, head, read), None, depth)
            return
        data = data or spool(head, read)
        yield from self._open(inner, found, Cursor(data) if found.streams else data, data, depth)

    def _plain(self, blob: Blob, head: bytes, read: Reader) -> Iterator[Pack]:
        """Search a member that is no container, as far as anybody can tell."""
        for pack in self._content(blob, head, read):
            if _ends_hidden(pack, blob):
                self._gap(blob, Refused(Reason.UNSUPPORTED, HIDDEN))
            yield pack

    def _content(self, blob: Blob, head: bytes, read: Reader) -> Iterator[Pack]:
        """Search `head` and what `read` gives behind it."""
        if len(head) < BUFFER:
            yield from self._small(blob, head, 0)
            return
        yield self._full()
        yield from windows(blob, Cursor(None, head, read).fill, self._free)

    def _search(self, blob: Blob, content: Cursor) -> Iterator[Pack]:
        """Search what is left of `content`, the bytes of `blob`, as it is."""
        offset = content.position
        head = content.read(BUFFER)
        if not offset:
            yield from self._content(blob, head, content.read)
        elif len(head) < BUFFER:
            yield from self._small(blob, head, offset)
        else:
            yield self._full()
            for pack in windows(blob, Cursor(None, head, content.read).fill, self._free):
                for span in pack.spans:
                    span.base += offset
                    span.lines = None
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
        if pack.filled > PACK or len(pack.spans) == _MOST_SPANS:
            yield self._full()

    def _full(self) -> Pack:
        """What was collected so far, with the gaps. A pack must not be kept while windows are read: buffers are few."""
        pack = self._pack or Pack(self._free(), 0, [], [])
        pack.gaps += self._gaps
        self._pack, self._gaps = None, []
        return pack

    def _last(self, blob: Blob) -> Pack:
        """The last pack of the artefact `blob`: also where the budget ended before it did."""
        if self.budget.exhausted:
            detail = "the limits for one artefact are reached: what follows in it was not looked into"
            self._gaps.append(Gap(blob.path, Reason.OVER_BUDGET, detail))
        return self._full()

    def _gap(self, blob: Blob, error: Exception) -> None:
        self._told += 1
        if self._told > _MOST_GAPS:
            return
        if self._told == _MOST_GAPS:
            gap = Gap(blob.path, Reason.OVER_BUDGET, f"{_MOST_GAPS:,} gaps in one artefact; further ones are not told")
        elif isinstance(error, Refused):
            gap = Gap(blob.path, error.reason, escape(error.detail))
        elif isinstance(error, (AssertionError, AttributeError, KeyError, NameError, TypeError)):
            gap = Gap(blob.path, Reason.FAILED, f"a defect in pitviper: {type(error).__name__}; please report it")
        else:
            gap = Gap(blob.path, Reason.DAMAGED, escape(str(error)) or type(error).__name__)
        self._gaps.append(gap)


class _Guard:
    """Reads a member: counts what comes, and ends it where it breaks or costs too much, with a Gap."""

    def __init__(self, walk: Walk, container: _Container, blob: Blob, member: Member) -> None:
        self._walk = walk
        self._container = container
        self._blob = blob
        self._stored = member.data is not None
        self._counted = isinstance(member.read, Bounded)  # a piece of what was counted already, and read once only
        self._read = Cursor(member.data).read if member.data is not None else member.read

    def __call__(self, size: int) -> bytes:
        """`size` bytes; fewer only at the end."""
        pieces: list[bytes] = []
        while size and self._read:
            try:
                piece = self._read(size)
                if not piece:
                    break
                pieces.append(piece)
                size -= len(piece)
                self.count(len(piece))
            except Exception as error:  # noqa: BLE001 - see Walk
                self._walk._gap(self._blob, error)  # noqa: SLF001 - the two are one
                self._read = None
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def count(self, count: int) -> None:
        """Stored members cost nothing, unless they lie in each other. Raises `Refused`."""
        if self._stored:
            free = min(count, self._container.left)
            self._container.left -= free
            self._walk.budget.again(count - free)
        elif not self._counted:
            self._walk.budget.take(count)


def _ends_hidden(pack: Pack, blob: Blob) -> bool:
    """Whether `pack` is the last window of `blob`, and its end that of a zip archive that begins in an earlier one."""
    span = pack.spans[-1] if pack.spans else None
    is_last = span is not None and span.blob is blob and span.base and span.last == span.end
    return bool(is_last) and ends(pack.data, pack.filled)


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
