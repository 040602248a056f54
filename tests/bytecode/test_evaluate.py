"""Lines with their function and source line, every string told, and hostile code that ends."""

from __future__ import annotations

import base64
import json
import marshal
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot

from pitviper.bytecode.code import Code, Slice, Version, walk
from pitviper.bytecode.evaluate import evaluate
from pitviper.bytecode.marshal import load
from pitviper.bytecode.opcodes import table
from pitviper.bytecode.render import render

HERE = Version(*sys.version_info[:2])
NEW = Version(3, 11)


def kept() -> dict[Version, bytes]:
    """A module of many statements, marshalled by each version."""
    found = {}
    for path in (Path(__file__).parent / "fixtures").glob("*.json"):
        major, minor = map(int, path.stem.removeprefix("pypy").split("."))
        version = Version(major, minor, "pypy" if path.stem.startswith("pypy") else "cpython")
        found[version] = base64.b64decode(json.loads(path.read_text(encoding="ascii"))["marshal"])
    return found


KEPT = kept()


def code_of(source: str) -> Code:
    code = load(marshal.dumps(compile(source, "a.py", "exec", dont_inherit=True)), 0, HERE).value
    assert isinstance(code, Code)
    return code


def op(name: str, argument: int = 0) -> bytes:
    """An instruction of 3.11, with what must stand before and behind it."""
    rows = table(NEW).operations
    number = next(number for number, row in rows.items() if row[0] == name)
    before = b""
    for high in argument.to_bytes(4, "big").lstrip(b"\0")[:-1]:
        before += bytes((next(n for n, row in rows.items() if row[0] == "EXTENDED_ARG"), high))
    return before + bytes((number, argument & 0xFF)) + bytes(2 * rows[number][1])


def made(code: bytes, *consts: Any, version: Version = NEW) -> Code:
    names = ("a", "fromkeys" if "some-value" in consts else "append" if consts == ("x",) else "b")
    return Code(version, code=code, consts=consts, names=names, varnames=("x",), slots=("x",), name="f", argcount=1)


def test_lines_tell_function_and_source_line() -> None:
    lines = evaluate(code_of("A = 'one'\n\nclass B:\n    def c(self):\n        self.d = 'two'\n"))
    assert [(line.text, line.line, line.qualname) for line in lines if " = " in line.text and "_" not in line.text] == (
        snapshot([('A = "one"', 1, "<module>"), ('self.d = "two"', 5, "B.c")])
    )


def test_each_string_is_placed_on_its_own_line() -> None:
    rendering = render(code_of("connect(\n    host='first',\n    port=1,\n    token='second',\n)\n"))
    assert rendering.text == snapshot(b'connect(host="first", port=1, token="second")\n')
    assert rendering.at(rendering.text.index(b"first")) == (2, "<module>")
    assert rendering.at(rendering.text.index(b"second")) == (4, "<module>")


def test_marks_count_bytes() -> None:
    rendering = render(code_of("f('größe 🐍',\n  'second')\n"))
    assert rendering.at(rendering.text.index(b"second")) == (2, "<module>")


def test_a_long_display_is_told_in_pieces() -> None:
    source = "a = {" + ", ".join(f"'key{number}': b('{'v' * 90}{number}')" for number in range(2000)) + "}"
    lines = [line.text for line in evaluate(code_of(source))]
    assert f'"key1999": b("{"v" * 90}1999")' in lines
    assert max(map(len, lines)) < 1000


def test_what_is_known_is_no_longer_known_when_it_changes() -> None:
    text = render(code_of("a = 'x'\na = b()\nc = a + 'y'\n")).text.decode()
    assert 'c = a + "y"' in text


@pytest.mark.parametrize(
    "source",
    [
        "def p(x): return 'V1'\ndef f(p):\n    token = p('x')\n",
        "def p(): return 'V1'\np = q()\ntoken = p()\n",
        "def p(x):\n    if x: return 'V1'\n    return 'V2'\ntoken = p('x')\n",
        "def p(x): return p(x)\ntoken = p('V1')\n",
        "def p(x): return q(x)\ntoken = p('V1')\n",
        "class P:\n    a = 'V1'\nP = q()\ntoken = P.a\n",
    ],
)
def test_what_a_function_gives_is_told_only_if_it_is_known(source: str) -> None:
    assert 'token = "' not in render(code_of(source)).text.decode()


def test_a_table_is_no_list_of_few() -> None:
    items = [f"some-value-{number}" for number in range(9)]
    assert 'token = "' not in render(code_of(f"token = {items}\n")).text.decode()
    assert 'token = "some-value-0"' in render(code_of(f"token = {items[:8]}\n")).text.decode()


def test_a_short_string_implies_nothing() -> None:
    assert render(code_of("if a == 'r': f()\n")).text == snapshot(b'a == "r"\n')
    assert render(code_of("if a == 'two words here': f()\n")).text == snapshot(b'a == "two words here"\n')


@pytest.mark.parametrize("version", sorted(KEPT), ids=str)
def test_every_string_is_told(version: Version) -> None:
    code = load(KEPT[version], 0, version).value
    assert isinstance(code, Code)
    text = render(code).text.decode()
    names = {one.name for one, _ in walk(code)}
    for one, _ in walk(code):
        for value in one.consts:
            if isinstance(value, str) and value.rpartition(".")[2] not in names:
                assert value.replace("\0", "\\0") in text


