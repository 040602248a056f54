"""Archives of cpio in three dialects, and RPM packages around one."""

from __future__ import annotations

import gzip
import lzma
import struct
import sys
from collections.abc import Callable

import pytest

from pitviper.model.gap import Gap

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Opened = tuple[dict[str, bytes], list[Gap]]
ContentOf = Callable[..., Opened]

TEXT = b"some text\n" * 7 + b"x"


def new(name: bytes, content: bytes = TEXT, magic: bytes = b"070701", size: bytes | None = None) -> bytes:
    fields = [b"%08x" % value for value in (1, 0o100644, 0, 0, 1, 0)]
    fields += [size or b"%08x" % len(content), *[b"%08x" % 0] * 4, b"%08x" % (len(name) + 1), b"%08x" % 0]
    head = magic + b"".join(fields) + name + b"\0"
    return head + bytes(-len(head) % 4) + content + bytes(-len(content) % 4)


def old(name: bytes, content: bytes = TEXT) -> bytes:
    fields = b"".join(b"%06o" % value for value in (0, 1, 0o100644, 0, 0, 1, 0))
    return (
        b"070707" + fields + b"%011o" % 0 + b"%06o" % (len(name) + 1) + b"%011o" % len(content) + name + b"\0" + content
    )


def crc(name: bytes, content: bytes = TEXT) -> bytes:
    return new(name, content, b"070702")


TRAILER = b"TRAILER!!!"


@pytest.mark.parametrize("make", [new, crc, old])
class TestDialects:
    def test_each(self, content_of: ContentOf, make: Callable[..., bytes]) -> None:
        whole = make(b"a") + make(b"./usr/b") + make(b"empty", b"") + make(b"big", b"0" * 3_000_001) + make(b"/abs\n")
        contents, gaps = content_of(whole + make(TRAILER, b"") + bytes(512))
        assert contents == {"x!/a": TEXT, "x!/./usr/b": TEXT, "x!/big": b"0" * 3_000_001, "x!/abs\\n": TEXT}
        assert not gaps

    def test_what_follows(self, content_of: ContentOf, make: Callable[..., bytes]) -> None:
        end = make(TRAILER, b"")
        whole = make(b"a") + end + bytes(-len(make(b"a") + end) % 512)
        assert content_of(whole + make(b"b") + end) == ({"x!/a": TEXT, "x!/b": TEXT}, [])
        assert content_of(whole + b"behind") == ({"x!/a": TEXT, "x!/(behind the end)": b"behind"}, [])
        assert content_of(whole + gzip.compress(make(b"b") + end))[0] == {
            "x!/a": TEXT,
            "x!/(behind the end)!/b": TEXT,
        }

    def test_cut_anywhere(self, content_of: ContentOf, make: Callable[..., bytes]) -> None:
        whole = make(b"a") + make(b"b")
        start = whole.index(TEXT)
        for end in range(12, len(whole)):
            contents, gaps = content_of(whole[:end])
            assert gaps or len(whole) - end in {1, len(whole) // 2, len(whole) // 2 + 1}
            assert whole[start : min(end, start + len(TEXT))] in b"".join(contents.values())


@pytest.mark.parametrize("size", [b"-0000001", b"zzzzzzzz", b"ffffffff", b"        "])
def test_sizes_that_make_no_sense(content_of: ContentOf, size: bytes) -> None:
    contents, gaps = content_of(new(b"a") + new(b"b", size=size))
    assert contents["x!/a"] == TEXT
    assert TEXT in b"".join(value for name, value in contents.items() if name != "x!/a")
    assert gaps


def rpm(payload: bytes, script: bytes = b"echo installed") -> bytes:
    """The least that is a package: a lead, a signature, a header with a script, and the payload."""

    def section(store: bytes) -> bytes:
        entry = struct.pack(">4I", 1023, 6, 0, 1)
        return b"\x8e\xad\xe8\x01" + bytes(4) + struct.pack(">2I", 1, len(store)) + entry + store

    signature = section(b"signature\0")
    lead = b"\xed\xab\xee\xdb\x03\0".ljust(96, b"\0")
    return lead + signature + bytes(-len(signature) % 8) + section(script + b"\0") + payload


class TestRpm:
    @pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, zstd.compress, lambda payload: payload])
    def test_all_of_it(self, content_of: ContentOf, pack: Callable[[bytes], bytes]) -> None:
        payload = new(b"./usr/lib/a.py") + new(b"big", b"0" * 5_000_000) + new(TRAILER, b"")
        contents, gaps = content_of(rpm(pack(payload)))
        assert b"echo installed" in contents["x!/(header)"]
        assert (contents["x!/./usr/lib/a.py"], contents["x!/big"], gaps) == (TEXT, b"0" * 5_000_000, [])

    @pytest.mark.parametrize("place", [96, 97, 104, 108, 140])
    def test_damage(self, content_of: ContentOf, place: int) -> None:
        whole = bytearray(rpm(new(b"a")))
        whole[place] ^= 0xFF
        contents, _ = content_of(bytes(whole))
        assert TEXT in b"".join(contents.values())

    def test_cut_anywhere(self, content_of: ContentOf) -> None:
        whole = rpm(new(b"a"))
        for end in range(23, len(whole)):
            content_of(whole[:end])
