"""Which container some bytes are, if any."""

from __future__ import annotations

import pkgutil

import pytest

from pitviper import unpack
from pitviper.unpack import zip_archive
from pitviper.unpack.leads import LEADS, may_begin, sample
from pitviper.unpack.table import FORMATS, recognise

END = b"PK\5\6" + bytes(18)
AR = b"!<arch>\n" + b"a".ljust(48) + b"22".ljust(10) + b"`\n"


def test_nothing_is_no_container() -> None:
    assert recognise(b"", b"") is None
    assert recognise(b"x", b"") is None
    assert not may_begin(bytearray(), 0, 0)


@pytest.mark.parametrize("head", [b"PK\3\4", b"\x1f\x8b\x08", b"BZh91AY&SY", b"\xfd7zXZ\0", b"7z\xbc\xaf\x27\x1c", AR])
def test_what_may_begin_is_asked_for(head: bytes) -> None:
    data = bytearray(b"before" + head.ljust(30) + b"behind")
    assert may_begin(data, 6, 6 + 30)
    assert recognise(*sample(data, 6, 6 + max(30, len(head)))) is not None


def test_a_zip_archive_is_known_by_its_end_unless_its_beginning_is_another() -> None:
    assert recognise(b"#!python", END) is zip_archive.FORMAT
    found = recognise(AR + END, END)
    assert found is not None
    assert found.name == "an ar archive"


def test_all_formats_are_in_the_table() -> None:
    names = {name for _, name, _ in pkgutil.iter_modules(unpack.__path__)}
    for module in ("zip_archive", "tar", "ar", "cpio", "compressed", "unsupported"):
        assert module in names
        found = __import__(f"pitviper.unpack.{module}", fromlist=["x"])
        for known in getattr(found, "FORMATS", None) or (found.FORMAT,):
            assert known in FORMATS


def test_leads_are_those_of_all_formats() -> None:
    assert set(LEADS) == {lead for known in FORMATS for lead in known.leads}