BIG = "a" * 300_000
TUPLES: Any = ("x",)
for _ in range(60):
    TUPLES = (TUPLES,) * 9
MANY = 20_000

BOMBS = {
    "a string doubled": (
        op("LOAD_CONST") + op("STORE_NAME") + (op("LOAD_NAME") * 2 + op("BINARY_OP") + op("STORE_NAME")) * MANY,
        (BIG,),
    ),
    "an expression doubled": (
        op("LOAD_CONST") + op("LOAD_NAME") + op("BINARY_OP") + (op("COPY", 1) + op("BINARY_OP")) * MANY + op("POP_TOP"),
        ("x",),
    ),
    "a big string reversed": (
        (op("LOAD_CONST") + op("LOAD_CONST", 1) + op("BINARY_SUBSCR") + op("POP_TOP")) * MANY,
        (BIG, Slice(None, None, -1)),
    ),
    "tuples of tuples": ((op("LOAD_CONST") + op("STORE_NAME")) * MANY, (TUPLES,)),
    "tuples of tuples, unpacked": ((op("LOAD_CONST") + op("UNPACK_SEQUENCE", 9)) * MANY, (TUPLES,)),
    "a list in itself": (
        op("BUILD_LIST") + op("LOAD_CONST") + op("LIST_APPEND", 1) + op("COPY", 1) + op("LIST_APPEND", 1)
        + (op("COPY", 1) + op("STORE_NAME")) * MANY,
        ("x",),
    ),
    "nothing on the stack": ((op("BUILD_LIST", 60_000) + op("POP_TOP")) * MANY, ()),
    "a function called": (
        op("LOAD_CONST") + op("MAKE_FUNCTION") + op("STORE_NAME")
        + (op("PUSH_NULL") + op("LOAD_NAME") + op("LOAD_CONST", 1) + op("CALL", 1) + op("POP_TOP")) * MANY * 5,
        (made(op("LOAD_FAST") + op("RETURN_VALUE")), "x"),
    ),
    "a function that calls itself": (
        op("LOAD_CONST") + op("MAKE_FUNCTION") + op("STORE_NAME")
        + (op("PUSH_NULL") + op("LOAD_NAME") + op("LOAD_CONST", 1) + op("CALL", 1) + op("POP_TOP")) * MANY,
        (made((op("PUSH_NULL") + op("LOAD_NAME") + op("LOAD_CONST") + op("CALL", 1)) * 30, "y"), "x"),
    ),
    "keys and keys": (
        (op("PUSH_NULL") + op("LOAD_NAME") + op("LOAD_ATTR", 1) + op("LOAD_CONST") + op("LOAD_CONST", 1)
         + op("CALL", 2) + op("POP_TOP")) * MANY,
        (tuple(f"key{number}" for number in range(4096)), "some-value"),
    ),
    "a list that grows": (
        op("BUILD_LIST") + op("STORE_NAME")
        + (op("PUSH_NULL") + op("LOAD_NAME") + op("LOAD_ATTR", 1) + op("LOAD_NAME") + op("CALL", 1) + op("POP_TOP"))
        * MANY,
        ("x",),
    ),
    "a deep stack, copied": (op("LOAD_NAME") * 60_000 + (op("COPY", 1) + op("POP_JUMP_FORWARD_IF_TRUE", 9)) * MANY, ()),
    "a loop over many, again and again": ((op("LOAD_CONST") + op("FOR_ITER", 1)) * MANY, (tuple(range(4096)),)),
    "a padded template": ((op("LOAD_CONST") + op("LOAD_CONST", 1) + op("BINARY_OP", 6)) * MANY, ("%999d" * 9000, 3)),
    "an attribute of an attribute": (op("LOAD_CONST") + op("LOAD_ATTR") * MANY + op("POP_TOP"), ("x",)),
    "arguments without end": (op("EXTENDED_ARG", 255) * MANY + op("LOAD_CONST"), ("x",)),
    "jumps to nowhere": ((op("LOAD_NAME") + op("POP_JUMP_FORWARD_IF_TRUE", 0xFFFFFFFF)) * MANY, ()),
}  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_costs_little(bomb: str) -> None:
    code, consts = BOMBS[bomb]
    rendering = render(made(code, *consts))
    assert len(rendering.text) < 32 * 1024 * 1024


VERSIONS = [*KEPT, Version(3, 14), Version(3, 15), Version(3, 9, "pypy"), Version(3, 3)]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(VERSIONS), st.binary(max_size=300), st.binary(max_size=40), st.binary(max_size=20))
def test_any_bytes_are_evaluated(version: Version, code: bytes, lines: bytes, exceptions: bytes) -> None:
    inner = made(code[::-1], "inner", b"bytes", version=version)
    one = made(code, "text", ("a", b"b", ("c",)), inner, 7, None, version=version)
    one.lines, one.exceptions = lines, exceptions
    text = render(one).text
    assert b"text" in text
    assert b"inner" in text


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(KEPT)), st.data())
def test_honest_code_with_some_bytes_changed_is_evaluated(version: Version, data: st.DataObject) -> None:
    code = load(KEPT[version], 0, version).value
    assert isinstance(code, Code)
    for one, _ in walk(code):
        changed = bytearray(one.code)
        for _ in range(data.draw(st.integers(0, 3))):
            changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
        one.code = bytes(changed)
    assert render(code).text
