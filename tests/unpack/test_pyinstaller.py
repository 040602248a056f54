"""Programs as PyInstaller makes them: written here, as its bootloader reads them."""

from __future__ import annotations

import marshal
import struct
import zlib
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitviper.look import Outcome
from pitviper.model.gap import Gap, Reason
from pitviper.unpack import executable, pyinstaller

Opener = Callable[..., tuple[dict[str, bytes], list[Gap]]]

COOKIE = b"MEI\014\013\012\013\016"
MAGIC = b"\xa7\x0d\r\n"
ELF = b"\x7fELF\2\1\1".ljust(64, b"\0")
"""A program without sections."""


def pyz(modules: dict[str, bytes], *, as_dict: bool = False, magic: bytes = MAGIC) -> bytes:
    body = b""
    table = {}
    for name, content in modules.items():
        packed = zlib.compress(content, 9)
        table[name] = (0, 17 + len(body), len(packed))
        body += packed
    listed = marshal.dumps(table if as_dict else list(table.items()))
    return b"PYZ\0" + magic + struct.pack(">I", 17 + len(body)) + bytes(5) + body + listed


def carchive(entries: dict[str, tuple[bytes, bytes]], *, old: bool = False, is_packed: bool = True) -> bytes:
    body = table = b""
    for name, (kind, content) in entries.items():
        packed = zlib.compress(content) if is_packed and kind != b"z" else content
        named = name.encode() + bytes(16 - (18 + len(name)) % 16)
        table += struct.pack(">4IBc", 18 + len(named), len(body), len(packed), len(content), packed != content, kind)
        table += named
        body += packed
    cookie_size = 24 if old else 88
    size = len(body) + len(table) + cookie_size
    cookie = COOKIE + struct.pack(">4I", size, len(body), len(table), 311)
    return body + table + cookie.ljust(cookie_size, b"\0")


ENTRIES = {
    "struct": (b"m", b"code of a module"),
    "main": (b"s", b"code of a script"),
    "pyi-runtime-tmpdir /opt/x": (b"o", b""),
    "PYZ-00.pyz": (b"z", pyz({"shop": b"code of shop", "shop.till": b"code of till"})),
    "lib\\data.txt": (b"x", b"data"),
}
HEADER = MAGIC + bytes(12)


@pytest.mark.parametrize("how", [{}, {"old": True}, {"is_packed": False}])
@pytest.mark.parametrize("signature", [b"", bytes(20) + b"a signature" * 10_000])
def test_everything_in_a_program(opened: Opener, how: dict[str, bool], signature: bytes) -> None:
    content = ELF + carchive(ENTRIES, **how) + signature
    found, gaps = opened(executable.FORMAT, content)
    assert not gaps
    assert found.pop("x") == ELF + signature
    assert found == {
        "x!/struct": HEADER + b"code of a module",
        "x!/main": HEADER + b"code of a script",
        "x!/(options)": b"pyi-runtime-tmpdir /opt/x\n",
        "x!/PYZ-00.pyz!/shop": HEADER + b"code of shop",
        "x!/PYZ-00.pyz!/shop.till": HEADER + b"code of till",
        "x!/lib/data.txt": b"data",
    }


def test_a_table_of_modules_as_old_versions_wrote_it(opened: Opener) -> None:
    found, gaps = opened(pyinstaller.FORMAT, pyz({"a": b"1", "b.c": b"2"}, as_dict=True))
    assert not gaps
    assert found == {"x!/a": HEADER + b"1", "x!/b.c": HEADER + b"2"}


def test_a_table_of_python_2(opened: Opener) -> None:
    """Names are interned there, and one that stands again is a reference."""
    body = zlib.compress(b"1")
    numbers = b"(\3\0\0\0i\0\0\0\0i\x10\0\0\0i" + struct.pack("<I", len(body))
    table = b"{t\1\0\0\0a" + numbers + b"R\0\0\0\0" + numbers + b"0"
    content = b"PYZ\0\x03\xf3\r\n" + struct.pack(">I", 16 + len(body)) + bytes(4) + body + table
    found, gaps = opened(pyinstaller.FORMAT, content)
    assert not gaps
    assert found == {"x!/a": (b"\x03\xf3\r\n" + bytes(4) + b"1") * 2}


