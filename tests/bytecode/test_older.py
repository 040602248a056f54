"""3.0 to 3.5, which are not at hand: code put together by hand, as CPython's Python/compile.c of each would."""

from __future__ import annotations

from typing import Any

import pytest

from pitviper.bytecode.code import Code, Version
from pitviper.bytecode.opcodes import table
from pitviper.bytecode.render import render

OLDER = [Version(3, minor) for minor in range(6)]


def rendered(version: Version, *instructions: tuple[str, int] | str, **fields: Any) -> list[str]:
    """The lines of instructions with one byte, or three where they have an argument."""
    known = table(version)
    numbers = {row[0]: number for number, row in known.operations.items()}
    code = b""
    for one in instructions:
        name, argument = (one, 0) if isinstance(one, str) else one
        code += bytes((numbers[name],))
        if numbers[name] >= known.have_argument:
            code += argument.to_bytes(2, "little")
    return render(Code(version, code=code, name="<module>", **fields)).text.decode().splitlines()


def function(version: Version, *names: str) -> Code:
    return Code(version, argcount=len(names), varnames=names, name="f", code=b"")


def made(version: Version, code: int, name: int) -> list[tuple[str, int]]:
    """The code of a function, and since 3.3 its qualified name."""
    return [("LOAD_CONST", code), *([("LOAD_CONST", name)] if version >= Version(3, 3) else [])]


@pytest.mark.parametrize("version", OLDER, ids=str)
def test_calls(version: Version) -> None:
    keyword = [("LOAD_CONST", 0), ("LOAD_CONST", 1)]
    fields = {"names": ("f", "a", "b"), "consts": ("token", "V1")}
    assert rendered(version, ("LOAD_NAME", 0), *keyword, ("CALL_FUNCTION", 1 << 8), "POP_TOP", **fields) == (
        ['f(token="V1")']
    )
    star = [("LOAD_NAME", 1)]
    order = [*keyword, *star] if version < Version(3, 5) else [*star, *keyword]
    assert rendered(version, ("LOAD_NAME", 0), *order, ("CALL_FUNCTION_VAR", 1 << 8), "POP_TOP", **fields) == (
        ['f(*a, token="V1")']
    )
    order = [*order, ("LOAD_NAME", 2)]
    assert rendered(version, ("LOAD_NAME", 0), *order, ("CALL_FUNCTION_VAR_KW", 1 << 8), "POP_TOP", **fields) == (
        ['f(*a, token="V1", **b)']
    )


@pytest.mark.parametrize("version", OLDER, ids=str)
def test_defaults(version: Version) -> None:
    consts = ("V1", "key", "V2", function(version, "a", "token"), "f")
    positional, named = [("LOAD_CONST", 0)], [("LOAD_CONST", 1), ("LOAD_CONST", 2)]
    order = [*named, *positional] if version < Version(3, 4) else [*positional, *named]
    instructions = [*order, *made(version, 3, 4), ("MAKE_FUNCTION", 1 << 8 | 1), ("STORE_NAME", 0)]
    assert rendered(version, *instructions, names=("f",), consts=consts)[:2] == (
        ['def f(token="V1"): ...', 'def f(key="V2"): ...']
    )


@pytest.mark.parametrize("version", OLDER, ids=str)
def test_a_closure(version: Version) -> None:
    consts = ("V1", function(version, "token"), "f")
    cells = [("LOAD_CLOSURE", 0), ("BUILD_TUPLE", 1)]
    instructions = [("LOAD_CONST", 0), *cells, *made(version, 1, 2), ("MAKE_CLOSURE", 1), ("STORE_NAME", 0)]
    assert rendered(version, *instructions, names=("f",), consts=consts, cellvars=("x",))[0] == 'def f(token="V1"): ...'


@pytest.mark.parametrize("version", OLDER, ids=str)
def test_a_dict(version: Version) -> None:
    items = [("LOAD_CONST", 1), ("LOAD_CONST", 0)]  # the value first, until 3.5
    display: list[Any] = [("BUILD_MAP", 1), *items, "STORE_MAP"]
    if version >= Version(3, 5):
        display = [*items[::-1], ("BUILD_MAP", 1)]
    assert rendered(version, *display, ("STORE_NAME", 0), names=("a",), consts=("token", "V1")) == [
        'a = {"token": "V1"}'
    ]


@pytest.mark.parametrize("version", OLDER, ids=str)
def test_a_condition(version: Version) -> None:
    """`a or "V1"`, which 3.0 keeps on the stack with a jump that drops nothing."""
    before = [("LOAD_NAME", 0)]
    jump: list[Any] = [("JUMP_IF_TRUE_OR_POP", 9)]
    if version < Version(3, 1):
        jump = [("JUMP_IF_TRUE", 4), "POP_TOP"]
    assert rendered(
        version, *before, *jump, ("LOAD_CONST", 0), ("STORE_NAME", 1), names=("a", "b"), consts=("V1",)
    ) == (['b = "V1"'])


@pytest.mark.parametrize("version", OLDER, ids=str)
def test_a_comprehension(version: Version) -> None:
    """Each item is told, whether the list is told by its depth or lies on top."""
    items: list[Any] = [("BUILD_LIST", 0), ("LOAD_CONST", 0), ("LIST_APPEND", 1), ("STORE_NAME", 0)]
    wanted = ['a = ["some-value"]', 'a = "some-value"']
    if version < Version(3, 1):
        items = [("BUILD_LIST", 0), "DUP_TOP", ("LOAD_CONST", 0), "LIST_APPEND", ("STORE_NAME", 0)]
    assert rendered(version, *items, names=("a",), consts=("some-value",)) == wanted


def test_an_argument_of_many_bits() -> None:
    for version in OLDER:
        consts = (*(None,) * 70_000, "V1")
        code = [("EXTENDED_ARG", 70_000 >> 16), ("LOAD_CONST", 70_000 & 0xFFFF), ("STORE_NAME", 0)]
        assert rendered(version, *code, names=("token",), consts=consts) == ['token = "V1"']


def test_what_a_version_has_not() -> None:
    for version, names in (
        (Version(3, 5), {"FORMAT_VALUE", "BUILD_CONST_KEY_MAP", "CALL_FUNCTION_EX"}),
        (Version(3, 4), {"GET_AWAITABLE", "BUILD_MAP_UNPACK"}),
        (Version(3, 3), {"LOAD_CLASSDEREF"}),
        (Version(3, 2), {"YIELD_FROM"}),
        (Version(3, 1), {"SETUP_WITH", "DUP_TOP_TWO"}),
        (Version(3, 0), {"MAP_ADD", "POP_JUMP_IF_TRUE"}),
    ):
        assert names.isdisjoint(row[0] for row in table(version).operations.values())
