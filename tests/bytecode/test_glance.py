"""Names of what code can do, in compiled Python and in sources."""

from __future__ import annotations

import importlib.util
import marshal

import pytest

from pitviper.bytecode.glance import Glance, has_words


def test_names_by_part() -> None:
    parts = [marshal.dumps(compile(code, "a.py", "exec")) for code in ("import subprocess", "x = 1", "exec(system)")]
    starts = [0, len(parts[0]), len(parts[0]) + len(parts[1])]
    found = Glance().names_in(memoryview(b"".join(parts)), starts)
    assert found == {0: {b"subprocess"}, starts[2]: {b"exec", b"system"}}


def test_written_the_long_way() -> None:
    data = importlib.util.MAGIC_NUMBER + bytes(12) + b"u\x06\0\0\0system"
    assert Glance().names_in(memoryview(data)) == {0: {b"system"}}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (b"os.system('x')", True),
        (b"system", True),
        (b"systems = subsystem\nfilesystem", False),
        (b"x = 1  # calls system\n", False),
        (b"# system\nos.system\n", True),
        (b"", False),
    ],
)
def test_words_of_a_source(source: bytes, expected: bool) -> None:  # noqa: FBT001 - a column of the table
    assert has_words(source, [b"system"]) is expected


@pytest.mark.parametrize("source", [b"asystem" * 1_000_000, b"#" + b" system" * 1_000_000])
def test_hostile_sources(source: bytes) -> None:
    assert not has_words(source, [b"system"])
