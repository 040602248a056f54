"""Windows on something big."""

from __future__ import annotations

import io

import pytest

from pitviper.engine.pack import BUFFER, OVERLAP, windows
from pitviper.model.blob import Memory

STEP = BUFFER - 2 * OVERLAP


@pytest.mark.parametrize("is_one_buffer", [True, False])
@pytest.mark.parametrize("size", [0, 1, BUFFER - 1, BUFFER, BUFFER + 1, BUFFER + STEP, 3 * BUFFER + 12_345])
def test_windows_cover_everything_once(size: int, *, is_one_buffer: bool) -> None:
    content = (b"%d\n" * 1000 % tuple(range(1000))) * (size // 3890 + 1)
    content = content[:size]
    shared = bytearray(BUFFER)
    found = bytearray()
    for pack in windows(
        Memory("x"), io.BytesIO(content).readinto, lambda: shared if is_one_buffer else bytearray(BUFFER)
    ):
        (span,) = pack.spans
        assert content[span.base : span.base + span.end] == pack.data[: span.end]
        assert span.base + span.first == len(found)
        assert span.lines == content.count(b"\n", 0, span.base)
        found += pack.data[span.first : span.last]
    assert found == content


def test_binary_data_has_no_lines() -> None:
    packs = windows(Memory("x"), io.BytesIO(b"\0\1\2\n" * BUFFER).readinto, lambda: bytearray(BUFFER))
    assert {span.lines for pack in packs for span in pack.spans} == {None}


def test_who_wants_no_more_gets_no_more() -> None:
    source = io.BytesIO(bytes(5 * BUFFER))
    for pack in windows(Memory("x"), source.readinto, lambda: bytearray(BUFFER)):
        pack.dropped = True
    assert source.tell() == BUFFER
