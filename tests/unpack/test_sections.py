"""Sections of native programs: headers written here, and the program that runs this test."""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitviper.engine.data import Memory
from pitviper.unpack.sections import Section, is_fat, is_program, sections

PARTS = {".text": b"code of it", ".rodata": b"constants"}


def pe(parts: dict[str, bytes]) -> bytes:
    start = 128 + 24 + 16 + 40 * len(parts)
    rows = body = b""
    for name, content in parts.items():
        rows += struct.pack("<8s6I2HI", name.encode(), len(content), 0, len(content), start + len(body), 0, 0, 0, 0, 0)
        body += content
    coff = struct.pack("<4s2H3I2H", b"PE\0\0", 0x8664, len(parts), 0, 0, 0, 16, 2)
    return b"MZ".ljust(60, b"\0") + struct.pack("<I", 128) + bytes(64) + coff + bytes(16) + rows + body


def mach(parts: dict[str, bytes], order: str = "<", bits: int = 64) -> bytes:
    """The sections in a segment `__TEXT`, and `__LINKEDIT` behind it, with none."""
    is_wide = bits == 64
    segment = struct.Struct(order + ("2I16s4Q4I" if is_wide else "2I16s8I"))
    section = struct.Struct(order + ("16s16s2Q8I" if is_wide else "16s16s9I"))
    header = struct.Struct(order + ("8I" if is_wide else "7I"))
    commands = 2 * segment.size + len(parts) * section.size
    start = header.size + commands
    rows = body = b""
    for name, content in parts.items():
        rest = (start + len(body), *[0] * (7 if is_wide else 6))
        rows += section.pack(name.encode(), b"__TEXT", 0, len(content), *rest)
        body += content
    text = (25 if is_wide else 1, segment.size + len(rows), b"__TEXT", 0, 0, 0, start + len(body), 0, 0, len(parts), 0)
    last = (25 if is_wide else 1, segment.size, b"__LINKEDIT", 0, 0, start + len(body), 4, 0, 0, 0, 0)
    magic = 0xFEEDFACF if is_wide else 0xFEEDFACE
    head = header.pack(magic, 0x01000007, 0, 6, 2, commands, *[0] * (2 if is_wide else 1))
    return head + segment.pack(*text) + rows + segment.pack(*last) + body + b"last"


def held(content: bytes) -> dict[str, bytes]:
    assert is_program(content[:2048])
    return {one.name: content[one.offset : one.offset + one.size] for one in sections(Memory(content))}


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("order", ["<", ">"])
def test_elf(elf: Callable[..., bytes], bits: int, order: str) -> None:
    found = held(elf(PARTS, bits, order))
    assert found.pop(".shstrtab").startswith(b"\0.text\0")
    assert found == PARTS


def test_elf_without_sections_has_segments() -> None:
    header = struct.pack("<2HI3QI6H", 2, 62, 1, 0, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    segment = struct.pack("<2I6Q", 1, 4, 120, 0, 0, 4, 4, 1)
    assert held(b"\x7fELF\2\1\1".ljust(16, b"\0") + header + segment + b"code") == {"segment 0": b"code"}


def test_pe() -> None:
    assert held(pe(PARTS)) == PARTS


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("order", ["<", ">"])
def test_mach_o(bits: int, order: str) -> None:
    found = held(mach(PARTS, order, bits))
    assert found == {"__TEXT,.text": b"code of it", "__TEXT,.rodata": b"constants", "__LINKEDIT": b"last"}


def test_several_mach_o_in_one() -> None:
    inner = mach(PARTS)
    content = struct.pack(">7I", 0xCAFEBABE, 1, 0x0100000C, 0, 28, len(inner), 0) + inner
    assert held(content) == {"arm64": inner}
    assert is_fat(content)


def test_a_java_class_is_no_program() -> None:
    assert not is_program(b"\xca\xfe\xba\xbe\0\0\0\x3d".ljust(100, b"\0"))


def test_two_letters_are_no_program() -> None:
    assert not is_program(b"MZ is how it begins".ljust(100))


def test_the_interpreter_itself() -> None:
    with open(sys.executable, "rb") as file:
        content = file.read()
    assert {one.offset + one.size <= len(content) for one in sections(Memory(content))} == {True}


SAMPLES = (pe(PARTS), mach(PARTS), mach(PARTS, ">", 32))


@given(st.sampled_from(SAMPLES), st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), max_size=8))
def test_flipped_bytes(content: bytes, changes: list[tuple[int, int]]) -> None:
    changed = bytearray(content)
    for place, value in changes:
        changed[place % len(changed)] = value
    with suppress(struct.error):
        for one in sections(Memory(bytes(changed))):
            assert isinstance(one, Section)
            assert 0 < one.size <= len(content) - one.offset
