"""Tar archives: what tarfile writes in all dialects, what GNU tar writes, and what nobody should."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitviper.engine.data import Cursor, Memory
from pitviper.look import Outcome
from pitviper.model.gap import Gap
from pitviper.unpack import tar
from pitviper.unpack.interface import Member, Options

Opened = tuple[dict[str, bytes], list[Gap]]
ContentOf = Callable[..., Opened]

TEXT = b"some text " * 70
END = bytes(1024)


def header(
    name: bytes = b"a",
    size: int | bytes = 0,
    kind: bytes = b"0",
    *,
    ustar: bytes = b"ustar\x0000",
    signed: bool = False,
) -> bytearray:
    """A header as it is made by hand."""
    block = bytearray(512)
    block[: len(name)] = name
    block[100:108] = b"0000644\0"
    block[124:136] = b"%011o\0" % size if isinstance(size, int) else size
    block[156:157] = kind
    block[257 : 257 + len(ustar)] = ustar
    return checked(block, signed=signed)


def checked(block: bytearray, *, signed: bool = False) -> bytearray:
    """`block` with its checksum."""
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(byte - 256 * (signed and byte > 127) for byte in block)
    return block


def padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % 512)


def file(name: bytes = b"a", content: bytes = TEXT, kind: bytes = b"0") -> bytes:
    return bytes(header(name, len(content), kind)) + padded(content)


def record(key: str, value: str) -> bytes:
    """A record of a pax header."""
    body = f" {key}={value}\n".encode()
    length = len(body) + 1
    while len(str(length)) + len(body) != length:
        length = len(str(length)) + len(body)
    return str(length).encode() + body


def pax(*records: tuple[str, str], kind: bytes = b"x") -> bytes:
    return file(b"PaxHeaders/a", b"".join(record(*one) for one in records), kind)


def written(layout: int, **contents: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=layout) as archive:
        for name, content in contents.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def streamed(content: bytes) -> dict[str, bytes]:
    """Contents by name, read from front to back only."""
    reader = io.BytesIO(content)
    found: dict[str, bytes] = {}
    for item in tar.members(Cursor(None, b"", reader.read), Options()):
        assert isinstance(item, Member)
        assert item.data is None
        assert item.read is not None
        found[item.name] = b"".join(iter(partial(item.read, 100), b""))
    return found


class TestDialects:
    @pytest.mark.parametrize("layout", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
    @pytest.mark.parametrize("name", ["a", "folder/" * 14 + "name" * 24, "ü🐍", "n" * 100])
    def test_as_tarfile_writes_them(self, content_of: ContentOf, layout: int, name: str) -> None:
        whole = written(layout, **{name: TEXT, "b": b"", "c": b"0" * 3_000_000})
        contents, gaps = content_of(whole)
        assert contents == {f"x!/{name}": TEXT, "x!/b": b"", "x!/c": b"0" * 3_000_000}
        assert not gaps
        assert streamed(whole) == {name: TEXT, "b": b"", "c": b"0" * 3_000_000}

    @pytest.mark.parametrize("layout", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
    def test_names_beyond_any_header(self, content_of: ContentOf, layout: int) -> None:
        name = "folder/" * 500 + "a"
        assert content_of(written(layout, **{name: TEXT}))[0] == {f"x!/{name}": TEXT}

    def test_v7(self, content_of: ContentOf) -> None:
        block = header(b"a", len(TEXT), b"\0", ustar=b"")
        assert content_of(bytes(block) + padded(TEXT) + END) == ({"x!/a": TEXT}, [])

    def test_a_signed_checksum(self, content_of: ContentOf) -> None:
        block = header("ü".encode(), len(TEXT), signed=True)
        assert content_of(bytes(block) + padded(TEXT) + END) == ({"x!/ü": TEXT}, [])

    def test_a_global_header_holds_until_it_is_overruled(self, content_of: ContentOf) -> None:
        whole = pax(("path", "all"), ("comment", "c"), kind=b"g") + file(b"1") + pax(("path", "one")) + file(b"2")
        assert set(content_of(whole + file(b"3", b"three") + END)[0]) == {"x!/all", "x!/one"}

    def test_a_size_in_pax(self, content_of: ContentOf) -> None:
        whole = pax(("size", str(len(TEXT)))) + bytes(header(size=0)) + padded(TEXT) + file(b"b")
        assert content_of(whole + END)[0] == {"x!/a": TEXT, "x!/b": TEXT}

    def test_a_size_in_base_256(self, content_of: ContentOf) -> None:
        whole = bytes(header(size=b"\x80" + len(TEXT).to_bytes(11, "big"))) + padded(TEXT) + file(b"b")
        assert content_of(whole + END)[0] == {"x!/a": TEXT, "x!/b": TEXT}

    @pytest.mark.parametrize("version", ["0.0", "0.1", "1.0"])
    def test_sparse_in_pax(self, content_of: ContentOf, version: str) -> None:
        major, minor = version.split(".")
        records = [("GNU.sparse.major", major), ("GNU.sparse.minor", minor)]
        if version == "0.0":
            records = [("GNU.sparse.size", "99999"), ("GNU.sparse.numblocks", "1"), ("GNU.sparse.offset", "0"),
                       ("GNU.sparse.numbytes", "700"), ("GNU.sparse.offset", "99999")]  # fmt: skip
        elif version == "0.1":
            records = [("GNU.sparse.map", "0,700,99999,0"), ("GNU.sparse.size", "99999")]
        stored = padded(b"1\n0\n700\n") + TEXT if version == "1.0" else TEXT
        whole = pax(("GNU.sparse.name", "sparse"), *records) + file(b"GNUSparseFile.0/a", stored) + file(b"b")
        contents, gaps = content_of(whole + END)
        assert not gaps
        assert contents["x!/sparse"].endswith(TEXT)
        assert contents["x!/b"] == TEXT

    @pytest.mark.parametrize("more", [0, 1, 3])
    def test_sparse_as_gnu_had_it(self, content_of: ContentOf, more: int) -> None:
        block = header(size=len(TEXT), kind=b"S", ustar=b"ustar  \0")
        block[482] = bool(more)
        maps = [bytearray(512) for _ in range(more)]
        for one in maps[:-1]:
            one[504] = 1
        whole = bytes(checked(block)) + b"".join(maps) + padded(TEXT) + file(b"b") + END
        assert content_of(whole) == ({"x!/a": TEXT, "x!/b": TEXT}, [])

    def test_what_is_no_file(self, content_of: ContentOf) -> None:
        whole = b"".join(bytes(header(kind, kind=kind)) for kind in (b"1", b"2", b"3", b"4", b"5", b"6"))
        assert content_of(file(b"first") + whole + file(b"7", kind=b"7") + file(b"V", kind=b"V") + END)[0] == {
            f"x!/{name}": TEXT for name in ("first", "7", "V")
        }

    @pytest.mark.parametrize("kind", [b"1", b"2", b"5"])
    def test_links_and_folders_with_a_size(self, content_of: ContentOf, kind: bytes) -> None:
        without = bytes(header(b"link", len(TEXT), kind)) + file(b"b") + END
        assert content_of(file() + without) == ({"x!/a": TEXT, "x!/b": TEXT}, [])
        filled = file(b"link", TEXT, kind) + file(b"b") + END
        assert content_of(file() + filled) == ({"x!/a": TEXT, "x!/link": TEXT, "x!/b": TEXT}, [])
        assert streamed(file() + without) == {"a": TEXT, "b": TEXT}

    def test_names_are_shown_without_harm(self, content_of: ContentOf) -> None:
        whole = b"".join(file(name) for name in (b"/abs", b"../up", b"a\nb\x1b[2J", b"\xff", b"a\0b"))
        assert set(content_of(whole + END)[0]) == {"x!/abs", "x!/../up", "x!/a\\nb\\x1b[2J", "x!/\\xff", "x!/a"}


class TestEnds:
    @pytest.mark.parametrize("end", [b"", bytes(512), END, bytes(10_240)])
    def test_any(self, content_of: ContentOf, end: bytes) -> None:
        assert content_of(file() + end) == ({"x!/a": TEXT}, [])

    def test_what_follows_is_searched(self, content_of: ContentOf) -> None:
        contents, gaps = content_of(file() + END + b"behind")
        assert (contents, gaps) == ({"x!/a": TEXT, "x!/(behind the end)": b"behind"}, [])
        assert streamed(file() + END + b"behind") == {"a": TEXT, "(behind the end)": b"behind"}
        assert content_of(file() + bytes(3_000_000) + b"b" * 3_000_000)[0]["x!/(behind the end)"] == b"b" * 3_000_000

    def test_appended_archives_count_as_one(self, content_of: ContentOf) -> None:
        whole = b"".join(file(b"%d" % number) + END for number in range(30))
        assert content_of(whole) == ({f"x!/{number}": TEXT for number in range(30)}, [])
        assert len(streamed(whole)) == 30

    def test_cut_anywhere(self, content_of: ContentOf) -> None:
        whole = pax(("path", "first")) + file() + file(b"L", b"a long name\0", b"L") + file() + file(b"c")
        for end in range(512, len(whole), 64):
            contents, gaps = content_of(whole[:end])
            found = b"".join(contents.values())
            assert gaps or whole[end : end + 1] == b"\0" or not end % 512
            for start in (1536, 4096, 5632):
                assert whole[start : min(end, start + len(TEXT))] in found

    def test_a_broken_header_ends_it_and_the_rest_is_searched(self, content_of: ContentOf) -> None:
        for size in (100, 3_000_000):
            whole = file() + b"?" * 512 + b"rest" * size
            contents, gaps = content_of(whole)
            assert contents == {"x!/a": TEXT, "x": b"?" * 512 + b"rest" * size}
            assert [(gap.path, str(gap.reason)) for gap in gaps] == [("x", "damaged")]

    @pytest.mark.parametrize(
        "size",
        [
            b"-0000000017\0",
            b"\xff" * 12,
            b"\x80" + b"\xff" * 11,
            b"77777777777\0",
            b"zzzzzzzzzzz\0",
            b"\x81" + bytes(11),
        ],
    )
    def test_sizes_that_make_no_sense(self, content_of: ContentOf, size: bytes) -> None:
        contents, gaps = content_of(file() + bytes(header(b"b", size)) + padded(TEXT) + END)
        assert gaps
        assert contents["x!/a"] == TEXT
        assert b"".join(contents.values()).count(TEXT) == 2

    @pytest.mark.parametrize("size", ["-5", "", "x", "9" * 30, "9" * 9000, "1_0", "٣"])
    def test_sizes_in_pax_that_make_no_sense(self, content_of: ContentOf, size: str) -> None:
        contents, _ = content_of(file() + pax(("size", size)) + file(b"b") + END)
        assert contents["x!/a"] == TEXT
        assert TEXT in b"".join(value for name, value in contents.items() if name != "x!/a")

    @pytest.mark.parametrize("text", [b"", b"9", b"x a=b\n", b"99999 path=b\n", b"0 path=b\n", b"5 =\n", b"\xff" * 300])
    def test_records_that_make_no_sense(self, content_of: ContentOf, text: bytes) -> None:
        assert content_of(file(b"x", text, b"x") + file() + END) == ({"x!/a": TEXT}, [])

    def test_an_extended_header_without_end(self, content_of: ContentOf) -> None:
        contents, gaps = content_of(file() + file(b"x", b"y" * 2_000_000, b"x"))
        assert contents["x"].startswith(b"y" * 2_000_000)
        assert [str(gap.reason) for gap in gaps] == ["damaged"]


class TestBombs:
    @pytest.fixture(autouse=True)
    def _bounded(self) -> Iterator[None]:
        started = time.process_time()
        yield
        assert time.process_time() - started < 60

    def test_many_records(self, content_of: ContentOf) -> None:
        text = b"".join(record(f"{number:x}", "") for number in range(90_000))
        whole = file(b"x", text, b"g") * 10 + file(b"x", text, b"x") * 10 + file() + END
        assert content_of(whole) == ({"x!/a": TEXT}, [])

    def test_a_long_name_for_all(self, content_of: ContentOf) -> None:
        contents, gaps = content_of(pax(("path", "n" * 1_000_000), kind=b"g") + file() * 300 + END)
        assert [name[-5:] for name in contents] == ["nnnn…"]
        assert not gaps

    def test_many_members(self, content_of: ContentOf) -> None:
        assert len(content_of(b"".join(file(b"%d" % n, b"") for n in range(20_000)) + END)[0]) == 20_000


NAME = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=25).filter(
    lambda name: name.isprintable() and not name.startswith("/") and not name.endswith("/")
)


@given(
    st.dictionaries(NAME, st.binary(max_size=3000), min_size=1, max_size=8),
    st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
)
def test_all_that_tarfile_writes_comes_out(content_of: ContentOf, contents: dict[str, bytes], layout: int) -> None:
    given_ = {name: b"=" + content for name, content in contents.items()}  # no container
    assert content_of(written(layout, **given_)) == ({f"x!/{name}": value for name, value in given_.items()}, [])
    assert streamed(written(layout, **given_)) == given_


def test_what_is_no_tar_is_none() -> None:
    for head in (b"", bytes(512), bytes(1024), b"x" * 1024, os.urandom(1024), bytes(header())[:511]):
        assert not tar.begins(head, b"")
    assert not Memory(b"").size


class TestWhereReadersDisagree:
    """A member that one tool unpacks must not be a part of another to us."""

    PACKED = file(b"b.gz", gzip.compress(TEXT))

    def test_a_long_key_in_an_extended_header(self, content_of: ContentOf) -> None:
        hiding = bytes(header(b"a", 512 + len(self.PACKED))) + padded(b"hello")
        extended = pax(("k" * 300, "v"), ("size", "5"))
        contents, gaps = content_of(extended + hiding + self.PACKED + END)
        assert (contents["x!/a"], contents["x!/b.gz!/b"], gaps) == (b"hello", TEXT, [])

    def test_a_size_of_all_members(self, content_of: ContentOf) -> None:
        whole = pax(("size", str(512 + len(self.PACKED))), kind=b"g") + file(content=b"hello") + self.PACKED + END
        assert [str(gap.reason) for gap in content_of(whole)[1]] == ["damaged"]

    def test_a_header_without_a_name_behind_zeros(self, content_of: ContentOf) -> None:
        whole = file() + bytes(512) + file(b"", record("path", "b.gz"), b"x") + self.PACKED + END
        contents, gaps = content_of(whole)
        assert (contents["x!/b.gz!/b"], gaps) == (TEXT, [])

    @pytest.mark.parametrize("field", [b"%06o\0 ", b"  %05o\0", b"%06o \0", b"%05o\0xy"])
    @pytest.mark.parametrize("mode", [b"0000644\0", b"   644 \0", bytes(8), b"\x80" + bytes(7)])
    @pytest.mark.parametrize("ustar", [b"ustar\x0000", b""])
    def test_fields_as_some_tools_write_them(
        self,
        scanned: Callable[[str, bytes], Outcome],
        token: Callable[[str], str],
        ustar: bytes,
        mode: bytes,
        field: bytes,
    ) -> None:
        packed = gzip.compress(token("tar").encode())
        block = header(b"main.gz", len(packed), ustar=ustar)
        block[100:108] = mode
        block[148:156] = b" " * 8
        block[148:156] = field % sum(block)
        assert scanned("x", bytes(block) + padded(packed) + END).findings

    @pytest.mark.parametrize("name", [b"%PDF-1.4\n", b"<html>", b"MIME-Version: 1.0", b"From: x\nReceived: y"])
    def test_a_first_name_like_the_beginning_of_something_else(
        self, scanned: Callable[[str, bytes], Outcome], token: Callable[[str], str], name: bytes
    ) -> None:
        packed = file(b"b.gz", gzip.compress(token("tar").encode()))
        outcome = scanned("x", file(name) + packed + file(b"c", b"%%EOF") + END)
        assert [finding.place.path for finding in outcome.findings] == ["x!/b.gz!/b"]
