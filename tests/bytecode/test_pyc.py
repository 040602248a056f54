"""Files of compiled Python: their headers, and those whose headers lie."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.bytecode.conftest import KNOWN, Known

from pitviper.bytecode.code import Code, Version
from pitviper.bytecode.magic import Header, header_size, version_of
from pitviper.bytecode.pyc import HEAD, begins, read

MAGIC = {
    Version(2, 7): 62211,
    Version(3, 6): 3379,
    Version(3, 7): 3394,
    Version(3, 8): 3413,
    Version(3, 9): 3425,
    Version(3, 10): 3439,
    Version(3, 11): 3495,
    Version(3, 12): 3531,
    Version(3, 13): 3571,
    Version(3, 14): 3627,
    Version(3, 15): 3666,
    Version(3, 9, "pypy"): 336,
}
"""Of the releases: `importlib.util.MAGIC_NUMBER`."""


def pyc(known: Known, *words: int) -> bytes:
    magic = MAGIC[known.version]
    size = header_size(magic, known.version)
    numbers = [*words, 0, 0, 0][: size // 4 - 1]
    return struct.pack(f"<H2s{len(numbers)}I", magic, b"\r\n", *numbers) + known.data


def test_of_every_version(compiled: Known) -> None:
    data = pyc(compiled)
    found = read(data)
    assert begins(data[:HEAD])
    assert (found.version, found.problem, found.guessed) == (compiled.version, "", False)
    assert found.code is not None
    assert found.code.filename == "shop.py"


LIKELY = {Version(3, 6): Version(3, 7)}
"""Those whose instructions are those of another as well."""


def known(major: int, minor: int) -> Known:
    (found,) = [one for one in KNOWN if one.version == Version(major, minor)]
    return found


class TestHeader:
    def test_time(self) -> None:
        assert read(pyc(known(2, 7), 7)).header == Header(62211, 8, 7)
        assert read(pyc(known(3, 6), 7, 9)).header == Header(3379, 12, 7, 9)
        assert read(pyc(known(3, 13), 0, 7, 9)).header == Header(3571, 16, 7, 9)

    @pytest.mark.parametrize(("flags", "checked"), [(1, False), (3, True)])
    def test_hash(self, flags: int, checked: bool) -> None:  # noqa: FBT001 - a parameter of a test
        told = read(pyc(known(3, 12), flags, 1, 2)).header
        assert told == Header(3531, 16, source_hash=struct.pack("<2I", 1, 2), check_source=checked)

    @pytest.mark.parametrize(
        ("magic", "version"),
        [
            (3111, Version(3, 0)),
            (3151, Version(3, 1)),
            (3180, Version(3, 2)),
            (3230, Version(3, 3)),
            (3310, Version(3, 4)),
            (3351, Version(3, 5)),
            (3627, Version(3, 14)),
            (3666, Version(3, 15)),
            (62218, Version(2, 7, "pypy")),
            (22138, Version(2, 7, "pyston")),
            (336, Version(3, 9, "pypy")),
            (384, Version(3, 10, "pypy")),
            (416, Version(3, 11, "pypy")),
            (3700, None),
            (0, None),
            (65535, None),
        ],
    )
    def test_magic(self, magic: int, version: Version | None) -> None:
        assert version_of(magic) == version

    def test_each_release_has_its_own(self, compiled: Known) -> None:
        assert version_of(MAGIC[compiled.version]) == compiled.version


class TestLies:
    def test_no_header(self, compiled: Known) -> None:
        found = read(compiled.data)
        assert found.code is not None
        assert found.code.name == "<module>"
        assert found.guessed
        assert found.version == LIKELY.get(compiled.version, compiled.version)
        assert found.problem == f"there is no magic number: read as if it were of {found.version}"

    def test_wiped_magic(self, compiled: Known) -> None:
        data = bytes(4) + pyc(compiled)[4:]
        found = read(data)
        assert begins(data[:HEAD])
        assert found.code is not None
        assert found.version == LIKELY.get(compiled.version, compiled.version)
        assert (found.code.name, found.code.filename) == ("<module>", "shop.py")

    @pytest.mark.parametrize(
        ("magic", "told"),
        [
            (3701, "perhaps 3.16: read as if it were of 3.12"),
            (21200, "GraalPy, which has bytecode of its own: read as if"),
            (2997, "RustPython, which has bytecode of its own: read as if"),
            (9, "of no version that is known: read as if"),
        ],
    )
    def test_unknown_magic(self, magic: int, told: str) -> None:
        found = read(struct.pack("<H2s", magic, b"\r\n") + pyc(known(3, 12))[4:])
        assert found.code is not None
        assert f"its magic number is {magic}, {told}" in found.problem

    def test_another_versions_magic(self) -> None:
        data = struct.pack("<H", 3379) + pyc(known(3, 13))[2:]
        found = read(data)
        assert found.code is not None
        assert found.version == Version(3, 13)
        assert found.problem == "its magic number is 3379, of 3.6, and what follows is not: read as if it were of 3.13"

    def test_layout_of_an_early_version(self) -> None:
        data = struct.pack("<H", 3401) + pyc(known(3, 7))[2:]  # 3.8, before it had positional-only arguments
        assert read(data).version == Version(3, 7)

    def test_half_of_it(self, compiled: Known) -> None:
        data = pyc(compiled)
        for half in (data[: len(data) // 2], compiled.data[: len(data) // 2]):
            found = read(half)
            assert found.code is not None
            assert {"shop", b"shop"} & {one for one in found.code.consts if isinstance(one, (str, bytes))}
            assert found.problem

    @pytest.mark.parametrize("data", [b"", b"\0", b"\r\n" * 20, b"\xcb\r\r\n", b"c" * 50, b"MZ" + bytes(100)])
    def test_no_code_at_all(self, data: bytes) -> None:
        found = read(data)
        assert found.problem
        assert found.code is None or isinstance(found.code, Code)

    def test_other_files_do_not_begin_so(self) -> None:
        for head in (
            b"",
            b"ab\r\n",
            b"ab\r\ncode follows",
            b"\x89PNG\r\n\x1a\n" + bytes(30),
            b"ab\r\ntext of lines\r\n",
        ):
            assert not begins(head)


@given(st.binary(max_size=200), st.sampled_from(KNOWN))
def test_any_bytes(data: bytes, one: Known) -> None:
    read(data)
    read(pyc(one)[:16] + data)
