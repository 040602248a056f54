"""The reader of marshal: against what interpreters say of their own code, and against hostile bytes."""

from __future__ import annotations

import base64
import marshal
import random
import struct
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.bytecode.conftest import KNOWN, Known, walk

from pitviper.bytecode.code import Code, Constant, Frozen, Huge, Pairs, Slice, Unknown, Version
from pitviper.bytecode.code import walk as each_once
from pitviper.bytecode.marshal import MAX_DEPTH, MAX_OBJECTS, load

V3 = Version(3, 12)


@contextmanager
def bounded(*, mebibytes: float = 0) -> Iterator[None]:
    """What is done within ends, and takes no more memory than that, if it is asked for, because that costs time."""
    if mebibytes:
        tracemalloc.start()
    yield
    if mebibytes:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < mebibytes * 2**20


def shared(kind: bytes, count: int, content: bytes) -> bytes:
    """A value that others may refer to."""
    return bytes((kind[0] | 0x80,)) + struct.pack("<i", count) + content


def ref(index: int) -> bytes:
    return b"r" + struct.pack("<i", index)


def value(data: bytes, version: Version = V3) -> Constant:
    loaded = load(data, 0, version)
    assert loaded.problem == ""
    assert loaded.end == len(data)
    return loaded.value


def problem(data: bytes, version: Version = V3) -> str:
    return load(data, 0, version).problem


class TestCode:
    def test_as_its_interpreter_says(self, compiled: Known) -> None:
        module = value(compiled.data, compiled.version)
        assert isinstance(module, Code)
        for code, told in zip(walk(module), compiled.codes, strict=True):
            for key in ("name", "qualname", "filename", "firstlineno", "argcount", "posonlyargcount", "kwonlyargcount"):
                assert getattr(code, key) == told[key]
            for key in ("names", "varnames", "cellvars", "freevars"):
                assert list(getattr(code, key)) == told[key]
            assert (code.flags, len(code.code)) == (told["flags"], told["size"])
            plain = [one for one in code.consts if isinstance(one, (int, float, complex, str))]
            if compiled.version.major > 2:
                assert [repr(one) for one in plain] == told["consts"]

    def test_constants(self, compiled: Known) -> None:
        module = value(compiled.data, compiled.version)
        assert isinstance(module, Code)
        flat = [one for code in walk(module) for one in code.consts]
        nested = [inner for one in flat if isinstance(one, tuple) for inner in one]
        assert {"café €", b"\x00\xff bytes"} <= {one for one in flat if isinstance(one, (str, bytes))}
        numbers = {one for one in [*flat, *nested] if isinstance(one, int)}
        assert {255, 65536, 2147483648, -1267650600228229401496703205376} <= numbers


@pytest.mark.parametrize(
    "python",
    [
        None,
        True,
        False,
        ...,
        0,
        -1,
        2**31 - 1,
        -(2**31),
        2**31,
        2**63,
        -(2**200),
        1.5,
        2j,
        "",
        "a",
        "é",
        "\ud800",
        b"",
        b"\0",
    ],
    ids=repr,
)
@pytest.mark.parametrize("layout", range(3))
def test_values(python: Any, layout: int) -> None:
    assert value(marshal.dumps(python)) == python
    assert value(marshal.dumps([python, (python,), python] if layout else python, 4 if layout < 2 else 2)) == (
        [python, (python,), python] if layout else python
    )


def test_other_containers() -> None:
    assert value(marshal.dumps({1: "a", "b": [2]})) == Pairs(((1, "a"), ("b", [2])))
    assert value(marshal.dumps(frozenset("a"))) == Frozen(("a",))
    assert value(b":\xe9\1\0\0\0Nr\0\0\0\0", Version(3, 14)) == Slice(1, None, 1)
    assert value(b"}z\1ai\5\0\0\x000", Version(3, 15)) == Pairs((("a", 5),))
    assert value(marshal.dumps(2**20_000)) == Huge(struct.pack("<1334H", *([0] * 1333), 1 << 5))


def test_python_2_shares_strings() -> None:
    two = Version(2, 7)
    assert value(b"(\3\0\0\0t\1\0\0\0as\1\0\0\0bR\0\0\0\0", two) == (b"a", b"b", b"a")
    assert value(b"(\1\0\0\0R\7\0\0\0", two) == (Unknown(),)
    assert value(b"f\3" + b"1.5", two) == 1.5
    assert value(b"x\0011\0012", two) == 1 + 2j


def test_what_refers_to_itself() -> None:
    assert value(b"\xa9\1r\0\0\0\0") == (Unknown(),)
    assert value(b"\xdb\2\0\0\0\xda\1ar\1\0\0\0") == ["a", "a"]
    assert value(b"r\xff\xff\xff\xff") == Unknown()
    assert value(b"r\xff\xff\xff\x7f") == Unknown()


