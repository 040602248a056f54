"""The objects of a git repository: names in, contents out, through one `git cat-file`, in the order of the packs.

A damaged object ends git. Then another one starts behind it: at first one that hands over each object at once, so that
it is known which one it was.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import chain
from typing import IO, ClassVar

import msgspec

from pitviper.engine.data import File, spool
from pitviper.engine.pack import PACK, SEPARATOR, Free, Pack, windows
from pitviper.model.blob import Blob, Inner, Span
from pitviper.model.gap import Gap, Reason
from pitviper.model.place import Link
from pitviper.sources.git import Git, Running, lines

_PATIENCE = 1_000
"""Damaged objects behind which git is started again."""

_CHECK = ("cat-file", "--batch-all-objects", "--unordered", "--buffer")


class Object:
    """An object that comes out of the pipe: `left` of its `size` bytes are still there to be read."""

    __slots__ = ("_stream", "id", "kind", "left", "size")

    def __init__(self, header: bytes, stream: IO[bytes]) -> None:
        name, kind, size = header.split()
        self.id = name.decode("ascii")
        self.kind = kind.decode("ascii")
        self.size = self.left = int(size)
        self._stream = stream

    def fill(self, view: memoryview) -> int:
        """Read into `view` until it is full or the object ends."""
        count: int = self._stream.readinto(view[: self.left])  # type: ignore[attr-defined]  # it is a BufferedReader
        self.left -= count
        return count

    def read(self, size: int) -> bytes:
        """The next `size` bytes."""
        piece = self._stream.read(min(size, self.left))
        self.left -= len(piece)
        return piece

    def skip(self) -> bool:
        """Read to its end, and over the newline behind it. Whether all of it was there."""
        while self.left and self.read(1 << 20):
            pass
        return not self.left and self._stream.read(1) == b"\n"


class Unnamed:
    """An object before anybody asked the history for its name."""

    __slots__ = ("_object", "_repository", "id")
    again = False

    def __init__(self, repository: str, one: Object) -> None:
        self._repository = repository
        self._object = one
        self.id = one.id

    @property
    def path(self) -> str:
        """See `Blob`."""
        return f"{self._repository}!/{self.id}"

    @property
    def chain(self) -> tuple[Link, ...]:
        """See `Blob`."""
        return Link("tree", self._repository), Link("file", self.id, id=self.id)

    def open(self, head: bytes) -> File:
        """See `Whole`."""
        return spool(head, self._object.read)


class Indexed(msgspec.Struct, frozen=True):
    """An object under a name that it has in the index."""

    path: str
    chain: tuple[Link, ...]
    object: Object

    again: ClassVar = False

    def open(self, head: bytes) -> File:
        """See `Whole`."""
        return spool(head, self.object.read)


class Named(Inner, frozen=True):
    """An object under a name that it has in the history."""

    object: Object | None = None

    again: ClassVar = False

    def open(self, head: bytes) -> File:
        """See `Whole`."""
        if self.object is None:
            raise OSError("it was read already")
        return spool(head, self.object.read)


Name = Callable[[Object], tuple[Blob, Blob | None]]
"""Gives the blob for an object; and another one for its head, if what is in front of the first empty line has its own.
"""


Lost = Callable[[str, str, bool], None]
"""Is told the id of an object that cannot be had, why, and whether it was handed over already, and ended early."""


def every(git: Git, gaps: list[Gap], *, trees: bool = False) -> Iterator[list[bytes]]:
    """The ids of all objects in the repository, reachable or not, in the order in which they are stored."""
    seen = 0
    with git.start(*_CHECK, "--batch-check=%(objectname) %(objecttype)") as running:
        for some in lines(running.output):
            seen += len(some)
            yield [line.partition(b" ")[0] for line in some if trees or not line.endswith(b" tree")]
        if running.failed() is None:
            return
    with git.start(*_CHECK, "--batch-check=%(objectname)") as running:  # does not look at any object
        for some in lines(running.output):
            skipped = min(seen, len(some))
            seen -= skipped
            yield some[skipped:]
        if said := running.failed():
            gaps.append(Gap(git.shown, Reason.DAMAGED, f"git could not list all objects: {said}"))


def objects(git: Git, ids: Iterable[list[bytes]], lost: Lost) -> Iterator[Object]:
    """The objects with these `ids`, one after the other."""
    source = iter(ids)
    pending: deque[bytes] = deque()
    careful = False
    for _ in range(_PATIENCE):
        with git.start("cat-file", "--batch", *([] if careful else ["--buffer"]), takes=True) as running:
            feeder = threading.Thread(target=running.give, args=(_fed(source, pending),), daemon=True)
            feeder.start()
            broken = yield from _received(running, pending, lost)
            said = running.failed() or ""
            feeder.join()
        if broken:
            lost(broken, said or "it is cut short", True)  # noqa: FBT003 - see Lost
        elif careful and pending:
            lost(pending.popleft().decode("ascii"), said or "git ended when it read this object", False)  # noqa: FBT003
        if not pending and not said:
            return
        careful = True
        source = chain([list(pending)], source)
        pending.clear()
    for one in chain.from_iterable(source):
        lost(one.decode("ascii"), f"there are more than {_PATIENCE:,} damaged objects", False)  # noqa: FBT003


def _fed(ids: Iterator[list[bytes]], pending: deque[bytes]) -> Iterator[bytes]:
    for some in ids:
        if some:
            pending.extend(some)
            yield b"\n".join(some) + b"\n"


def _received(running: Running, pending: deque[bytes], lost: Lost) -> Generator[Object, None, str | None]:
    """The objects that come out of git, until it ends; the id of one that ends with it."""
    stream = running.output
    while (header := stream.readline()).endswith(b"\n"):
        pending.popleft()
        name, _, rest = header.partition(b" ")
        if rest == b"missing\n":
            lost(name.decode("ascii"), "it is missing, or damaged", False)  # noqa: FBT003
            continue
        one = Object(header, stream)
        yield one
        if not one.skip():
            return one.id
    return None


def packed(source: Iterable[Object], name: Name, gaps: list[Gap], free: Free) -> Iterator[Pack]:
    """The objects of `source` as packs: small ones together, big ones in windows. Takes the `gaps` that come up."""
    pack = Pack(free(), 0, [], [])
    room = memoryview(pack.data)
    for one in source:
        blob, head = name(one)
        start = pack.filled
        end = start + one.size
        if end < len(room):
            end = start + one.fill(room[start:end])
            pack.spans.extend(_spans(pack.data, start, end, blob, head))
            room[end] = SEPARATOR
            pack.filled = end + 1
            if end < PACK:
                continue
        pack.gaps, gaps[:] = [*pack.gaps, *gaps], []
        yield pack
        if one.left:
            yield from windows(blob, one.fill, free)
        pack = Pack(free(), 0, [], [])
        room = memoryview(pack.data)
    pack.gaps += gaps
    gaps.clear()
    yield pack


def _spans(data: bytearray, start: int, end: int, blob: Blob, head: Blob | None) -> Iterator[Span]:
    """The span of an object, or two for one that has a head."""
    if head and (blank := data.find(b"\n\n", start, end)) >= 0:
        yield Span(head, start, blank + 1, start, blank + 1)
        start = blank + 2
    yield Span(blob, start, end, start, end)
