"""Images of CDs: built here, sector by sector."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitviper.look import Outcome
from pitviper.model.gap import Gap, Reason
from pitviper.unpack import iso
from pitviper.unpack.table import recognise

Opener = Callable[..., tuple[dict[str, bytes], list[Gap]]]

SECTOR = 2048


def both(number: int) -> bytes:
    return struct.pack("<I", number) + struct.pack(">I", number)


def record(name: bytes, start: int, size: int, flags: int = 0, used: bytes = b"") -> bytes:
    padding = b"" if len(name) % 2 else b"\0"
    body = b"\0" + both(start) + both(size) + bytes(7) + bytes([flags]) + bytes(6) + bytes([len(name)]) + name + padding
    return bytes([len(body) + len(used) + 1]) + body + used


def descriptor(kind: int, root: int, escapes: bytes = b"") -> bytes:
    sector = bytearray(SECTOR)
    sector[:7] = bytes([kind]) + b"CD001\1"
    sector[88 : 88 + len(escapes)] = escapes
    root_record = record(b"\0", root, SECTOR, 2)
    sector[156 : 156 + len(root_record)] = root_record
    return bytes(sector)


def image(*sectors: bytes, joliet: int = 0) -> bytes:
    """Sectors from 20 on; 20 is the root."""
    descriptors = [descriptor(1, 20), descriptor(2, joliet, b"%/E") if joliet else b"", descriptor(255, 0)]
    content = bytes(16 * SECTOR) + b"".join(filter(None, descriptors))
    content = content.ljust(20 * SECTOR, b"\0")
    return content + b"".join(sector.ljust(-(-len(sector) // SECTOR) * SECTOR, b"\0") for sector in sectors)


def folder(*records: bytes) -> bytes:
    return record(b"\0", 20, SECTOR, 2) + record(b"\1", 20, SECTOR, 2) + b"".join(records)


PLAIN = image(
    folder(record(b"A.TXT;1", 22, 5), record(b"SUB", 21, SECTOR, 2)),
    folder(record(b"B.;1", 23, 3000)),
    b"first",
    b"b" * 3000,
)


def test_files_in_folders(opened: Opener) -> None:
    found, gaps = opened(iso.FORMAT, PLAIN)
    assert not gaps
    assert found["x!/A.TXT"] == b"first"
    assert found["x!/SUB/B"] == b"b" * 3000
    assert b"CD001" in found["x"]
    assert b"first" not in found["x"]


def test_is_recognised() -> None:
    assert recognise(PLAIN[:1024], PLAIN[-22:]) is iso.FORMAT


def test_names_of_joliet_win(opened: Opener) -> None:
    content = image(
        folder(record(b"LONGNA_1.TXT;1", 22, 5), record(b"HIDDEN;1", 23, 6)),
        folder(record("long näme.txt".encode("utf-16-be"), 22, 5)),
        b"first",
        b"hidden",
        joliet=21,
    )
    found, gaps = opened(iso.FORMAT, content)
    assert not gaps
    assert sorted(found) == ["x", "x!/HIDDEN", "x!/long näme.txt"]


def test_names_of_rock_ridge(opened: Opener) -> None:
    half = b"NM" + bytes([5 + 4, 1, 1]) + b"long"
    more = b"CE" + bytes([28, 1]) + both(22) + both(8) + both(9)
    content = image(
        folder(record(b"L;1", 21, 5, used=half + more)), b"first", b"12345678NM" + bytes([9, 1, 0]) + b"name", b"end"
    )
    found, gaps = opened(iso.FORMAT, content)
    assert not gaps
    assert found["x!/longname"] == b"first"


def test_a_file_in_two_extents(opened: Opener) -> None:
    content = image(folder(record(b"A;1", 21, SECTOR, 0x80), record(b"A;1", 22, 5)), b"a" * SECTOR, b"bbbbb")
    found, gaps = opened(iso.FORMAT, content)
    assert not gaps
    assert found["x!/A"] == b"a" * SECTOR + b"bbbbb"


def test_what_no_file_covers_is_searched(opened: Opener) -> None:
    found, _ = opened(iso.FORMAT, image(folder(record(b"A;1", 22, 5)), b"deleted", b"first" + b"slack"))
    assert b"deleted" in found["x"]
    assert b"slack" in found["x"]


def test_folders_in_a_circle_end(opened: Opener) -> None:
    found, gaps = opened(iso.FORMAT, image(folder(record(b"S", 20, SECTOR, 2), record(b"T", 20, SECTOR, 2)), b"x"))
    assert not gaps
    assert list(found) == ["x"]


def test_huge_folders_are_refused(opened: Opener) -> None:
    _, gaps = opened(iso.FORMAT, image(folder(record(b"S", 21, 0xFFFFFFFF, 2)), b"x"))
    assert [gap.reason for gap in gaps] == [Reason.DAMAGED]


def test_files_that_overlap_are_no_bomb(opened: Opener) -> None:
    records = b"".join(record(b"F%d;1" % number, 18 + number % 3, 4 * SECTOR - number) for number in range(40))
    found, gaps = opened(iso.FORMAT, image(records, b"x" * SECTOR, b"end"))
    assert [gap.reason for gap in gaps] == [Reason.OVER_BUDGET]
    assert any(b"end" in content for content in found.values())


def test_a_longer_file_at_the_same_place_is_searched(opened: Opener) -> None:
    found, gaps = opened(iso.FORMAT, image(folder(record(b"A;1", 21, 5), record(b"B;1", 21, 11)), b"shortlonger"))
    assert not gaps
    assert found["x!/B"] == b"shortlonger"


def test_a_file_that_is_missing_is_told(opened: Opener) -> None:
    _, gaps = opened(iso.FORMAT, image(folder(record(b"A;1", 9999, 5)), b"x"))
    assert [gap.reason for gap in gaps] == [Reason.DAMAGED]


@pytest.mark.parametrize("content", [bytes(100_000), bytes(2000), bytes(510) + b"\x55\xaa" + b"x" * 600])
def test_other_disks_are_searched_as_they_are(opened: Opener, content: bytes) -> None:
    assert recognise(content[:1024], content[-22:]) is iso.FORMAT
    found, gaps = opened(iso.FORMAT, content)
    assert not gaps
    assert found == {"x": content}


def test_half_an_image(opened: Opener, cuts: Callable[[bytes], Iterator[bytes]]) -> None:
    for content in cuts(PLAIN):
        opened(iso.FORMAT, content)


@given(st.lists(st.tuples(st.integers(0, SECTOR * 9), st.integers(0, 255)), min_size=1, max_size=20))
def test_flipped_bytes(opened: Opener, changes: list[tuple[int, int]]) -> None:
    content = bytearray(PLAIN)
    for place, value in changes:
        content[min(16 * SECTOR + place, len(content) - 1)] = value
    opened(iso.FORMAT, bytes(content))


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), min_size=1, max_size=20))
def test_flipped_bytes_of_a_folder(opened: Opener, changes: list[tuple[int, int]]) -> None:
    content = bytearray(PLAIN)
    for place, value in changes:
        content[20 * SECTOR + place] = value
    opened(iso.FORMAT, bytes(content))


def test_three_deep(
    token: Callable[[str], str], buried: Callable[[str, bytes], bytes], scanned: Callable[[str, bytes], Outcome]
) -> None:
    content = f"TOKEN={token('iso')}\n".encode()
    outcome = scanned("a.tar.gz", buried("cd.iso", image(folder(record(b"ENV;1", 21, len(content))), content)))
    (finding,) = outcome.findings
    assert not outcome.gaps
    assert finding.place.path == "a.tar.gz!/a.whl!/cd.iso!/ENV"


def test_behind_any_system_area(scanned: Callable[[str, bytes], Outcome], token: Callable[[str], str]) -> None:
    packed = gzip.compress(token("iso").encode())
    content = image(folder(record(b"A.GZ;1", 21, len(packed))), packed)
    assert scanned("x", b"x" * SECTOR + content[SECTOR:]).findings
