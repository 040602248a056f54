"""Compiled Python held against its source: honest pairs, stale ones, poisoned ones, and nonsense."""

from __future__ import annotations

import importlib.util
import marshal
import struct
import sys
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitviper.bytecode import recompile
from pitviper.bytecode.code import Version
from pitviper.bytecode.compare import Comparison, Kind, Match, Verdict, compare
from pitviper.bytecode.pyc import Pyc, read
from pitviper.bytecode.recompile import Compiler

CLEAN = textwrap.dedent(
    '''
    """A shop."""
    from __future__ import annotations
    import os.path
    from . import prices
    WEEK = 7 * 24 * 60 * 60
    LINE = "-" * 70
    NOTE = ("one " "two "
            "three")
    RAW, BYTES = r"\\d+", b"\\x00\\211" b"end"
    class Shop(dict[str, int]):
        """Sells.

        Much.
        """
        __count: int = -5
        def __total(self, *, tax=0.19):
            return f"{self.__count:>10} of {tax!r} {tax=} {'x' + 'y'} {{}}"
        @property
        def name(self) -> dict[str, int]:
            kept = super().__class__
            return kept, [one for one in self.items() if one[0] in ("a", "b")], lambda: "%s: %-10s" % (self, 1)
    def outer():
        kept = 1 << 20
        def inner(): return kept, __name__
        return inner, Shop(key="a", other=Shop)
    '''
)
BAD = {
    "process": ('import os\nos.system("id")', {"process"}),
    "network": ("import socket\nsocket.create_connection(('h', 1))", {"network"}),
    "decoded": ("import base64\nexec(base64.b64decode('aWQ='))", {"decode", "execute"}),
    "integers": ("exec(bytes([105, 109, 112, 111, 114]))", {"decode", "execute"}),
}


def compiled(source: str, *, optimize: int = 0, words: tuple[int, int, int] | None = None) -> Pyc:
    head = words or (0, 7, len(source.encode()))
    code = compile(source, "shop.py", "exec", dont_inherit=True, optimize=optimize)
    return read(importlib.util.MAGIC_NUMBER + struct.pack("<3I", *head) + marshal.dumps(code))


def told(changed: str, source: str = CLEAN) -> Comparison:
    return compare(compiled(changed), source.encode())


@pytest.mark.parametrize("level", [0, 1, 2])
def test_honest(level: int) -> None:
    found = compare(compiled(CLEAN, optimize=level), CLEAN.encode(), 7)
    assert found == Comparison(Verdict.CLEAN, Match.SAME)


def test_of_every_version(compiled: Any) -> None:
    from tests.bytecode.test_pyc import pyc  # noqa: PLC0415 - one helper

    found = compare(read(pyc(compiled)), b"x = 1\n")
    assert found.verdict is not Verdict.CLEAN


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("wrap", [lambda code: code, lambda code: "def setup():\n" + textwrap.indent(code, "  ")])
def test_poisoned(kind: str, wrap: Callable[[str], str]) -> None:
    payload, abilities = BAD[kind]
    found = told(f"{CLEAN}\n{wrap(payload)}\n")
    assert found.verdict is Verdict.POISONED
    assert set(found.capabilities) == abilities


def test_token_left_behind(token: Callable[[str], str]) -> None:
    secret = token("left")
    source = "def release():\n    key = {}\n    return key\n"
    found = told(source.format(repr(secret)), source.format("input()"))
    assert found.verdict is Verdict.STALE
    (one,) = found.differences
    assert (one.kind, one.value, one.qualname, one.line) == (Kind.STRING, secret, "release", 2)
    assert one.words == "the string {} in release(), line 2, is not in the source"


def test_words_in_comments_and_other_functions_do_not_count() -> None:
    source = "# os.system('id')\n'''subprocess'''\ndef f():\n    exec(1)\nimport os\n"
    assert told(source + "os.system", source).capabilities == ("process",)
    assert told(source + "exec", source).capabilities == ("execute",)


def test_a_function_and_its_line() -> None:
    source = "def f():\n    pass\n"
    assert [one.kind for one in told(f"\n{source}", source).differences] == [Kind.LINE]
    assert [one.kind for one in told(f"{source}def g(): pass\n", source).differences] == [Kind.NAME, Kind.FUNCTION]


