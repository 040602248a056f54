from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from typing import cast

import pytest

from pitviper.engine.pack import Free, Pack
from pitviper.model.blob import Memory, Span
from pitviper.sources import ahead as module
from pitviper.sources.ahead import ahead

PATIENCE = 30
"""Seconds after which something hangs."""


@pytest.fixture(autouse=True)
def small_buffers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUFFER", 8)


def numbered(count: int, free: Free) -> Iterator[Pack]:
    """Packs whose buffer says which one it is."""
    for number in range(count):
        data = free()
        data[:] = bytes((number,)) * 8
        yield Pack(data, 8, [Span(Memory(str(number)), 0, 8, 0, 8)], [])


def readers(before: set[threading.Thread]) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread not in before]


def test_all_packs_in_order_each_whole_until_the_next() -> None:
    seen: list[str] = []
    for pack in ahead(lambda free: numbered(100, free)):
        assert set(pack.data) == {len(seen)}
        seen.append(pack.spans[0].blob.path)
    assert seen == [str(number) for number in range(100)]


def test_nothing_to_read() -> None:
    assert list(ahead(lambda free: numbered(0, free))) == []


def test_reads_no_further_than_there_are_buffers() -> None:
    made = []

    def read(free: Free) -> Iterator[Pack]:
        for pack in numbered(10, free):
            made.append(pack.data)
            yield pack

    packs = ahead(read)
    assert [len({id(data) for data in made}) <= 3 for _ in packs] == [True] * 10
    assert len({id(data) for data in made}) == 3


def test_what_the_reader_raises_is_raised_here() -> None:
    def read(free: Free) -> Iterator[Pack]:
        yield from numbered(2, free)
        raise ZeroDivisionError

    packs = ahead(read)
    assert [next(packs).data[0], next(packs).data[0]] == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(packs)


@pytest.mark.parametrize("taken", [1, 3, 10])
def test_an_early_end_ends_the_thread_and_what_it_reads(taken: int) -> None:
    before = set(threading.enumerate())
    closed = threading.Event()

    def read(free: Free) -> Iterator[Pack]:
        try:
            yield from numbered(200, free)
        finally:
            closed.set()

    packs = cast("Generator[Pack, None, None]", ahead(read))
    for _ in range(taken):
        next(packs)
    packs.close()
    assert closed.wait(PATIENCE)
    for thread in readers(before):
        thread.join(PATIENCE)
        assert not thread.is_alive()
