"""Tables of lines and of exceptions: against what interpreters say, and against nonsense."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.bytecode.conftest import KNOWN, Known, walk

from pitviper.bytecode.code import Code, Version
from pitviper.bytecode.lines import Handler, Lines, handlers
from pitviper.bytecode.marshal import load

VERSIONS = (Version(2, 7), Version(3, 5), Version(3, 9), Version(3, 10), Version(3, 11), Version(3, 11, "pypy"))


def as_told(code: Code) -> list[list[int | None]]:
    """As `dis.findlinestarts` tells it: up to 3.12 without what has no line, and lines that go on."""
    told: list[list[int | None]] = [[start, line] for start, line in Lines(code)]
    if code.version < Version(3, 10) or code.version >= Version(3, 13):
        return told
    kept: list[list[int | None]] = []
    for start, line in told:
        if line is not None and not (kept and kept[-1][1] == line):
            kept.append([start, line])
    return kept


def test_as_the_interpreter_says(compiled: Known) -> None:
    module = load(compiled.data, 0, compiled.version).value
    assert isinstance(module, Code)
    for code, told in zip(walk(module), compiled.codes, strict=True):
        assert as_told(code) == told["lines"]
        found = [[one.start, one.end, one.target, one.depth, one.with_offset] for one in handlers(code)]
        assert found == told["handlers"]


def test_of_an_offset() -> None:
    lines = Lines(Code(Version(3, 9), firstlineno=10, lines=bytes((4, 1, 6, 250, 2, 0))))
    assert [lines.at(offset) for offset in (0, 3, 4, 9, 10, 99)] == [10, 10, 11, 11, 5, 5]
    assert Lines(Code(Version(3, 9), firstlineno=10)).at(4) == 10


def test_an_exception_table() -> None:
    code = Code(Version(3, 11), exceptions=bytes((0x81, 2, 3, 5, 0x80 | 0x41, 2, 0, 9, 0)))
    assert list(handlers(code)) == [Handler(2, 6, 6, 2, with_offset=True), Handler(132, 132, 18, 0, with_offset=False)]


@given(st.binary(max_size=200), st.sampled_from(VERSIONS), st.integers(-(2**31), 2**31 - 1))
def test_any_bytes(table: bytes, version: Version, line: int) -> None:
    code = Code(version, firstlineno=line, lines=table, exceptions=table)
    starts = [start for start, _ in Lines(code)]
    assert starts == sorted(starts)
    assert all(found is None or found >= 0 for _, found in Lines(code))
    assert len(list(handlers(code))) <= len(table)


def test_all_versions_are_at_hand() -> None:
    assert len(KNOWN) >= 9
