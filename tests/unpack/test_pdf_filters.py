"""How streams of PDF documents are packed: LZW and run lengths, from the other side."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitviper.engine.data import Cursor, Memory
from pitviper.unpack.interface import Refused
from pitviper.unpack.pdf_filters import unfiltered

TEXT = b" ".join(b"word%d and word%d" % (number, number * 7 % 1000) for number in range(20_000))


def lzw(content: bytes, early: int = 1, most: int = 4095) -> bytes:
    """Packed as the standard says; the table is cleared when it holds `most` codes."""
    out = bits = 0

    def put(code: int, width: int) -> None:
        nonlocal out, bits
        out, bits = out << width | code, bits + width

    pieces: list[bytes] = []
    width, table, current = 9, {bytes((byte,)): byte for byte in range(256)}, b""
    put(256, width)
    following = 258
    for byte in content:
        longer = current + bytes((byte,))
        if longer in table:
            current = longer
            continue
        put(table[current], width)
        table[longer] = following
        following += 1
        current = longer[-1:]
        if following + early > 1 << width and width < 12:
            width += 1
        if following >= most:
            put(256, width)
            width, following, table = 9, 258, {bytes((byte,)): byte for byte in range(256)}
        if bits > 4096:
            pieces.append((out >> bits % 8).to_bytes(bits // 8, "big"))
            out, bits = out & (1 << bits % 8) - 1, bits % 8
    if current:
        put(table[current], width)
        following += 1
        if following + early > 1 << width and width < 12:
            width += 1
    put(257, width)
    return b"".join(pieces) + (out << -bits % 8).to_bytes(-(-bits // 8), "big")


def run_lengths(content: bytes) -> bytes:
    out = b""
    while content:
        run = len(content) - len(content.lstrip(content[:1]))
        if run > 1:
            size = min(run, 128)
            out += bytes((257 - size,)) + content[:1]
        else:
            size = min(len(content), 7)
            out += bytes((size - 1,)) + content[:size]
        content = content[size:]
    return out + b"\x80"


def unpacked(name: str, packed: bytes, *, is_late: bool = False) -> bytes:
    read = unfiltered([name], Cursor(Memory(packed)).read, is_late=is_late)
    assert read is not None
    return b"".join(iter(lambda: read(10_000), b""))


def test_the_example_of_the_standard() -> None:
    packed = bytes.fromhex("800b6050220c0c8501")
    assert unpacked("LZWDecode", packed) == bytes((45, 45, 45, 45, 45, 65, 45, 45, 45, 66))


@pytest.mark.parametrize("content", [b"", b"a", b"aaaa", TEXT, random.Random(1).randbytes(30_000)], ids=len)
@pytest.mark.parametrize("is_late", [False, True])
def test_lzw(content: bytes, *, is_late: bool) -> None:
    assert unpacked("LZW", lzw(content, 0 if is_late else 1), is_late=is_late) == content


def test_lzw_that_is_never_cleared() -> None:
    for content in (TEXT, b"a" * 300_000):
        table_is_full = unpacked("LZWDecode", lzw(content[:9_000], most=1 << 30))
        assert table_is_full == content[:9_000]


def test_lzw_without_an_end() -> None:
    assert unpacked("LZWDecode", lzw(TEXT)[:-300])[:50_000] == TEXT[:50_000]


@pytest.mark.parametrize("codes", ["807fffff", "ffffff"])
def test_codes_that_stand_for_nothing(codes: str) -> None:
    with pytest.raises(Refused, match="stands for nothing"):
        unpacked("LZWDecode", bytes.fromhex(codes) * 3)


def test_the_longest_strings_take_no_longer() -> None:
    started = time.process_time()
    packed = lzw(b"a" * 3_000_000)
    started = time.process_time()
    assert len(unpacked("LZWDecode", packed)) == 3_000_000
    assert time.process_time() - started < 5


@given(st.binary(max_size=400))
def test_any_bytes(packed: bytes) -> None:
    for name in ("LZWDecode", "RunLengthDecode"):
        try:
            unpacked(name, packed)
        except Refused:
            assert name == "LZWDecode"


@given(st.lists(st.tuples(st.sampled_from([b"a", b"b", b"\x80"]), st.integers(1, 300))))
def test_run_lengths(runs: list[tuple[bytes, int]]) -> None:
    content = b"".join(one * count for one, count in runs)
    assert unpacked("RunLengthDecode", run_lengths(content) + b"behind") == content
