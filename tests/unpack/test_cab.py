"""Cabinets: written here, as the format has it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitviper.look import Outcome
from pitviper.model.gap import Gap, Reason
from pitviper.unpack import cab
from pitviper.unpack.interface import Options

Opener = Callable[..., tuple[dict[str, bytes], list[Gap]]]

BLOCK = 32768


def blocks(content: bytes, way: int, reserved: int = 0) -> list[bytes]:
    out = []
    before = b""
    for start in range(0, len(content), BLOCK):
        plain = content[start : start + BLOCK]
        body = plain
        if way == 1:
            packer = zlib.compressobj(wbits=-15, zdict=before) if before else zlib.compressobj(wbits=-15)
            body = b"CK" + packer.compress(plain) + packer.flush()
        before = plain
        out.append(struct.pack("<IHH", 0, len(body), len(plain)) + bytes(reserved) + body)
    return out


def cabinet(*folders: tuple[int, dict[str, bytes]], reserved: int = 0, before: bool = False) -> bytes:
    listed = b""
    bodies = []
    for number, (way, files) in enumerate(folders):
        position = 0
        for name, content in files.items():
            listed += struct.pack("<IIHHHH", len(content), position, number, 0, 0, 0x80) + name.encode() + b"\0"
            position += len(content)
        bodies.append(blocks(b"".join(files.values()), way, reserved))
    flags = (4 if reserved else 0) | (1 if before else 0)
    head = (struct.pack("<HBB", 3, 2, reserved) + b"rrr" if reserved else b"") + (b"cab\0disk\0" if before else b"")
    extra = 2 if reserved else 0
    start = 36 + len(head) + (8 + extra) * len(folders)
    table = b""
    offset = start + len(listed)
    for (way, _), body in zip(folders, bodies, strict=True):
        table += struct.pack("<IHH", offset, len(body), way) + bytes(extra)
        offset += sum(map(len, body))
    count = sum(len(files) for _, files in folders)
    header = struct.pack("<4s4xI4xI4xBBHHHHH", b"MSCF", offset, start, 3, 1, len(folders), count, flags, 0, 0)
    return header + head + table + listed + b"".join(b"".join(body) for body in bodies)


FILES = {"a.txt": b"first", "sub\\ü.txt": bytes(range(256)) * 300, "last": b"x"}


@pytest.mark.parametrize("way", [0, 1])
@pytest.mark.parametrize("reserved", [0, 5])
def test_files(opened: Opener, way: int, reserved: int) -> None:
    found, gaps = opened(cab.FORMAT, cabinet((way, FILES), (0, {"b": b"2"}), reserved=reserved, before=bool(reserved)))
    assert not gaps
    assert found.pop("x").startswith(b"MSCF")
    assert found == {f"x!/{name.replace(chr(92), '/')}": content for name, content in (FILES | {"b": b"2"}).items()}


def test_ways_that_are_not_supported(opened: Opener) -> None:
    found, gaps = opened(cab.FORMAT, cabinet((3, {"a": b"1"}), (0, {"b": b"2"})))
    assert [(gap.path, gap.reason) for gap in gaps] == [("x!/a", Reason.UNSUPPORTED)]
    assert found["x!/b"] == b"2"


def test_what_stands_behind_is_searched(opened: Opener) -> None:
    found, _ = opened(cab.FORMAT, cabinet((0, {"a": b"1"})) + b"behind")
    assert found["x"].endswith(b"behind")


def test_what_belongs_to_no_file_is_searched(opened: Opener) -> None:
    content = cabinet((1, {"a": b"first", "gone": b"secret", "b": b"2", "left": b"more"}))
    for name in (b"gone", b"left"):  # as of a folder that is not there
        place = content.index(name + b"\0") - 8
        content = content[:place] + b"\7\0" + content[place + 2 :]
    found, _ = opened(cab.FORMAT, content)
    assert found["x!/(of no file)"] == b"secretmore"
    assert found["x!/b"] == b"2"


def test_folders_that_share_their_blocks_are_no_bomb(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cab, "_MOST_SKIPPED", 0)
    content = cabinet((1, {"a": bytes(3_000_000), "b": b"2"}))
    _, gaps = opened(cab.FORMAT, content, Options(max_expanded=1000))
    assert Reason.OVER_BUDGET in {gap.reason for gap in gaps}


def test_a_file_in_another_cabinet_is_told(opened: Opener) -> None:
    content = bytearray(cabinet((0, {"a": b"1"})))
    place = content.index(b"a\0") - 8
    content[place : place + 2] = b"\xfe\xff"
    _, gaps = opened(cab.FORMAT, bytes(content))
    assert [gap.reason for gap in gaps] == [Reason.UNSUPPORTED]


def test_a_broken_folder_does_not_hide_the_next(opened: Opener) -> None:
    content = cabinet((1, {"a": b"1" * 100, "c": b"3"}), (0, {"b": b"2"})).replace(b"CK", b"XX", 1)
    found, gaps = opened(cab.FORMAT, content)
    assert {gap.reason for gap in gaps} == {Reason.DAMAGED}
    assert found["x!/b"] == b"2"


SAMPLE = cabinet((1, {"a.txt": b"first" * 30, "b": b"2"}), (0, {"c": b"3" * 50}), reserved=4)


def test_half_a_cabinet(opened: Opener, cuts: Callable[[bytes], Iterator[bytes]]) -> None:
    for content in cuts(SAMPLE):
        opened(cab.FORMAT, content)


@given(st.lists(st.tuples(st.integers(0, len(SAMPLE) - 1), st.integers(0, 255)), min_size=1, max_size=12))
def test_flipped_bytes(opened: Opener, changes: list[tuple[int, int]]) -> None:
    content = bytearray(SAMPLE)
    for place, value in changes:
        content[place] = value
    opened(cab.FORMAT, bytes(content))


def test_three_deep(
    token: Callable[[str], str], buried: Callable[[str, bytes], bytes], scanned: Callable[[str, bytes], Outcome]
) -> None:
    content = cabinet((1, {"x": b"1", ".env": f"TOKEN={token('cab')}\n".encode()}))
    outcome = scanned("a.tar.gz", buried("a.cab", content))
    (finding,) = outcome.findings
    assert not outcome.gaps
    assert finding.place.path == "a.tar.gz!/a.whl!/a.cab!/.env"
