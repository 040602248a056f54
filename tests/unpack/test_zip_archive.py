"""Zip archives: what zipfile writes, what it cannot write, and what nobody should."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import random
import struct
import sys
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pitviper
from pitviper.engine.data import Memory, opened
from pitviper.look import Outcome
from pitviper.model.gap import Gap
from pitviper.unpack import zip_archive
from pitviper.unpack.interface import Member, Options

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Opened = tuple[dict[str, bytes], list[Gap]]
ContentOf = Callable[..., Opened]
Scanned = Callable[[str, bytes], Outcome]
Told = Callable[..., list[tuple[str, str]]]

TEXT = b"some text that packs well, well, well " * 30


class Entry(msgspec.Struct):
    """What to write; None for what follows from the rest."""

    name: bytes = b"a"
    content: bytes = TEXT
    packed: bytes | None = None
    method: int = 0
    flags: int = 0
    crc: int | None = None
    size: int | None = None
    time: int = 0
    extra: bytes = b""
    local_extra: bytes = b""
    offset: int | None = None
    behind: bytes = b""
    """Bytes between this member and the next."""


def archive(
    *entries: Entry, front: bytes = b"", comment: bytes = b"", count: int | None = None, moved: bool = True
) -> bytes:
    """An archive of `entries`, behind `front`. Offsets count from its own beginning if it was `moved`."""
    out, directory = bytearray(front), bytearray()
    for entry in entries:
        packed = entry.content if entry.packed is None else entry.packed
        crc = zlib.crc32(entry.content) if entry.crc is None else entry.crc
        sizes = crc, len(packed) if entry.size is None else entry.size, len(entry.content)
        late = bool(entry.flags & 8)
        offset = len(out) - (len(front) if moved else 0) if entry.offset is None else entry.offset
        local = (0, 0, 0) if late else sizes
        out += struct.pack("<4s5H3I2H", b"PK\3\4", 20, entry.flags, entry.method, entry.time, 0, *local,
                           len(entry.name), len(entry.local_extra))  # fmt: skip
        out += entry.name + entry.local_extra + packed
        if late:
            out += b"PK\7\x08" + struct.pack("<3I", *sizes)
        out += entry.behind
        directory += struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, entry.flags, entry.method, entry.time, 0, *sizes,
                                 len(entry.name), len(entry.extra), 0, 0, 0, 0, offset)  # fmt: skip
        directory += entry.name + entry.extra
    start = len(out) - (len(front) if moved else 0)
    number = len(entries) if count is None else count
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, number, number, len(directory), start, len(comment))
    return bytes(out + directory + end + comment)


def deflated(content: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()


def packed(content: bytes) -> Entry:
    return Entry(content=content, packed=deflated(content), method=8)


def lzma_packed(content: bytes, *, marked: bool, dictionary: int = 1 << 16) -> bytes:
    """LZMA as zip has it; `marked`: with an end mark."""
    setting = {"id": lzma.FILTER_LZMA1, "dict_size": 1 << 16}
    packer = lzma.LZMACompressor(lzma.FORMAT_RAW, filters=[setting])
    packed = packer.compress(content) + packer.flush()
    properties = b"\x5d" + dictionary.to_bytes(4, "little")
    return b"\x09\x14\x05\0" + properties + (packed if marked else packed[:-1])


def encrypted(content: bytes, password: bytes, check: int) -> bytes:
    """The old encryption (APPNOTE 6.1), from the other side."""
    keys = [0x12345678, 0x23456789, 0x34567890]

    def crc(value: int, byte: int) -> int:
        return zlib.crc32(bytes([byte]), value ^ 0xFFFFFFFF) ^ 0xFFFFFFFF

    def update(byte: int) -> None:
        keys[0] = crc(keys[0], byte)
        keys[1] = ((keys[1] + (keys[0] & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        keys[2] = crc(keys[2], keys[1] >> 24)

    for byte in password:
        update(byte)
    out = bytearray()
    for byte in b"elevenbytes" + bytes([check]) + content:
        mask = (keys[2] | 2) & 0xFFFF
        out.append(byte ^ ((mask * (mask ^ 1) >> 8) & 0xFF))
        update(byte)
    return bytes(out)


def written(method: int, **contents: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, content in contents.items():
            file.writestr(name, content)
    return out.getvalue()


METHODS: dict[str, tuple[int, Callable[[bytes], bytes]]] = {
    "stored": (0, bytes),
    "deflate": (8, deflated),
    "bzip2": (12, bz2.compress),
    "lzma": (14, lambda content: lzma_packed(content, marked=True)),
    "zstandard": (93, zstd.compress),
    "xz": (95, lzma.compress),
}


class TestMethods:
    @pytest.mark.parametrize("name", METHODS)
    @pytest.mark.parametrize("content", [b"", b"x", TEXT, os.urandom(70_000), b"0" * 3_000_000], ids=len)
    @pytest.mark.parametrize("flags", [0, 8], ids=["sizes in front", "sizes behind"])
    def test_each(self, content_of: ContentOf, name: str, content: bytes, flags: int) -> None:
        method, pack = METHODS[name]
        entry = Entry(content=content, packed=pack(content), method=method, flags=flags)
        contents, gaps = content_of(archive(entry, Entry(b"z/b", b"last")))
        assert not gaps
        assert (contents["x!/a"], contents["x!/z/b"]) == (content, b"last")

    @pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    def test_as_zipfile_writes_them(self, content_of: ContentOf, method: int) -> None:
        contents, gaps = content_of(written(method, a=TEXT, b=b"", c=b"x"))
        assert (contents["x!/a"], contents["x!/b"], contents["x!/c"], gaps) == (TEXT, b"", b"x", [])

    def test_lzma_without_an_end_mark_ends_with_its_bytes(self, content_of: ContentOf) -> None:
        packed = lzma_packed(TEXT, marked=True)
        whole = archive(Entry(packed=packed, method=14))
        assert content_of(whole)[0]["x!/a"] == TEXT

    @pytest.mark.parametrize(
        "packed", [b"", b"\x09\x14", b"\x09\x14\x05\0", b"\x09\x14\x05\0]\0", b"\x09\x14\x02\0]\0ab"]
    )
    def test_lzma_without_properties_harms_only_itself(self, content_of: ContentOf, told: Told, packed: bytes) -> None:
        whole = archive(Entry(packed=packed, method=14), Entry(b"b"))
        assert content_of(whole)[0]["x!/b"] == TEXT
        assert told(whole) == [("x!/a", "damaged")]

    def test_a_dictionary_that_is_too_big(self, told: Told) -> None:
        packed = lzma_packed(TEXT, marked=True, dictionary=0xFFFFFFFF)
        assert told(archive(Entry(packed=packed, method=14))) == [("x!/a", "over-budget")]

    @pytest.mark.parametrize(("method", "name"), [(1, "shrink"), (9, "deflate64"), (98, "PPMd"), (77, "77")])
    def test_those_not_supported_are_told(self, content_of: ContentOf, method: int, name: str) -> None:
        contents, gaps = content_of(archive(Entry(method=method), Entry(b"b")))
        assert contents["x!/b"] == TEXT
        assert [(gap.path, str(gap.reason), name in gap.detail) for gap in gaps] == [("x!/a", "unsupported", True)]


class TestNames:
    @pytest.mark.parametrize(
        ("name", "flags", "shown"),
        [
            (b"/etc/passwd", 0, "etc/passwd"),
            (b"../../up", 0, "../../up"),
            (b"C:\\a", 0, "C:\\a"),
            (b"a\nb\x1b[2J", 0, "a\\nb\\x1b[2J"),
            ("grün".encode(), 0x800, "grün"),
            ("grün".encode(), 0, "grün"),
            (b"gr\x81n", 0, "grün"),
            (b"gr\xfcn", 0x800, "gr\ufffdn"),
            ("\u202egnp".encode(), 0x800, "\\u202egnp"),
            (b"a\0b", 0, "a\\x00b"),
            (b"!/", 0, "!/"),
        ],
    )
    def test_are_shown_without_harm(self, content_of: ContentOf, name: bytes, flags: int, shown: str) -> None:
        contents, gaps = content_of(archive(Entry(name, flags=flags)))
        assert (contents[f"x!/{shown}"], gaps) == (TEXT, [])

    def test_none_at_all(self, content_of: ContentOf) -> None:
        assert content_of(archive(Entry(b"")))[0]["x!/x"] == TEXT

    def test_one_as_long_as_can_be(self, content_of: ContentOf) -> None:
        contents, gaps = content_of(archive(Entry(b"n" * 65535), Entry(b"b")))
        assert not gaps
        assert contents[f"x!/{'n' * 4096}…"] == contents["x!/b"] == TEXT

    def test_twice_the_same(self, content_of: ContentOf) -> None:
        assert content_of(archive(Entry(content=b"one "), Entry(content=b"two")))[0]["x!/a"] == b"one two"

    def test_a_folder_is_no_member(self, content_of: ContentOf) -> None:
        assert "x!/a/" not in content_of(archive(Entry(b"a/", b"")))[0]
        assert content_of(archive(Entry(b"a/", b"hidden")))[0]["x!/a/"] == b"hidden"


class TestWhatBelongsToNoMember:
    @pytest.mark.parametrize("moved", [True, False])
    @pytest.mark.parametrize("size", [12, 3_000_000])
    def test_in_front(self, content_of: ContentOf, *, moved: bool, size: int) -> None:
        front = b"#!python".ljust(size)
        contents, gaps = content_of(archive(Entry(), Entry(b"b"), front=front, moved=moved))
        assert (contents["x!/a"], contents["x!/b"], gaps) == (TEXT, TEXT, [])
        assert contents["x"].startswith(front)

    def test_a_comment(self, content_of: ContentOf) -> None:
        contents, gaps = content_of(archive(Entry(), comment=b"a comment"))
        assert contents["x"].endswith(b"a comment")
        assert (contents["x!/a"], gaps) == (TEXT, [])

    def test_between_and_behind(self, content_of: ContentOf) -> None:
        whole = archive(Entry(behind=b"between" * 20), Entry(b"b")) + b"behind"
        contents, gaps = content_of(whole)
        assert (contents["x!/a"], contents["x!/b"], gaps) == (TEXT, TEXT, [])
        assert b"between" * 20 in contents["x"]
        assert contents["x"].endswith(b"behind")

    def test_behind_what_was_packed(self, content_of: ContentOf) -> None:
        entries = Entry(packed=deflated(TEXT) + b"hidden" * 20, method=8), Entry(b"b")
        contents, gaps = content_of(archive(*entries))
        assert (contents["x!/a"], contents["x!/b"], gaps) == (TEXT, TEXT, [])
        assert b"hidden" * 20 in contents["x"]

    def test_in_a_long_extra_field(self, content_of: ContentOf) -> None:
        assert b"hidden" * 20 in content_of(archive(Entry(local_extra=b"hidden" * 20)))[0]["x"]

    def test_far_behind(self, content_of: ContentOf) -> None:
        contents, gaps = content_of(archive(Entry(), Entry(b"b", method=8, packed=deflated(TEXT))) + b"far" * 50_000)
        assert (contents["x!/a"], contents["x!/b"]) == (TEXT, TEXT)
        assert contents["x"].endswith(b"far" * 50_000)
        assert [str(gap.reason) for gap in gaps] == ["damaged"]  # its end record is out of sight


class TestWhatTheDirectoryHides:
    """Members that some tool unpacks, whatever the directory says."""

    PACKED = Entry(b"hidden", packed=deflated(TEXT), method=8)

    @pytest.mark.parametrize("count", [0, 1, 65_535])
    def test_behind_a_number_that_lies(self, content_of: ContentOf, count: int) -> None:
        contents, gaps = content_of(archive(Entry(), self.PACKED, count=count))
        assert (contents["x!/a"], contents["x!/hidden"], gaps) == (TEXT, TEXT, [])

    def test_an_archive_in_front_of_an_archive(self, content_of: ContentOf) -> None:
        contents, gaps = content_of(archive(self.PACKED) + archive(Entry()))
        assert (contents["x!/a"], contents["x!/(in front)!/hidden"], gaps) == (TEXT, TEXT, [])

    def test_a_member_without_an_entry(self, content_of: ContentOf) -> None:
        alone = archive(self.PACKED)
        between = Entry(behind=alone[: alone.index(b"PK\1\2")])
        contents, gaps = content_of(archive(between, Entry(b"b")))
        assert (contents["x!/a"], contents["x!/hidden"], contents["x!/b"], gaps) == (TEXT, TEXT, TEXT, [])

    @pytest.mark.parametrize("late", [0, 8])
    def test_a_way_of_packing_that_only_its_own_header_tells(self, content_of: ContentOf, late: int) -> None:
        whole = bytearray(archive(Entry(packed=deflated(TEXT), method=8, flags=late)))
        struct.pack_into("<H", whole, whole.index(b"PK\1\2") + 10, 0)
        assert content_of(bytes(whole))[0]["x!/a"].endswith(TEXT)

    def test_a_size_that_only_its_own_header_tells(self, content_of: ContentOf) -> None:
        whole = bytearray(archive(Entry()))
        struct.pack_into("<I", whole, whole.index(b"PK\1\2") + 20, 5)
        assert content_of(bytes(whole))[0]["x!/a"] == TEXT[:5] + TEXT

    def test_a_name_of_its_own_and_an_extra_field(self, content_of: ContentOf) -> None:
        whole = archive(Entry(b"a" * 40, local_extra=b"h" * 40))
        assert b"h" * 40 in content_of(whole)[0]["x"]
        assert b"b" * 40 in content_of(whole.replace(b"a" * 40, b"b" * 40, 1))[0]["x"]

    def test_a_folder_that_is_packed(self, content_of: ContentOf) -> None:
        whole = bytearray(archive(Entry(b"a/", packed=deflated(TEXT), method=8, flags=8)))
        struct.pack_into("<I", whole, whole.index(b"PK\1\2") + 20, 0)
        assert content_of(bytes(whole))[0]["x!/a/"] == TEXT


class TestBehindSomethingElse:
    """What opens as a zip archive, and begins as something else."""

    @pytest.mark.parametrize("comment", [b"", b"a comment"])
    @pytest.mark.parametrize("front", [b"#!python\n", b"%PDF-1.4\n%%EOF\n", b"<html></html>\n", b"\x89PNG\r\n"])
    def test_small(self, scanned: Scanned, token: Callable[[str], str], front: bytes, comment: bytes) -> None:
        secret = packed(token("behind").encode())
        outcome = scanned("x", archive(secret, front=front, comment=comment))
        assert {finding.place.path for finding in outcome.findings} == {"x!/a"}

    def test_bytes_behind_the_end(self, scanned: Scanned, token: Callable[[str], str]) -> None:
        secret = packed(token("behind").encode())
        assert scanned("x", archive(secret, front=b"#!python\n") + b"more").findings

    @pytest.mark.parametrize("bury", [bytes, gzip.compress], ids=["a file", "in a stream"])
    def test_big(self, scanned: Scanned, token: Callable[[str], str], bury: Callable[[bytes], bytes]) -> None:
        secret = packed(token("behind").encode())
        big = Entry(b"b", random.Random(1).randbytes(3_000_000))
        outcome = scanned("x", bury(archive(secret, big, front=b"#!python\n")))
        assert [finding.place.path.rpartition("/")[2] for finding in outcome.findings] == ["a"]
        assert outcome.gaps == []

    def test_the_mark_alone_makes_no_archive(self, scanned: Scanned) -> None:
        assert scanned("x.pyc", b"\xa7\r\r\n" + bytes(100) + b"PK\5\6" + bytes(range(100))).gaps == []


class TestZip64:
    def test_sizes_and_offsets(self, content_of: ContentOf) -> None:
        wide = 0xFFFFFFFF
        whole = bytearray(archive(Entry(b"b", b"first"), Entry(packed=deflated(TEXT), method=8)))
        start = whole.rindex(b"PK\1\2")
        size, packed, offset = len(TEXT), len(deflated(TEXT)), whole.rindex(b"PK\3\4")
        extra = struct.pack("<2H4x2H3Q", 7, 4, 1, 24, size, packed, offset)
        struct.pack_into("<2I", whole, start + 20, wide, wide)
        struct.pack_into("<H", whole, start + 30, len(extra))
        struct.pack_into("<I", whole, start + 42, wide)
        whole[start + 47 : start + 47] = extra
        end = whole.rindex(b"PK\5\6")
        first = whole.index(b"PK\1\2")
        record = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, 2, 2, end - first, first)
        locator = struct.pack("<4sIQI", b"PK\6\7", 0, end, 1)
        struct.pack_into("<2H2I", whole, end + 8, 0xFFFF, 0xFFFF, wide, wide)
        whole[end:end] = record + locator
        for front in (b"", b"#!python\n"):
            contents, gaps = content_of(front + bytes(whole))
            assert (contents["x!/a"], contents["x!/b"], gaps) == (TEXT, b"first", [])

    def test_as_zipfile_writes_it(self, content_of: ContentOf) -> None:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as file, file.open("a", "w", force_zip64=True) as member:
            member.write(TEXT)
        assert content_of(out.getvalue())[0]["x!/a"] == TEXT

    def test_more_members_than_fit_16_bits(self, content_of: ContentOf) -> None:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as file:
            for number in range(66_000):
                file.writestr(f"{number}", b"")
        contents, gaps = content_of(out.getvalue())
        assert ("x!/65999" in contents, gaps) == (True, [])


class TestEncryption:
    @pytest.mark.parametrize("flags", [1, 9])
    @pytest.mark.parametrize("method", ["stored", "deflate", "zstandard"])
    def test_a_password_that_fits(self, content_of: ContentOf, told: Told, flags: int, method: str) -> None:
        number, pack = METHODS[method]
        check = 0x12 if flags & 8 else zlib.crc32(TEXT) >> 24
        packed = encrypted(pack(TEXT), "pässword".encode(), check)
        whole = archive(Entry(packed=packed, method=number, flags=flags, time=0x1234), Entry(b"b"))
        contents, gaps = content_of(whole, Options(archive_password=("wrong", "wrong too", "pässword")))
        assert (contents["x!/a"], contents["x!/b"], gaps) == (TEXT, TEXT, [])
        assert told(whole) == told(whole, Options(archive_password=("no",))) == [("x!/a", "encrypted")]

    def test_big_and_by_streams(self, content_of: ContentOf) -> None:
        content = b"0" * 3_000_000
        packed = encrypted(deflated(content), b"p", zlib.crc32(content) >> 24)
        whole = archive(Entry(content=content, packed=packed, method=8, flags=1))
        assert content_of(whole, Options(archive_password=("p",)))[0]["x!/a"] == content

    @pytest.mark.parametrize("method", [0, 8])
    def test_what_is_stronger_is_told(self, told: Told, method: int) -> None:
        whole = archive(Entry(method=method, flags=0x41))
        assert told(whole, Options(archive_password=("p",))) == [("x!/a", "encrypted")]

    def test_shorter_than_its_header(self, told: Told) -> None:
        whole = archive(Entry(packed=b"short", flags=1), Entry(packed=b"", flags=1))
        assert told(whole, Options(archive_password=("p",))) == [("x!/a", "encrypted")] * 2


class TestDamage:
    def test_a_checksum_that_does_not_fit(self, content_of: ContentOf) -> None:
        contents, gaps = content_of(archive(Entry(packed=deflated(TEXT), method=8, crc=7)))
        assert contents["x!/a"] == TEXT
        assert [(gap.path, str(gap.reason)) for gap in gaps] == [("x!/a", "damaged")]

    @pytest.mark.parametrize("method", ["stored", "deflate"])
    def test_without_a_directory(self, content_of: ContentOf, told: Told, method: str) -> None:
        number, pack = METHODS[method]
        for flags in (0, 8):
            entries = [Entry(name, packed=pack(TEXT), method=number, flags=flags) for name in (b"a", b"b")]
            whole = archive(*entries)
            cut = whole[: whole.index(b"PK\1\2")]
            contents, _ = content_of(cut)
            assert contents["x!/a"].startswith(TEXT)
            assert contents["x!/b"].startswith(TEXT)
            assert told(cut) == [("x!/(directory)", "damaged")]

    def test_cut_anywhere(self, content_of: ContentOf) -> None:
        whole = archive(Entry(), Entry(b"b", b"rest"))
        first = whole.index(TEXT)
        for end in range(5, len(whole)):
            contents, gaps = content_of(whole[:end])
            assert gaps
            assert sum(map(len, contents.values())) >= end - first - 80
            if end >= first + len(TEXT):
                assert contents["x!/a"] == TEXT

    @pytest.mark.parametrize("offset", [5, 0xFFFFFFF0])
    def test_an_offset_that_leads_nowhere(self, content_of: ContentOf, told: Told, offset: int) -> None:
        whole = archive(Entry(offset=offset), Entry(b"b"))
        contents, _ = content_of(whole)
        assert (contents["x!/a"], contents["x!/b"]) == (TEXT, TEXT)
        assert told(whole) == [("x!/a", "damaged")]

    def test_an_offset_in_front_of_the_archive(self, content_of: ContentOf, told: Told) -> None:
        whole = bytearray(archive(Entry(), Entry(b"b")))
        struct.pack_into("<I", whole, len(whole) - 6, len(whole))
        assert set(told(bytes(whole))) == {("x!/a", "damaged"), ("x!/b", "damaged")}
        contents, _ = content_of(bytes(whole))
        assert (contents["x!/a"], contents["x!/b"]) == (TEXT, TEXT)

    def test_sizes_that_lie(self, content_of: ContentOf, told: Told) -> None:
        longer = archive(Entry(size=1_000_000), Entry(b"b"))
        assert content_of(longer)[0]["x!/a"].startswith(TEXT)
        assert ("x!/a", "damaged") in told(longer)
        shorter = archive(Entry(packed=deflated(TEXT), method=8, size=10), Entry(b"b"))
        contents, gaps = content_of(shorter)
        assert contents["x!/b"] == TEXT
        assert [gap.path for gap in gaps] == ["x!/a"]

    def test_a_count_that_lies(self, content_of: ContentOf) -> None:
        for count in (0, 1, 3, 0xFFFF):
            contents, _ = content_of(archive(Entry(), Entry(b"b"), count=count))
            assert sum(value.count(TEXT) for value in contents.values()) == 2

    def test_only_an_end(self, content_of: ContentOf) -> None:
        assert content_of(archive()) == ({"x": archive()}, [])

    def test_only_a_beginning(self, content_of: ContentOf, told: Told) -> None:
        assert content_of(b"PK\3\4 is how it begins")[0] == {"x": b"PK\3\4 is how it begins"}
        assert told(b"PK\3\4 is how it begins") == [("x", "damaged")]

    def test_one_that_cannot_be_read_any_more(self) -> None:
        reading, writing = os.pipe()
        os.close(writing)
        file = opened(reading)
        file.size = 1000
        with pytest.raises(OSError, match="Illegal seek"):
            list(zip_archive.members(file, Options()))


class TestBombs:
    @pytest.fixture(autouse=True)
    def _bounded(self) -> Iterator[None]:
        started = time.process_time()
        yield
        assert time.process_time() - started < 60

    def test_members_that_share_what_is_packed(self, told: Told) -> None:
        content = deflated(b"0" * 10_000_000)
        whole = archive(
            *[Entry(b"%d" % n, b"0", content if not n else b"", 8, offset=0, size=len(content)) for n in range(99)]
        )
        assert ("x!/(directory)", "over-budget") in told(whole)

    def test_stored_members_that_share_their_bytes(self, content_of: ContentOf) -> None:
        content = b"0" * 1_000_000
        whole = archive(*[Entry(b"%d" % n, content if not n else b"", offset=0, size=len(content)) for n in range(99)])
        contents, gaps = content_of(whole)
        assert [(gap.path, str(gap.reason)) for gap in gaps] == [("x!/(directory)", "over-budget")]
        assert sum(map(len, contents.values())) < 10 * len(whole)

    def test_ten_gigabytes_in_little(self, content_of: ContentOf) -> None:
        layer = deflated(b"0" * 10_000_000)
        whole = archive(*[Entry(b"%d" % n, b"", layer, 8, crc=1) for n in range(1000)], Entry(b"last"))
        contents, gaps = content_of(whole, Options(max_expanded=100_000_000))
        assert sum(map(len, contents.values())) < 110_000_000
        assert gaps[-2].detail == "it expands to more than 100,000,000 bytes"

    def test_archives_in_archives_in_archives(self, content_of: ContentOf) -> None:
        whole = archive(Entry(content=b"0" * 1_000_000, packed=deflated(b"0" * 1_000_000), method=8))
        for _ in range(6):
            packed = deflated(whole)
            whole = archive(*[Entry(b"%d" % n, whole, packed, 8) for n in range(16)])
        _, gaps = content_of(whole)
        assert {str(gap.reason) for gap in gaps} == {"over-budget"}

    def test_one_that_holds_itself(self, told: Told) -> None:
        """Without end: each member is read from the place where the archive itself begins."""
        whole = b"".join([archive(Entry(b"q"), front=b"")])
        assert told(whole) == []
        first = archive(Entry(b"q", size=0))
        for _ in range(3):
            first = archive(Entry(b"q", first))
        assert told(first, Options(max_depth=2)) == [("x!/q!/q", "over-budget")]

    def test_many_headers_without_a_directory(self, content_of: ContentOf) -> None:
        contents, gaps = content_of(archive(*[Entry(b"%d" % n, b"", flags=8) for n in range(20_000)])[:1_300_000])
        assert len(contents) >= 19_000
        assert len(gaps) == 1

    def test_many_broken_members(self, told: Told) -> None:
        gaps = told(archive(*[Entry(b"%d" % n, flags=1, packed=b"") for n in range(5_000)]))
        assert len(gaps) == 2000
        assert gaps[0] == ("x!/0", "encrypted")
        assert gaps[-1] == ("x!/1999", "over-budget")

    def test_more_members_than_allowed(self, content_of: ContentOf) -> None:
        contents, gaps = content_of(archive(*[Entry(b"%d" % n, b"") for n in range(50)]), Options(max_members=20))
        assert len(contents) == 20
        assert [(gap.path, str(gap.reason)) for gap in gaps] == [("x!/20", "over-budget"), ("x", "over-budget")]

    def test_extra_fields_without_end(self, told: Told) -> None:
        """Each also claims to hold all that follows, and so is the archive once more."""
        entries = [Entry(b"%d" % n, b"", extra=b"\7\0\0\0" * 16_000, size=0xFFFFFFFF) for n in range(500)]
        assert "over-budget" in {reason for _, reason in told(archive(*entries))}


NAME = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=20).filter(
    lambda name: name.isprintable() and not name.startswith("/") and not name.endswith("/") and "\\" not in name
)


@given(st.dictionaries(NAME, st.binary(max_size=3000), min_size=1, max_size=8), st.sampled_from([0, 8, 12, 14]))
def test_all_that_zipfile_writes_comes_out(content_of: ContentOf, contents: dict[str, bytes], method: int) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, content in contents.items():
            file.writestr(name, b"=" + content)  # no container
    found, gaps = content_of(out.getvalue())
    assert not gaps
    for name, content in contents.items():
        assert found[f"x!/{name}"] == b"=" + content


def test_big_stored_members_are_not_copied() -> None:
    whole = archive(Entry(content=b"0" * 3_000_000))
    member = next(iter(zip_archive.members(Memory(whole), Options())))
    assert isinstance(member, Member)
    assert member.data is not None
    assert member.data.size == 3_000_000


def test_a_zip64_record_that_no_number_needs(tmp_path: Path, token: Callable[[str], str]) -> None:
    """As some tools write it: record and locator stand between the directory and the end record."""
    plain = io.BytesIO()
    with zipfile.ZipFile(plain, "w") as file:
        file.writestr("a.py", token("a"))
    data = plain.getvalue()
    end = data.rindex(b"PK\x05\x06")
    _, _, _, _, count, size, offset, _ = struct.unpack("<4s4H2IH", data[end:])
    record = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, offset)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1)
    path = tmp_path / "a.zip"
    path.write_bytes(b"MZ a program in front" + data[:end] + record + locator + data[end:])
    report = pitviper.scan(path).report()
    assert [(finding.place.path.rpartition("!/")[2], finding.rule) for finding in report.findings] == [
        ("a.py", "github-pat")
    ]
    assert report.gaps == ()