class TestHostile:
    @pytest.mark.parametrize(
        ("data", "told"),
        [
            (b"", "it ends too early"),
            (b"i\1\2", "it ends too early"),
            (b"z", "it ends too early"),
            (b"z\5abc", "it ends in a string"),
            (b"I\1\2", "it ends too early"),
            (b"g\1\2", "it ends too early"),
            (b")\2f\0031.", "it ends too early"),
            (b"s\xff\xff\xff\x7fabc", "a string of 2,147,483,647 bytes, of which 3 are there"),
            (b"s\xff\xff\xff\xffabc", "a string of -1 bytes"),
            (b"(\xff\xff\xff\x7f", "a container of 2,147,483,647 objects in 0 bytes"),
            (b"(\xff\xff\xff\xff", "a container of -1 objects in 0 bytes"),
            (b"l\xff\xff\xff\x7f", "an integer of 2,147,483,647 digits, of which 0 are there"),
            (b"l\0\0\0\x80", "an integer of 2,147,483,648 digits, of which 0 are there"),
            (b"?", "no version has a type b'?'"),
            (b"f\3abc", "could not convert string to float: b'abc'"),
            (b")\1" * (MAX_DEPTH + 9) + b"N", f"more than {MAX_DEPTH:,} containers in each other"),
            (b"c" * 9000, "it ends too early"),
        ],
    )  # fmt: skip
    def test_told(self, data: bytes, told: str) -> None:
        assert problem(data) == told

    def test_what_came_before_is_kept(self) -> None:
        assert load(b")\3z\1a)\2z\1bz\5cd", 0, V3).value == ("a", ("b", "cd"))
        assert load(b")\2z\1as\x20\0\0\0half", 0, V3).value == ("a", b"half")
        half = KNOWN[-1].data[: len(KNOWN[-1].data) // 2]
        loaded = load(half, 0, KNOWN[-1].version)
        assert loaded.problem
        assert isinstance(loaded.value, Code)
        assert "shop" in loaded.value.consts

    @pytest.mark.parametrize("start", [b"(%s" % struct.pack("<i", MAX_OBJECTS + 9), b"{"])
    def test_too_many_objects(self, start: bytes) -> None:
        with bounded():
            assert problem(start + b")\0" * (MAX_OBJECTS + 9)) == f"more than {MAX_OBJECTS:,} objects"

    def test_code_objects_that_share_many_names(self) -> None:
        names = shared(b"(", 30_000, b"z\1a" * 30_000)
        kinds = shared(b"s", 30_000, b"\xe0" * 30_000)
        new = b"c" + bytes(20) + b"s\0\0\0\0)\0" + ref(0) * 2 + ref(1) + b"z\0" * 3 + bytes(4) + b"s\0\0\0\0" * 2
        with bounded(mebibytes=60):
            loaded = load(b"(" + struct.pack("<i", 2002) + names + kinds + new * 2000, 0, V3)
        assert loaded.problem == f"its code objects have more than {MAX_OBJECTS:,} names"
        old = b"c" + bytes(16) + b"s\0\0\0\0)\0" + ref(0) * 4 + b"s\0\0\0\0" * 2 + bytes(4) + b"s\0\0\0\0"
        names = shared(b"(", 30_000, b"s\1\0\0\0a" * 30_000)
        with bounded(mebibytes=60):
            loaded = load(b"(" + struct.pack("<i", 2001) + names + old * 2000, 0, Version(2, 7))
        assert loaded.problem == f"its code objects have more than {MAX_OBJECTS:,} names"

    def test_names_that_share_a_long_text(self) -> None:
        names = b"(" + struct.pack("<i", 5001) + shared(b"a", 1_000_000, b"x" * 1_000_000) + ref(0) * 5000
        code = b"c" + bytes(20) + b"s\0\0\0\0)\0" + names + b")\0s\0\0\0\0" + b"z\0" * 3 + bytes(4) + b"s\0\0\0\0" * 2
        with bounded(mebibytes=20):
            found = value(code)
        assert isinstance(found, Code)
        assert len(found.names) == 5001

    def test_long_integers(self) -> None:
        long = b"l" + struct.pack("<i", 1000) + b"\xff\x7f" * 1000
        with bounded():
            found = value(b"(" + struct.pack("<i", 2000) + long * 2000)
        assert found == (2**15_000 - 1,) * 2000

    def test_a_billion_laughs(self) -> None:
        laughs = b"\xa9\2NN"
        for number in range(60):
            laughs = b"\xa9\2" + laughs + b"r" + struct.pack("<i", 60 - number)
        assert problem(laughs) == ""

    def test_code_that_is_referred_to_often(self) -> None:
        head = b"\xe3" + bytes(20) + b"s\0\0\0\0"
        tail = b")\0)\0s\0\0\0\0" + b"z\0" * 3 + bytes(4) + b"s\0\0\0\0" * 2
        inner = head + b")\0" + tail
        for number in range(9, 0, -1):
            inner = head + b"(" + struct.pack("<i", 5001) + inner + ref(number) * 5000 + tail
        module = value(inner)
        assert isinstance(module, Code)
        assert [owner for _, owner in each_once(module)] == list(range(-1, 9))

    def test_mutated(self, compiled: Known) -> None:
        chance = random.Random(str(compiled.version))
        for _ in range(300):
            data = bytearray(compiled.data)
            for _ in range(chance.choice((1, 3, 30))):
                data[chance.randrange(len(data))] = chance.randrange(256)
            for code in walk(found) if isinstance(found := load(bytes(data), 0, compiled.version).value, Code) else ():
                assert all(isinstance(name, str) for name in (*code.names, *code.varnames, code.name, code.filename))

    def test_cut_anywhere(self, compiled: Known) -> None:
        for end in range(len(compiled.data)):
            assert load(compiled.data[:end], 0, compiled.version).problem


@given(st.binary(max_size=300))
@example(base64.b64decode("4wAAAAA="))
def test_any_bytes(data: bytes) -> None:
    for known in KNOWN[::3]:
        load(data, 0, known.version)
        load(b"\xe3" + data, 0, known.version)
