"""Bytes to be opened."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitviper.engine.data import Cursor, Data, Memory, opened, spool

CONTENT = bytes(range(256)) * 4


def from_file(folder: Path) -> Data:
    (folder / "x").write_bytes(CONTENT)
    return opened(os.open(folder / "x", os.O_RDONLY))


MAKE: dict[str, Callable[[Path], Data]] = {
    "memory": lambda _: Memory(CONTENT),
    "file": from_file,
    "spool": lambda _: spool(CONTENT[:10], io.BytesIO(CONTENT[10:]).read),
    "part": lambda _: Memory(b"xx" + CONTENT + b"xx").part(2, len(CONTENT)),
}


@pytest.mark.parametrize("kind", MAKE)
class TestData:
    def test_reads_what_is_there(self, tmp_path: Path, kind: str) -> None:
        data = MAKE[kind](tmp_path)
        assert data.size == 1024
        for offset, size in ((0, 1024), (0, 5000), (1000, 100), (1024, 1), (5000, 5), (3, 0)):
            assert data.read(offset, size) == CONTENT[offset : offset + size]

    def test_parts_do_not_reach_beyond(self, tmp_path: Path, kind: str) -> None:
        part = MAKE[kind](tmp_path).part(100, 50)
        assert (part.size, part.read(0, 100), part.read(40, 100)) == (50, CONTENT[100:150], CONTENT[140:150])
        inner = part.part(10, 1000)
        assert (inner.size, inner.read(0, 1000)) == (40, CONTENT[110:150])
        assert part.part(60, 10).size == 0
        assert part.part(60, 10).read(0, 10) == b""


def cursors() -> list[Cursor]:
    return [
        Cursor(Memory(CONTENT)),
        Cursor(None, CONTENT[:100], io.BytesIO(CONTENT[100:]).read),
        Cursor(None, b"", io.BytesIO(CONTENT).read),
        Cursor(None, CONTENT),
    ]


@given(st.lists(st.tuples(st.sampled_from(["read", "skip", "unread", "fill"]), st.integers(0, 300))))
def test_cursors_agree(steps: list[tuple[str, int]]) -> None:
    for cursor in cursors():
        position = 0
        for step, size in steps:
            wanted = CONTENT[position : position + size]
            if step == "skip":
                cursor.skip_to(position + len(wanted))
            elif step == "fill":
                view = bytearray(size)
                assert view[: cursor.fill(memoryview(view))] == wanted
            else:
                assert cursor.read(size) == wanted
            if step == "unread":
                cursor.unread(wanted)
            else:
                position += len(wanted)
            assert cursor.position == position


def test_a_cursor_does_not_skip_beyond_the_end() -> None:
    for cursor in cursors():
        with pytest.raises(EOFError, match="76 bytes are missing"):
            cursor.skip_to(1100)


def test_zeros_are_skipped() -> None:
    content = bytes(2_500_000) + b"x" + bytes(10)
    for cursor in (Cursor(Memory(content)), Cursor(None, content[:9], io.BytesIO(content[9:]).read)):
        assert cursor.skip_zeros()
        assert (cursor.position, cursor.read(1)) == (2_500_000, b"x")
        assert not cursor.skip_zeros()


def test_bounded_readers_end_where_they_should() -> None:
    for cursor in cursors():
        read = cursor.bounded(10)
        assert (read(7), read(7), read(7), cursor.position) == (CONTENT[:7], CONTENT[7:10], b"", 10)
        read = cursor.bounded(5000)
        assert read(5000) == CONTENT[10:]
        with pytest.raises(EOFError, match="3,986 bytes are missing"):
            read(1)


def test_the_file_is_closed_with_its_last_part(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(CONTENT)
    number = os.open(tmp_path / "x", os.O_RDONLY)
    part = opened(number).part(1, 2)
    assert part.read(0, 2) == CONTENT[1:3]
    del part
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(number)
