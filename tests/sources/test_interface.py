from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitviper.engine import pack as packs
from pitviper.engine.pack import Pack, windows
from pitviper.model.blob import Memory
from pitviper.rules.schema import MAX_MATCH
from pitviper.sources import interface
from pitviper.sources.interface import fill


def reader(data: bytes, at_most: int = 1 << 30) -> Callable[[memoryview], int]:
    """A `fill` for `windows` that reads `data`, `at_most` bytes at a time, until the view is full."""
    position = 0

    def read(view: memoryview) -> int:
        nonlocal position
        count = 0
        while count < len(view) and (piece := data[position : position + min(at_most, len(view) - count)]):
            view[count : count + len(piece)] = piece
            count += len(piece)
            position += len(piece)
        return count

    return read


def cut(data: bytes, size: int, overlap: int, buffers: int) -> Iterator[tuple[Pack, bytes]]:
    """The windows of `data`, each with the bytes that it had when it was told."""
    free = [bytearray(b"\xee" * size) for _ in range(buffers)]
    turn = iter(range(1_000_000))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packs, "OVERLAP", overlap)
        for pack in windows(Memory("a"), reader(data, 7), lambda: free[next(turn) % buffers]):
            yield pack, bytes(pack.data[: pack.filled])


class TestWindows:
    @given(
        st.text("ab\n", max_size=200).map(str.encode),
        st.integers(1, 6),
        st.integers(1, 30),
        st.sampled_from([1, 2, 3]),
    )
    def test_each_byte_belongs_to_one_and_has_neighbours(
        self, data: bytes, overlap: int, more: int, buffers: int
    ) -> None:
        expected = 0
        for pack, content in cut(data, 2 * overlap + more, overlap, buffers):
            (window,) = pack.spans
            base = window.base
            assert (window.start, window.end) == (0, pack.filled)
            assert content == data[base : base + pack.filled]
            assert base + window.first == expected
            assert window.first <= window.last
            assert window.first == min(overlap, expected)
            expected = base + window.last
            assert window.last == window.end - overlap or expected == base + window.end == len(data)
            assert window.lines == data[:base].count(b"\n")
            assert pack.gaps == []
        assert expected == len(data)

    @pytest.mark.parametrize(
        ("data", "lines"),
        [
            pytest.param(b"a\n" * 60, [0, 20, 40], id="text"),
            pytest.param("a\n".encode("utf-16-le") * 30, [0, 10, 20], id="UTF-16"),
            pytest.param(b"\x7fELF\0\n" + b"a\n" * 57, [None, None, None], id="binary"),
        ],
    )
    def test_lines_are_counted_as_the_blob_writes_them(self, data: bytes, lines: list[int | None]) -> None:
        assert [window.lines for pack, _ in cut(data, 56, 8, 1) for window in pack.spans] == lines

    def test_an_empty_blob_is_one_window(self) -> None:
        (pack,) = windows(Memory("a"), reader(b""), lambda: bytearray(1 << 17))
        assert pack.filled == 0
        assert [(window.first, window.last, window.end) for window in pack.spans] == [(0, 0, 0)]

    def test_the_longest_match_fits(self) -> None:
        assert packs.OVERLAP >= MAX_MATCH
        assert 4 * packs.OVERLAP <= packs.BUFFER
        assert packs.PACK < packs.BUFFER


class TestFill:
    @pytest.mark.parametrize("size", [0, 1, 5, 100_000])
    def test_until_the_file_ends(self, tmp_path: os.PathLike[str], size: int) -> None:
        path = os.path.join(tmp_path, "a")
        data = (bytes(range(256)) * 400)[:size]
        with open(path, "wb") as file:
            file.write(data)
        handle = os.open(path, os.O_RDONLY)
        try:
            view = memoryview(bytearray(size + 3))
            assert fill(handle, view) == size
            assert bytes(view[:size]) == data
            assert fill(handle, view) == 0
        finally:
            os.close(handle)

    def test_until_the_view_is_full(self, tmp_path: os.PathLike[str]) -> None:
        path = os.path.join(tmp_path, "a")
        with open(path, "wb") as file:
            file.write(b"abcdef")
        handle = os.open(path, os.O_RDONLY)
        try:
            view = bytearray(4)
            assert fill(handle, memoryview(view)) == 4
            assert view == b"abcd"
            assert fill(handle, memoryview(view)) == 2
            assert view == b"efcd"
            assert fill(handle, memoryview(view)[:0]) == 0
        finally:
            os.close(handle)

    def test_a_short_read_is_no_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pieces = [b"ab", b"c", b"def", b""]

        def short(handle: int, view: memoryview) -> int:
            assert handle == 99
            piece = pieces.pop(0)
            view[: len(piece)] = piece
            return len(piece)

        monkeypatch.setattr(interface, "_read_into", short)
        view = bytearray(10)
        assert fill(99, memoryview(view)) == 6
        assert view[:6] == b"abcdef"

    def test_where_there_is_no_readv(self, monkeypatch: pytest.MonkeyPatch) -> None:
        reading, writing = os.pipe()
        os.write(writing, b"abc")
        os.close(writing)
        monkeypatch.setattr(sys, "platform", "win32")
        try:
            view = bytearray(10)
            assert fill(reading, memoryview(view)) == 3
            assert view[:3] == b"abc"
        finally:
            os.close(reading)
