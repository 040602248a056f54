from __future__ import annotations

import os
from pathlib import Path

import pytest

from pitviper.engine import pack as packs
from pitviper.model.gap import Gap, Reason
from pitviper.sources import interface, stream
from pitviper.sources.stream import Stream


@pytest.fixture(autouse=True)
def small_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packs, "OVERLAP", 8)


def piped(data: bytes) -> int:
    """The end of a pipe that holds `data` and nobody writes to any more."""
    reading, writing = os.pipe()
    os.write(writing, data)
    os.close(writing)
    return reading


def content(source: Stream) -> tuple[bytes, list[int | None], list[Gap]]:
    """What its windows own, the lines in front of each, and the gaps."""
    buffer = bytearray(64)
    data = b""
    lines = []
    gaps = []
    for pack in source.read(lambda: buffer):
        for span in pack.spans:
            assert len(data) == span.base + span.first
            data += pack.data[span.first : span.last]
            lines.append(span.lines)
        gaps += pack.gaps
    return data, lines, gaps


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", [0]),
        (b"\n", [0]),
        (b"a\n" * 31, [0]),
        (b"a\n" * 32, [0, 24]),
        (b"a\n" * 80, [0, 24, 48, 72]),
    ],
)
def test_is_read_once_and_its_lines_counted(data: bytes, lines: list[int]) -> None:
    handle = piped(data)
    assert content(Stream(handle)) == (data, lines, [])
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(handle)


def test_its_place() -> None:
    source = Stream(99, "a\x1b")
    assert source.path == "a\\x1b"
    assert [(link.kind, link.name) for link in source.chain] == [("stdin", "a\\x1b")]
    assert list(source.parts()) == [source]


def test_a_handle_that_is_closed() -> None:
    reading = piped(b"")
    spare = os.dup(reading)
    os.close(reading)
    os.dup2(spare, reading)  # `read` closes it
    os.close(spare)
    source = Stream(reading)
    folder = os.open(os.curdir, os.O_RDONLY)
    os.dup2(folder, reading)
    os.close(folder)
    assert content(source) == (b"", [0], [Gap("<stdin>", Reason.UNREADABLE, "Is a directory")])


def test_an_error_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def failing(handle: int, view: memoryview) -> int:
        calls.append(handle)
        if len(calls) == 2:
            raise OSError(5, "Input/output error")
        return interface.fill(handle, view)

    monkeypatch.setattr(stream, "fill", failing)
    data, _, gaps = content(Stream(piped(b"x" * 200)))
    assert data == b"x" * 64
    assert gaps == [Gap("<stdin>", Reason.UNREADABLE, "Input/output error")]


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="needs /dev/fd")
def test_standard_input_stays_open() -> None:
    kept = os.dup(0)
    reading = piped(b"abc")
    os.dup2(reading, 0)
    os.close(reading)
    try:
        assert content(Stream()) == (b"abc", [0], [])
        os.fstat(0)
    finally:
        os.dup2(kept, 0)
        os.close(kept)
