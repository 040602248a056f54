"""What Nuitka makes: payloads and constants, written here as its bootstrap reads them."""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitviper.look import Outcome
from pitviper.model.gap import Gap, Reason
from pitviper.unpack import executable, nuitka

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Opener = Callable[..., tuple[dict[str, bytes], list[Gap]]]
Elf = Callable[..., bytes]

FILES = {"main.bin": b"\x7fELF the program", "lib/empty.so": b"", "data.txt": b"data" * 30}


def files(*, windows: bool = False, checksum: bytes = b"", each: bool = False) -> bytes:
    out = b""
    for name, content in FILES.items():
        if windows:
            out += name.replace("/", "\\").encode("utf-16-le") + b"\0\0"
        else:
            out += name.encode() + b"\0\1"
        packed = zstd.compress(content) if each else content
        out += struct.pack("<Q", len(content)) + checksum + (struct.pack("<I", len(packed)) if each else b"") + packed
    if not windows:
        out += b"link\0\2main.bin\0"
    return out + (b"\0\0" if windows else b"\0")


def constants(**modules: bytes) -> bytes:
    inside = {".bytecode": b"\1\0X\3abc.", "": b"\1\0aend\0.", **{f".{name}": one for name, one in modules.items()}}
    return b"".join(
        name.encode() + b"\0" + struct.pack("<I", len(content)) + content for name, content in inside.items()
    )


@pytest.mark.parametrize("windows", [False, True])
@pytest.mark.parametrize("checksum", [b"", b"1234"])
@pytest.mark.parametrize("how", ["X", "Y", "each"])
def test_a_payload(opened: Opener, how: str, checksum: bytes, *, windows: bool) -> None:
    content = files(windows=windows, checksum=checksum, each=how == "each")
    payload = b"KAX" + content if how == "X" else b"KAY" + (zstd.compress(content) if how == "Y" else content)
    assert nuitka.begins(payload, b"")
    found, gaps = opened(nuitka.FORMAT, payload + b"behind")
    assert not gaps
    assert found["x!/data.txt"] == FILES["data.txt"]
    assert found["x!/lib/empty.so"] == b""
    assert found["x!/main.bin"] == FILES["main.bin"]
    assert found["x"] == b"behind"


@pytest.mark.parametrize("section", [".rodata", ".rsrc", "behind"])
def test_in_a_program(opened: Opener, elf: Elf, section: str) -> None:
    payload = b"KAY" + zstd.compress(files())
    content = elf({".rodata": b"constants" if section == "behind" else b"of it" + payload})
    found, gaps = opened(executable.FORMAT, content + (payload if section == "behind" else b""))
    assert not gaps
    assert found["x!/data.txt"] == FILES["data.txt"]
    assert found["x!/.rodata"] == (b"constants" if section == "behind" else b"of it")


def test_constants_by_module(opened: Opener, elf: Elf) -> None:
    shop = b"\5\0D\2aTOKEN\0T\1ukey one\0wxcAB\0l\7uThe end\xc3\xa9.\0."
    found, gaps = opened(executable.FORMAT, elf({".rodata": b"other\0" + constants(shop=shop) + b"\0behind"}))
    assert not gaps
    assert found["x!/(constants of shop)"].decode() == "TOKEN\nkey one\nAB\nThe endé.\n.\n"
    assert found["x!/(constants)"] == b"end\n.\n"


PAYLOAD = b"KAX" + files(checksum=b"1234")
SAMPLE = b"KAY" + zstd.compress(files())


def test_half_a_payload(opened: Opener, cuts: Callable[[bytes], Iterator[bytes]]) -> None:
    for content in (*cuts(PAYLOAD), *cuts(SAMPLE)):
        opened(nuitka.FORMAT, content)


@given(st.lists(st.tuples(st.integers(0, len(PAYLOAD) - 1), st.integers(0, 255)), min_size=1, max_size=12))
def test_flipped_bytes(opened: Opener, changes: list[tuple[int, int]]) -> None:
    content = bytearray(PAYLOAD)
    for place, value in changes:
        content[place] = value
    opened(nuitka.FORMAT, bytes(content))


@given(st.binary(max_size=100))
def test_any_constants(content: bytes) -> None:
    list(nuitka.constants(b".bytecode\0" + content))


def test_a_long_name_is_damage(opened: Opener) -> None:
    _, gaps = opened(nuitka.FORMAT, b"KAXa" * 5000)
    assert [gap.reason for gap in gaps] == [Reason.DAMAGED]


def test_a_token_behind_the_letter_of_its_type(
    token: Callable[[str], str], elf: Elf, scanned: Callable[[str, bytes], Outcome]
) -> None:
    shop = b"\1\0a" + token("nuitka").encode() + b"\0."
    outcome = scanned("shop.so", elf({".rodata": constants(shop=shop)}))
    assert "shop.so!/(constants of shop)" in {one.place.path for one in outcome.findings}