def test_numbers() -> None:
    assert told("x = 86400", "x = 24 * 60 * 60").verdict is Verdict.CLEAN
    assert told("x = 86401", "x = 24 * 60 * 60").differences[0].value == 86401


class TestHeader:
    def match(self, *words: int, mtime: int | None = None) -> Match:
        return compare(compiled("x = 1", words=(words[0], words[1], words[2])), b"x = 1", mtime).match

    def test_time(self) -> None:
        assert self.match(0, 7, 5) is Match.SIZE_FITS
        assert self.match(0, 7, 5, mtime=7) is Match.SAME
        assert self.match(0, 7, 5, mtime=8) is Match.OTHER_TIME
        assert self.match(0, 7, 6, mtime=7) is Match.OTHER_SIZE

    def test_hash(self) -> None:
        low, high = struct.unpack("<2I", importlib.util.source_hash(b"x = 1"))
        assert self.match(3, low, high) is Match.SAME
        assert self.match(3, low, high ^ 1) is Match.OTHER_HASH
        assert self.match(1, low, high) is Match.UNCHECKED


@pytest.fixture
def compiler() -> Iterator[Compiler]:
    found = Compiler()
    yield found
    found.close()


class TestRecompiling:
    def test_same(self, compiler: Compiler) -> None:
        for level in (0, 1, 2):
            pyc = compiled(CLEAN, optimize=level)
            assert compiler.compiles_to(CLEAN.encode(), pyc, 1) is True
            assert compiler.compiles_to(b"# Moved.\n" + CLEAN.encode(), pyc) is (sys.version_info < (3, 13))

    def test_other_logic(self, compiler: Compiler) -> None:
        pyc = compiled("x = 1\ndef f(a, b): return a or b")
        changed = "x = 1\ndef f(a, b): return a and b"
        assert told("def f(a, b): return a or b", "def f(a, b): return a and b").verdict is Verdict.CLEAN
        assert compiler.compiles_to(changed.encode(), pyc) is False
        assert compiler.strange(changed.encode(), pyc) == ("f", 2)

    @pytest.mark.parametrize("source", [b"def", b"\0", b"-" * 1_000_000 + b"1", b"(" * 100_000, b"x = 1 << 10 ** 10"])
    def test_what_does_not_compile(self, compiler: Compiler, source: bytes) -> None:
        assert not compiler.compiles_to(source, compiled("x = 1"))
        assert compiler.compiles_to(b"x = 1", compiled("x = 1"))

    def test_a_source_that_kills_costs_only_so_much(self, compiler: Compiler, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(recompile, "_CHILD", "import sys; sys.stdin.buffer.read(7)")
        for _ in range(10):
            assert compiler.compiles_to(b"x = 1", compiled("x = 1")) is None
        monkeypatch.undo()
        assert compiler.compiles_to(b"x = 1", compiled("x = 1")) is None


@pytest.mark.parametrize(
    "source",
    [
        b"(" * 300_000,
        b"f'{" * 100_000,
        b"f\"{f'{" * 50_000,
        b"-" * 300_000 + b"1",
        b"2**" * 100_000 + b"2",
        b"def f():\n" * 60_000,
        b"".join(b" " * level + b"def f():\n" for level in range(700)),
        b"'a' " * 100_000,
        b"x = 'a' * 4096\n" * 50_000,
        b"\\\n" * 300_000,
        b"# coding: idna\n" + b"\xff" * 300_000,
        b"'''" + b"\\" * 500_000,
        b"f'{x:{" * 50_000,
        b"%s" * 200_000,
        b"'" + b"%" * 300_000 + b"'",
    ],
    ids=range(15),
)
def test_hostile_source(source: bytes) -> None:
    pyc = compiled("x = 'nowhere', 123456, 'a b'")
    for pyc.version in (Version(2, 7), Version(3, 11), Version(3, 12)):  # all read strings differently
        assert compare(pyc, source).verdict is not Verdict.CLEAN  # soon: quadratic would be minutes


@given(st.text("fdef class(){}[]'\"\\\n#:=!%@x1 ", max_size=200))
def test_any_source(source: str) -> None:
    pyc = compiled("x = 'nowhere', 123456")
    assert compare(pyc, source.encode()).verdict is not Verdict.CLEAN


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    compare(read(data), data)
    compare(read(importlib.util.MAGIC_NUMBER + bytes(12) + data), data)
