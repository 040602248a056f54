"""Single compressed files: whole, several in a row, cut short, broken, and with something behind."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import struct
import sys
import zlib
from collections.abc import Callable

import lz4.frame  # type: ignore[import-untyped]
import pytest

from pitviper.look import Outcome
from pitviper.model.gap import Gap
from pitviper.unpack.interface import HEAD, Options
from pitviper.unpack.table import recognise

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Opened = tuple[dict[str, bytes], list[Gap]]
ContentOf = Callable[..., Opened]
Told = Callable[..., list[tuple[str, str]]]

TEXT = b"".join(b"line %d of some text\n" % number for number in range(400))
SKIPPED = b"\x53\x2a\x4d\x18" + (7).to_bytes(4, "little") + b"skipped"


def as_git(content: bytes) -> bytes:
    return zlib.compress(b"blob %d\0" % len(content) + content, 1)


PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda content: lzma.compress(content, lzma.FORMAT_ALONE),
    "zstandard": zstd.compress,
    "lz4": lz4.frame.compress,
    "git": as_git,
}
SEVERAL = [name for name in PACK if name not in {"git", "lzma"}]


def plain(name: str, content: bytes) -> bytes:
    """What comes out of what was packed."""
    return zlib.decompress(as_git(content)) if name == "git" else content


@pytest.mark.parametrize("name", PACK)
class TestEach:
    @pytest.mark.parametrize("content", [b"", b"x", TEXT, os.urandom(300_000), b"\x01" * 5_000_000], ids=len)
    def test_whole(self, content_of: ContentOf, name: str, content: bytes) -> None:
        packed = PACK[name](content)
        assert content_of(packed) == ({"x!/x": plain(name, content)}, [])

    @pytest.mark.parametrize("zeros", [0, 3, 500_000])
    def test_what_is_behind_is_searched(self, content_of: ContentOf, name: str, zeros: int) -> None:
        contents, gaps = content_of(PACK[name](TEXT) + bytes(zeros) + b"behind")
        assert (contents, gaps) == ({"x!/x": plain(name, TEXT), "x!/(behind the end)": b"behind"}, [])
        assert content_of(PACK[name](TEXT) + bytes(zeros)) == ({"x!/x": plain(name, TEXT)}, [])

    def test_cut_anywhere(self, content_of: ContentOf, told: Told, name: str) -> None:
        packed = PACK[name](TEXT)
        for end in range(100, len(packed), 1 if len(packed) < 1500 else 7):
            contents, _ = content_of(packed[:end])
            assert plain(name, TEXT).startswith(contents["x!/x"])
            assert told(packed[:end]) == [("x!/x", "damaged")]
        if name in {"gzip", "git", "xz", "lzma"}:
            assert len(content_of(packed[: len(packed) * 9 // 10])[0]["x!/x"]) > len(TEXT) * 7 // 10

    def test_broken_anywhere(self, content_of: ContentOf, name: str) -> None:
        packed = PACK[name](TEXT)
        for place in range(1024 if name == "git" else 150, len(packed), 1 if len(packed) < 1500 else 7):
            broken = bytearray(packed)
            broken[place] ^= 0xFF
            contents, gaps = content_of(bytes(broken))
            assert gaps or name in {"lz4", "zstandard", "lzma"}  # these need not have a checksum
            if name in {"gzip", "git"}:
                assert contents["x!/x"][: place - 150] == plain(name, TEXT)[: place - 150]

    def test_with_a_broken_checksum(self, content_of: ContentOf, name: str) -> None:
        if name in {"gzip", "git"}:
            packed = bytearray(PACK[name](TEXT))
            packed[-5 if name == "gzip" else -1] ^= 1
            contents, gaps = content_of(bytes(packed))
            assert contents == {"x!/x": plain(name, TEXT)}
            assert [str(gap.reason) for gap in gaps] == ["damaged"]


@pytest.mark.parametrize("name", SEVERAL)
class TestSeveral:
    def test_count_as_one(self, content_of: ContentOf, name: str) -> None:
        pack = PACK[name]
        whole = pack(TEXT) + pack(b"") + pack(os.urandom(10)) + pack(TEXT)
        contents, gaps = content_of(whole)
        assert not gaps
        assert (len(contents["x!/x"]), contents["x!/x"][-len(TEXT) :]) == (len(TEXT) * 2 + 10, TEXT)

    def test_thousands(self, content_of: ContentOf, name: str) -> None:
        assert content_of(PACK[name](b"x") * 20_000) == ({"x!/x": b"x" * 20_000}, [])

    def test_one_of_them_broken(self, content_of: ContentOf, name: str) -> None:
        pack = PACK[name]
        second = bytearray(pack(TEXT))
        second[-9:] = bytes(9)
        contents, _ = content_of(pack(TEXT) + bytes(second))
        assert contents["x!/x"].startswith(TEXT)

    def test_one_in_the_other(self, content_of: ContentOf, name: str) -> None:
        pack = PACK[name]
        assert content_of(pack(pack(pack(TEXT)))) == ({"x!/x": TEXT}, [])


class TestGzip:
    @pytest.mark.parametrize(
        ("flags", "fields", "name"),
        [
            (8, b"name.py\0", "name.py"),
            (4 + 8, struct.pack("<H", 5) + b"extraname.py\0", "name.py"),
            (4 + 8 + 16 + 2, b"\0\0" + b"name.py\0comment\0\0\0", "name.py"),
            (16, b"comment\0", "x"),
            (8, b"\0", "x"),
            (8, b"a\nb\xff\0", "a\\nb\\xff"),
            (8, b"n" * 5000 + b"\0", "x"),
            (4, struct.pack("<H", 60_000) + b"e" * 60_000, "x"),
        ],
    )
    def test_fields_of_the_header(self, content_of: ContentOf, flags: int, fields: bytes, name: str) -> None:
        packed = gzip.compress(TEXT)
        head = packed[:3] + bytes([flags]) + packed[4:10] + fields
        if flags & 2:
            head = head[:-2] + (zlib.crc32(head[:-2]) & 0xFFFF).to_bytes(2, "little")
        assert content_of(head + packed[10:]) == ({f"x!/{name}": TEXT}, [])

    def test_cut_in_its_header(self, content_of: ContentOf, told: Told) -> None:
        packed = gzip.compress(TEXT)
        packed = packed[:3] + b"\x0c" + packed[4:10] + struct.pack("<H", 5) + b"extraname.py\0" + packed[10:]
        for end in range(3, 40):
            assert told(packed[:end])
            assert content_of(packed[:end])


class TestMemory:
    def test_dictionaries_that_are_too_big(self, told: Told) -> None:
        alone = b"\x5d" + (1 << 30).to_bytes(4, "little") + b"\xff" * 8 + bytes(40)
        assert told(alone) == [("x!/x", "over-budget")]
        packed = bytearray(lzma.compress(b"x", filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 16}]))
        properties = packed.index(b"\x21\x01") + 2
        packed[properties] = 40  # 4 GiB
        packed[20:24] = zlib.crc32(bytes(packed[12:20])).to_bytes(4, "little")
        assert told(bytes(packed)) == [("x!/x", "over-budget")]

    def test_windows_that_are_too_big(self, told: Told) -> None:
        level = {int(zstd.CompressionParameter.window_log): 28, int(zstd.CompressionParameter.content_size_flag): 0}
        packer = zstd.ZstdCompressor(options=level)
        packed = packer.compress(TEXT) + packer.flush()
        assert told(packed) == [("x!/x", "over-budget")]
        level[int(zstd.CompressionParameter.window_log)] = 27
        packer = zstd.ZstdCompressor(options=level)
        assert told(packer.compress(TEXT) + packer.flush()) == []


class TestFrames:
    @pytest.mark.parametrize("name", ["zstandard", "lz4"])
    def test_that_are_to_be_skipped(self, content_of: ContentOf, name: str) -> None:
        packed = PACK[name](TEXT)
        assert content_of(packed + SKIPPED + packed + SKIPPED) == ({"x!/x": TEXT * 2}, [])
        contents, gaps = content_of(SKIPPED * 2 + packed)
        assert not gaps
        assert b"".join(contents.values()) == TEXT

    @pytest.mark.parametrize("stored", [True, False])
    def test_of_lz4_with_and_without_a_size(self, content_of: ContentOf, *, stored: bool) -> None:
        packed = lz4.frame.compress(TEXT * 300, store_size=stored, content_checksum=True, block_linked=stored)
        assert content_of(packed) == ({"x!/x": TEXT * 300}, [])

    def test_of_lz4_that_lie_about_their_size(self, content_of: ContentOf) -> None:
        packed = bytearray(lz4.frame.compress(TEXT, store_size=True))
        packed[6:14] = b"\xff" * 8
        contents, gaps = content_of(bytes(packed))
        assert gaps
        assert len(contents["x!/x"]) <= len(TEXT)


def test_a_bomb_ends(told: Told) -> None:
    bomb = bz2.compress(bytes(70_000_000))
    assert told(bomb) == [("x!/x", "over-budget")]
    ended = told(gzip.compress(bytes(2_000_000)), Options(max_expanded=1_000_000))
    assert ended == [("x!/x", "over-budget"), ("x", "over-budget")]


@pytest.mark.parametrize("setting", [{"lc": 4, "lp": 0}, {"pb": 0}, {"dict_size": 4096}, {"dict_size": 3 << 19}])
def test_lzma_with_unusual_properties(
    scanned: Callable[[str, bytes], Outcome], token: Callable[[str], str], setting: dict[str, int]
) -> None:
    filters = [{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 16, **setting}]
    packed = lzma.compress(token("lzma").encode() + bytes(500), lzma.FORMAT_ALONE, filters=filters)
    assert scanned("x", packed).findings


@pytest.mark.parametrize("behind", [bytes(range(8)), bytes(range(250)) * 20], ids=["short", "long"])
def test_numbers_are_no_lzma(behind: bytes) -> None:
    head = b"\0" + (4096).to_bytes(4, "little") + (5000).to_bytes(8, "little")
    assert recognise((head + behind)[:HEAD], b"") is None
