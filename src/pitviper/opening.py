"""Opening: which blobs of a pack are containers, and what is in them, as packs again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

from pitviper.engine.data import Cursor, Data, Meter
from pitviper.engine.data import Memory as Held
from pitviper.engine.pack import Free, Pack, windows
from pitviper.model.blob import Blob, Span
from pitviper.model.gap import Gap, Reason
from pitviper.sources.interface import Whole
from pitviper.unpack.interface import Format, Options
from pitviper.unpack.leads import HIDDEN, ends, may_begin, may_end, may_follow, sample


def opened(read: Callable[[Free], Iterator[Pack]], options: Options, free: Free) -> Iterator[Pack]:
    """The packs of `read`, and behind each those of the containers and images that were in it."""
    for pack in read(free):
        found, shelves = list(_containers(pack)), pack.shelves
        yield pack
        if not found and not shelves:
            continue
        from pitviper.unpack.image import SHELF_FORMAT  # noqa: PLC0415 - 40 ms that a file of text does not pay
        from pitviper.unpack.walk import Walk  # noqa: PLC0415 - same

        for blob, known, data in found:
            if not known:
                yield from windows(blob, Cursor(data).fill, free)
                continue
            walk = Walk(options, data.size, free)
            if isinstance(data, Held):
                yield from walk.open(blob, known, data)
            else:
                meter = Meter(data.size)
                yield from _metered(walk.open(blob, known, meter.data(data)), meter, free)
        for blob, shelf in shelves:
            meter = Meter(shelf.size)
            walk = Walk(options, shelf.size, free)
            yield from _metered(walk.open_shelf(blob, SHELF_FORMAT, meter.shelf(shelf)), meter, free)


def _metered(packs: Iterator[Pack], meter: Meter, free: Free) -> Iterator[Pack]:
    """`packs`, each with what was read for it, and at last one with the bytes that nobody needed to read."""
    for pack in packs:
        pack.read = meter.take()
        yield pack
    yield Pack(free(), 0, [], [], read=meter.rest())


def _containers(pack: Pack) -> Iterator[tuple[Blob, Format | None, Data]]:
    """The containers among the blobs of `pack`, to be opened once the pack was yielded; what they hold is copied.

    Without a format: what had to be read to its end to see that it is none.
    """
    for span in pack.spans:
        if span.last < span.end:
            if not span.base:
                yield from _big(pack, span)
        elif span.base:
            if ends(pack.data, span.end):
                pack.gaps.append(Gap(span.blob.path, Reason.UNSUPPORTED, HIDDEN))
        elif may_begin(pack.data, span.start, span.end):
            from pitviper.unpack.table import behind, recognise  # noqa: PLC0415 - see `opened`

            held = Held(memoryview(pack.data)[span.start : span.end])
            if known := recognise(*sample(pack.data, span.start, span.end)) or behind(held):
                span.opened = True
                yield span.blob, known, Held(held.read(0, held.size))


def _big(pack: Pack, span: Span) -> Iterator[tuple[Blob, Format | None, Data]]:
    """The blob whose first window is `span`, if it is a container, or if only its end can tell."""
    blob = cast("Whole", span.blob)
    head, _ = sample(pack.data, span.start, span.end)
    known = _recognised(pack, span, head)
    if not (known or blob.again or may_follow(pack.data, span.start, span.end)):
        return
    try:
        data = blob.open(b"" if blob.again else bytes(pack.data[span.start : span.end]))
        known = known or _behind(data)
    except OSError as error:
        pack.gaps.append(Gap(blob.path, Reason.UNREADABLE, error.strerror or ""))
        return
    if known:
        span.opened = True
    elif blob.again:
        return
    else:
        pack.spans, pack.filled = [], 0
    pack.dropped = True
    yield blob, known, data


def _recognised(pack: Pack, span: Span, head: bytes) -> Format | None:
    if not may_begin(pack.data, span.start, span.end):
        return None
    from pitviper.unpack.table import recognise  # noqa: PLC0415 - see `opened`

    return recognise(head, b"")


def _behind(data: Data) -> Format | None:
    if not may_end(data):
        return None
    from pitviper.unpack.table import behind  # noqa: PLC0415 - see `opened`

    return behind(data)
