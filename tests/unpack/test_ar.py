"""Archives of ar."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pitviper.model.gap import Gap

Opened = tuple[dict[str, bytes], list[Gap]]
ContentOf = Callable[..., Opened]

MAGIC = b"!<arch>\n"
TEXT = b"some text\n" * 7 + b"x"


def member(name: bytes, content: bytes = TEXT, size: int | None = None, field: bytes | None = None) -> bytes:
    length = field or b"%-10d" % (len(content) if size is None else size)
    head = name.ljust(16) + b"0".ljust(12) + b"0".ljust(6) + b"0".ljust(6) + b"100644".ljust(8) + length + b"`\n"
    return head + content + b"\n" * (len(content) % 2)


def test_names_of_gnu(content_of: ContentOf) -> None:
    table = member(b"//", b"a-name-longer-than-sixteen.o/\nanother-name-longer.o/\n")
    whole = MAGIC + member(b"/", b"index") + table + member(b"/0") + member(b"/30") + member(b"a.o/")
    assert content_of(whole) == (
        {
            "x!/(index)": b"index",
            "x!/a-name-longer-than-sixteen.o": TEXT,
            "x!/another-name-longer.o": TEXT,
            "x!/a.o": TEXT,
        },
        [],
    )


def test_names_of_bsd(content_of: ContentOf) -> None:
    whole = MAGIC + member(b"#1/20", b"long name of bsd.o\0\0" + TEXT) + member(b"b.o")
    assert content_of(whole) == ({"x!/long name of bsd.o": TEXT, "x!/b.o": TEXT}, [])


def test_names_of_packages(content_of: ContentOf) -> None:
    whole = MAGIC + member(b"debian-binary", b"2.0\n") + member(b"data.tar", b"0" * 3_000_001) + member(b"last")
    contents, gaps = content_of(whole)
    assert (contents["x!/data.tar"], contents["x!/last"], gaps) == (b"0" * 3_000_001, TEXT, [])


@pytest.mark.parametrize("name", [b"/99999", b"/", b"#1/0", b"", b"a\nb", b"\xff", b"/0"])
def test_names_that_make_no_sense(content_of: ContentOf, name: bytes) -> None:
    contents, gaps = content_of(MAGIC + member(name) + member(b"b"))
    assert (contents["x!/b"], len(contents), gaps) == (TEXT, 2, [])


@pytest.mark.parametrize("name", [b"#1/-5", b"#1/x", b"#1/"])
def test_names_without_a_length(content_of: ContentOf, name: bytes) -> None:
    contents, gaps = content_of(MAGIC + member(b"a") + member(name))
    assert contents["x!/a"] == TEXT
    assert TEXT in contents["x"]
    assert gaps


@pytest.mark.parametrize("field", [b"-5        ", b"x         ", b"          ", b"9999999999"])
def test_sizes_that_make_no_sense(content_of: ContentOf, field: bytes) -> None:
    contents, gaps = content_of(MAGIC + member(b"a") + member(b"b", field=field))
    assert contents["x!/a"] == TEXT
    assert b"".join(contents.values()).count(TEXT) == 2
    assert gaps


def test_cut_anywhere(content_of: ContentOf) -> None:
    whole = MAGIC + member(b"a") + member(b"b")
    for end in range(68, len(whole)):
        contents, gaps = content_of(whole[:end])
        assert gaps or end in {68 + len(TEXT), 69 + len(TEXT)} or not whole[end:].strip()
        assert whole[68 : min(end, 68 + len(TEXT))] in b"".join(contents.values())


def test_many_long_names_take_no_time(content_of: ContentOf) -> None:
    table = member(b"//", b"n" * 10_000_000)
    contents, _ = content_of(MAGIC + table + b"".join(member(b"/%d" % n, b"") for n in range(3000)))
    assert len(contents) == 1


@pytest.mark.skipif(not shutil.which("ar"), reason="needs ar")
def test_as_ar_writes_it(content_of: ContentOf, tmp_path: Path) -> None:
    names = ["a.txt", "a name that is longer than sixteen characters.txt", "empty"]
    for name in names:
        (tmp_path / name).write_bytes(TEXT if name != "empty" else b"")
    subprocess.run(["ar", "rc", "x.a", *names], cwd=tmp_path, check=True)
    contents, gaps = content_of((tmp_path / "x.a").read_bytes())
    assert {name: contents[f"x!/{name}"] for name in names} == {name: (tmp_path / name).read_bytes() for name in names}
    assert not gaps