@pytest.mark.parametrize(("number", "size"), [(62211, 8), (3180, 8), (3230, 12), (3379, 12), (3394, 16), (3627, 16)])
def test_the_header_is_that_of_the_version(opened: Opener, number: int, size: int) -> None:
    magic = struct.pack("<H", number) + b"\r\n"
    found, _ = opened(pyinstaller.FORMAT, pyz({"a": b"1"}, magic=magic))
    assert found["x!/a"] == magic.ljust(size, b"\0") + b"1"


def test_modules_with_a_header_keep_it(opened: Opener) -> None:
    entries = ENTRIES | {"old": (b"m", MAGIC + b"123456789012" + b"code")}
    found, _ = opened(executable.FORMAT, ELF + carchive(entries))
    assert found["x!/old"] == MAGIC + b"123456789012" + b"code"


def test_encrypted_modules_are_told_once(opened: Opener) -> None:
    content = pyz({"a": b"1", "b": b"2"}).replace(b"\x78\xda", b"\x11\x22")
    found, gaps = opened(pyinstaller.FORMAT, content)
    assert [(gap.path, gap.reason) for gap in gaps] == [("x!/a", Reason.ENCRYPTED)]
    assert not found


def test_an_archive_in_a_section_of_elf(opened: Opener, elf: Callable[..., bytes]) -> None:
    content = elf({".rodata": b"constants of the bootloader", "pydata": carchive(ENTRIES)})
    found, gaps = opened(executable.FORMAT, content)
    assert not gaps
    assert found["x!/PYZ-00.pyz!/shop"] == HEADER + b"code of shop"
    assert found["x!/.rodata"] == b"constants of the bootloader"
    assert "x!/pydata" not in found


SAMPLE = ELF + carchive(ENTRIES)


def test_half_a_program(opened: Opener, cuts: Callable[[bytes], Iterator[bytes]]) -> None:
    for content in cuts(SAMPLE):
        opened(executable.FORMAT, content)
    for content in cuts(ENTRIES["PYZ-00.pyz"][1]):
        opened(pyinstaller.FORMAT, content)


@given(st.lists(st.tuples(st.integers(0, len(SAMPLE) - 1), st.integers(0, 255)), min_size=1, max_size=12))
def test_flipped_bytes(opened: Opener, changes: list[tuple[int, int]]) -> None:
    content = bytearray(SAMPLE)
    for place, value in changes:
        content[place] = value
    opened(executable.FORMAT, bytes(content))


@given(st.binary(max_size=200))
def test_any_table_of_modules(opened: Opener, table: bytes) -> None:
    opened(pyinstaller.FORMAT, b"PYZ\0" + MAGIC + struct.pack(">I", 17) + bytes(5) + table)


def test_entries_that_lie_in_each_other_are_no_bomb(opened: Opener) -> None:
    bomb = zlib.compress(bytes(10_000_000), 9)
    table = b"".join(struct.pack(">4IBc14s", 32, 0, len(bomb), 1, 1, b"x", b"%d" % one) for one in range(1000))
    size = len(bomb) + len(table) + 88
    cookie = COOKIE + struct.pack(">4I", size, len(bomb), len(table), 311)
    _, gaps = opened(executable.FORMAT, ELF + bomb + table + cookie.ljust(88, b"\0"))
    assert Reason.OVER_BUDGET in {gap.reason for gap in gaps}


def test_three_deep(
    token: Callable[[str], str], buried: Callable[[str, bytes], bytes], scanned: Callable[[str, bytes], Outcome]
) -> None:
    modules = pyz({"shop": marshal.dumps(token("pyi"))})
    outcome = scanned("a.tar.gz", buried("shop.exe", ELF + carchive({"PYZ-00.pyz": (b"z", modules)})))
    (finding,) = outcome.findings
    assert not outcome.gaps
    assert finding.place.path == "a.tar.gz!/a.whl!/shop.exe!/PYZ-00.pyz!/shop"
