"""Native programs: their sections, what lies in none, and what stands behind them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitviper.look import Outcome
from pitviper.model.gap import Gap
from pitviper.unpack import executable

Opener = Callable[..., tuple[dict[str, bytes], list[Gap]]]
Elf = Callable[..., bytes]


def test_sections_and_what_lies_in_none(opened: Opener, elf: Elf) -> None:
    found, gaps = opened(executable.FORMAT, elf({".text": b"code", ".rodata": b"constants"}) + b"behind")
    assert not gaps
    assert (found["x!/.text"], found["x!/.rodata"]) == (b"code", b"constants")
    assert found["x"].startswith(b"\x7fELF")
    assert found["x"].endswith(b"behind")


def test_nothing_is_lost_without_headers(opened: Opener) -> None:
    content = b"\x7fELF and nothing else"
    assert opened(executable.FORMAT, content)[0] == {"x": content}


def test_the_section_is_told(token: Callable[[str], str], elf: Elf, scanned: Callable[[str, bytes], Outcome]) -> None:
    (finding,) = scanned("a.so", elf({".data": b"\0" + token("section").encode() + b"\0"})).findings
    assert finding.place.path == "a.so!/.data"
    assert [link.kind for link in finding.place.chain][-2:] == ["file", "section"]
    assert finding.place.offset == 1


def test_a_zip_behind_it_and_what_is_in_its_sections(
    token: Callable[[str], str], elf: Elf, scanned: Callable[[str, bytes], Outcome]
) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.py", f"token = '{token('zip')}'\n")
    outcome = scanned("a", elf({".rodata": token("section").encode()}) + out.getvalue())
    assert sorted(one.place.path for one in outcome.findings) == ["a!/.rodata", "a!/a.py"]
    assert not outcome.gaps


def test_half_a_library(opened: Opener, elf: Elf, cuts: Callable[[bytes], Iterator[bytes]]) -> None:
    for content in cuts(elf({".text": b"code" * 30, ".rodata": b"constants" * 20})):
        opened(executable.FORMAT, content)


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 255)), min_size=1, max_size=12))
def test_flipped_bytes(opened: Opener, elf: Elf, changes: list[tuple[int, int]]) -> None:
    content = bytearray(elf({".text": b"code" * 5, ".rodata": b"constants"}))
    for place, value in changes:
        content[place % len(content)] = value
    opened(executable.FORMAT, bytes(content))


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_wide_strings(
    token: Callable[[str], str], elf: Elf, scanned: Callable[[str, bytes], Outcome], codec: str
) -> None:
    text = f"before {token(codec)} behind".encode(codec)
    content = bytes(range(256)) * 20 + b"\1\0\0\0" + text + b"\0\0\0\0\1" + b"plain"
    (finding,) = scanned("a.exe", elf({".rdata": content})).findings
    assert finding.place.path == "a.exe!/.rdata"
    assert [one.text for one in finding.evidence if one.name == "encoding"] == [codec[:6]]


@pytest.mark.parametrize(
    "head", [b"\x7fELF", b"\x7fELF\x02", b"MZ", b"MZ" + bytes(62), b"\xcf\xfa\xed\xfe", b"\xfe\xed\xfa\xce\0"]
)
def test_one_that_ends_in_its_headers_is_searched_as_it_is(opened: Opener, head: bytes) -> None:
    contents, gaps = opened(executable.FORMAT, head)
    assert b"".join(contents.values()) == head
    assert gaps == []
