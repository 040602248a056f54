"""String tables of Cython: made here, as Cython and compilers lay them out."""

from __future__ import annotations

import bz2
import random
import struct
import zlib
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitviper.look import Outcome
from pitviper.model.gap import Gap
from pitviper.unpack import cython, executable

Opener = Callable[..., tuple[dict[str, bytes], list[Gap]]]
Elf = Callable[..., bytes]

MARK = b"cython_runtime\0_cython_3_3_1\0"
USUAL = ["__class__", "__main__", "__module__", "__name__", "__qualname__", "__test__", "cline_in_traceback"]


def lzss(text: bytes) -> bytes:
    """As Cython packs it: with references of all three forms."""
    out = bytearray()
    at = 0
    while at < len(text):
        flags, group = 0, b""
        for bit in range(8):
            size, start = max(
                ((size, text.rfind(text[at : at + size], 0, at)) for size in (3, 8, 34, 200) if at + size <= len(text)),
                key=lambda one: one[0] if one[1] >= 0 else 0,
                default=(0, -1),
            )
            distance = at - start - size
            if start < 0 or not 0 <= distance < 0x4080:
                flags |= 1 << bit
                group += text[at : at + 1]
                at += 1
                continue
            far = distance - 0x80
            if far < 0:
                group += bytes((distance, size - 3))
            elif far < 0x200 and size - 3 < 0x20:
                group += bytes((0x80 | (far & 0x7F), (far >> 7) << 5 | (size - 3)))
            else:
                group += bytes((0x80 | (far & 0x7F), 0x80 | (far >> 7), size - 3))
            at += size
        out.append(flags)
        out += group
    return bytes(out)


PACK: dict[str, Callable[[bytes], bytes]] = {
    "zlib": lambda text: zlib.compress(text, 9),
    "bzip2": bz2.compress,
    "lzss": lzss,
    "plain": bytes,
}


def words(values: Sequence[int]) -> bytes:
    return struct.pack(f"<{len(values)}I", *values)


def instructions(values: Sequence[int]) -> bytes:
    """On the stack, bit by bit: `and eax, mask; or eax, value`, and all ones at once."""
    return b"".join(b"\x83\xe0\xc0\x83\xc8" + bytes((one,)) if one != 63 else b"\x80\x4c\x24\x40\x3f" for one in values)


def library(elf: Elf, strings: Sequence[str], how: str, *, as_code: bool = False) -> bytes:
    encoded = [one.encode() for one in strings]
    table = PACK[how](b"".join(encoded))
    lengths = [len(one) for one in encoded]
    noise = words(random.Random(1).choices(range(200), k=500))
    code = noise + instructions(lengths) if as_code else noise
    constants = MARK + bytes(3) + table + bytes(16 + -(len(MARK) + 3 + len(table)) % 4)
    array = b"" if as_code else noise + words(lengths) + bytes(32)
    return elf({".dynstr": b"\0PyInit_shop\0", ".text": code, ".rodata": constants + array})


@pytest.mark.parametrize("as_code", [False, True])
@pytest.mark.parametrize("how", PACK)
def test_strings_stand_alone(opened: Opener, elf: Elf, how: str, *, as_code: bool) -> None:
    strings = [".", "a" * 63, "The text of it, twice: the text of it", "", "é", *USUAL, "token", "value"] + [
        f"function_{number}" for number in range(100)
    ]
    found, gaps = opened(executable.FORMAT, library(elf, strings, how, as_code=as_code))
    assert not gaps
    told = found["x!/(strings of shop)"].decode("utf-8", "replace").split("\n")
    expected = [one for one in strings if one]
    assert told[: len(expected)] == expected


def test_without_lengths_it_is_one_run(opened: Opener, elf: Elf) -> None:
    content = elf({".rodata": MARK + zlib.compress("".join(USUAL).encode(), 9)})
    assert opened(executable.FORMAT, content)[0]["x!/(strings)"] == "".join(USUAL).encode() + b"\n"


def test_other_libraries_have_none(opened: Opener, elf: Elf) -> None:
    table = zlib.compress("".join(USUAL).encode(), 9)
    for mark in (b"", b"cython_runtime\0_cython_3_1_4\0", b"cython_runtime\0_cython_0_29_36\0"):
        found, _ = opened(executable.FORMAT, elf({".rodata": mark + table}))
        assert not [name for name in found if "strings" in name]


@pytest.mark.parametrize("size", [100, 5000, 20_000])
def test_lzss(size: int) -> None:
    chance = random.Random(size)
    text = b"".join(chance.choice((b"one ", b"two three ", b"%d" % chance.random())) for _ in range(size // 5))
    text += b"x" * 300 + bytes(chance.choices(range(256), k=300)) + text[:500]
    assert cython.unlzss(lzss(text), 0, len(text))[: len(text)] == text


@given(st.binary(max_size=300))
def test_any_bytes_as_lzss(content: bytes) -> None:
    assert len(cython.unlzss(content, 0, 1000)) < 1000 + 8 * 258


@given(st.binary(max_size=400))
def test_any_constants(content: bytes) -> None:
    list(cython.tables([content, MARK + content + b"__main____name____test__" + content], content))


def test_a_bomb_of_tables(opened: Opener, elf: Elf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cython, "_MOST", 100_000)
    table = zlib.compress(bytes(1_000_000) + "".join(USUAL).encode(), 9)
    found, _ = opened(executable.FORMAT, elf({".rodata": MARK + table * 20}))
    assert sum(map(len, found.values())) < 1_000_000


@pytest.mark.parametrize("how", PACK)
def test_a_token_among_them(
    token: Callable[[str], str], elf: Elf, scanned: Callable[[str, bytes], Outcome], how: str
) -> None:
    outcome = scanned("shop.so", library(elf, ["Bearer", *USUAL, token("cython"), "token"], how))
    assert [one.place.path for one in outcome.findings] == ["shop.so!/(strings of shop)"]
    assert not outcome.gaps
