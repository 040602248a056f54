"""Pickles of all protocols, honest and not."""

from __future__ import annotations

import io
import os
import pickle
import pickletools
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitviper.engine.data import Memory
from pitviper.look import Outcome
from pitviper.model.finding import Kind
from pitviper.model.gap import Gap, Reason
from pitviper.unpack import pickle_machine, pickled
from pitviper.unpack.interface import HEAD

Opener = Callable[..., tuple[dict[str, bytes], list[Gap]]]
PICKLE, ARRAY = pickled.FORMATS
PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


class Command:
    """Runs a command when it is loaded."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("echo loaded",)


class Settings:
    def __init__(self, secret: str) -> None:
        self.secret = secret


def lines(found: dict[str, bytes]) -> list[str]:
    return found["x!/(strings)"].decode().split("\n")[:-1]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_strings_and_pairs(opened: Opener, protocol: int) -> None:
    thing = [
        {"password": "key one", "n": 1, "deep": {"token": "é ü \\ ' \n two"}},
        ("alone", b"bytes", bytearray(b"more")),
        OrderedDict(user="ann"),
        Settings("of it"),
    ]
    content = pickle.dumps(thing, protocol)
    assert pickled.begins(content[:HEAD], b"")
    found, gaps = opened(PICKLE, content)
    assert not gaps
    told = "\n".join(lines(found))
    for line in ('password = "key one"', "token = é ü \\ ' \n two", "alone", "bytes", "more", 'secret = "of it"'):
        assert f"\n{line}\n" in f"\n{told}\n"
    assert 'user = "ann"' in told
    assert "pickle imports\tcollections.OrderedDict" in told
    assert "x" not in found


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_runs_code_is_told(scanned: Callable[[str, bytes], Outcome], protocol: int) -> None:
    outcome = scanned("model.pkl", pickle.dumps({"weights": [1.5] * 10, "run": Command()}, protocol))
    (finding,) = outcome.findings
    assert (finding.rule, finding.kind, finding.secret) == ("pickle-executes", Kind.BEHAVIOUR, None)
    assert [one.text for one in finding.evidence] == [f"{os.name}.system"]
    assert finding.place.path == "model.pkl!/(strings)"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"cos\nsystem\n(S'echo'\ntR.", "os.system"),
        (b"(S'echo'\nios\nsystem\n.", "os.system"),
        (b"(cos\nsystem\nS'echo'\no.", "os.system"),
        (b"\x80\x02cbuiltins\nexec\nq\0X\1\0\0\0a\x85\x81.", "builtins.exec"),
        (b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x93\x94\x8c\x02ls\x85R.", "os.system"),
        (b"\x80\x04\x8c\x06system\x94\x8c\x02os\x94h\x00\x93\x8c\x02ls\x85R.", "os.system"),
        (b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\xff\x8c\x02os\x8c\x06system\x93.", "os.system"),
        (b"\x80\x04N.\x80\x04\x8c\x05runpy\x8c\x09_run_code\x93.", "runpy._run_code"),
    ],
)
def test_every_way_to_import(opened: Opener, content: bytes, expected: str) -> None:
    assert f"pickle imports\t{expected}" in lines(opened(PICKLE, content)[0])
    assert pickled.begins(content, b"") or content.startswith(b"(S")


def test_imports_have_an_offset() -> None:
    content = pickle.dumps(Command(), 2)
    (one,) = pickle_machine.imports(Memory(content))
    assert (one.module, one.name) == (os.name, "system")
    assert content[: one.offset].endswith(b"system\n")


def test_bytes_that_are_no_text_are_members(opened: Opener) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a.txt", "in a zip in a pickle")
    found, gaps = opened(PICKLE, pickle.dumps({"zip": inner.getvalue(), "noise": bytes(range(256)) * 5000}, 4))
    assert not gaps
    assert b"in a zip in a pickle" in found.values()
    assert bytes(range(256)) * 5000 in found.values()


def joblib(dtype: str, shape: tuple[int, ...], array: bytes, *, aligned: bool) -> bytes:
    """As joblib writes an array: an object with its form, the array itself, and what follows."""

    class numpy_dtype:  # noqa: N801 - a stand-in
        def __init__(self, code: str, *_: object) -> None:
            self.code = code

        def __reduce__(self) -> tuple[type[numpy_dtype], tuple[str, bool, bool]]:
            return numpy_dtype, (self.code, False, True)

    state: dict[str, object] = {"shape": shape, "order": "C", "allow_mmap": True}
    if aligned:
        state["numpy_array_alignment_bytes"] = 16
    item = b"\x8c\x05numpy\x8c\x05dtype\x93\x8c" + bytes((len(dtype),)) + dtype.encode() + b"\x89\x88\x87R"
    body = pickle.dumps(state, 4)
    inside = body[body.index(b"}") : -1].removesuffix(b"u") + b"\x8c\x05dtype" + item + b"u"
    padding = b"\3\xff\xff\xff" if aligned else b""
    wrapper = b"\x8c\x13joblib.numpy_pickle\x8c\x11NumpyArrayWrapper\x93)\x81" + inside + b"b"
    return b"\x80\x04]\x94" + wrapper + padding + array + b"a\x8c\x06behinda."


@pytest.mark.parametrize("aligned", [False, True])
def test_arrays_between_instructions(opened: Opener, *, aligned: bool) -> None:
    array = bytes(range(240))
    found, gaps = opened(PICKLE, joblib("f8", (3, 10), array, aligned=aligned))
    assert not gaps
    assert array in found.values()
    assert lines(found)[-1] == "behind"
    objects = pickle.dumps(["in an array"], 2)
    found, gaps = opened(PICKLE, joblib("O8", (1,), objects, aligned=False))
    assert not gaps
    assert lines(found)[-2:] == ["in an array", "behind"]


def test_arrays_of_numpy(opened: Opener) -> None:
    def array(descr: bytes, content: bytes) -> bytes:
        head = b"{'descr': %b, 'fortran_order': False, 'shape': (2,), }\n" % descr
        return b"\x93NUMPY\2\0" + struct.pack("<I", len(head)) + head + content

    found, _ = opened(ARRAY, array(b"'|O'", pickle.dumps([{"a": "b"}], 3)))
    assert lines(found) == ['a = "b"']
    numbers = array(b"'<f8'", bytes(16))
    assert opened(ARRAY, numbers)[0] == {"x": numbers}


def test_a_checkpoint_of_torch(scanned: Callable[[str, bytes], Outcome], token: Callable[[str], str]) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"hub": token("torch")}, 2))
        archive.writestr("archive/data/0", bytes(1000))
    (finding,) = scanned("m.pt", out.getvalue()).findings
    assert finding.place.path == "m.pt!/archive/data.pkl!/(strings)"


@pytest.mark.parametrize(
    "content",
    [b"", b"c", b"class Foo:\n    pass\n", b"collections\nlist\n", b"(a, b)\n", b"}q\n", b"\x80\x02", b"\x80\x04 text"],
)
def test_what_is_no_pickle(content: bytes) -> None:
    assert not pickled.begins(content, b"")


def test_lengths_that_lie(opened: Opener) -> None:
    for content in (
        b"\x80\x04\x8d" + b"\xff" * 8 + b"abc",
        b"\x80\x04\x8e" + b"\xff\xff\xff\x7f" + bytes(4) + b"abc",
        b"\x80\x02X\xff\xff\xff\xffabc",
        b"\x80\x02T\xff\xff\xff\x7fabc",
    ):
        found, gaps = opened(PICKLE, content)
        assert [gap.reason for gap in gaps] == [Reason.DAMAGED]
        assert found["x"].endswith(b"abc")


def test_a_bomb_of_references_is_small(opened: Opener) -> None:
    """A list of ten times the one before it, and so on: it would have 10^50 items."""
    content = b"\x80\x02(X\3\0\0\0lolq\0"
    for number in range(50):
        content += b"(" + b"h" + bytes((number,)) + (b"h" + bytes((number,))) * 9 + b"tq" + bytes((number + 1,))
    found, gaps = opened(PICKLE, content + b"t.")
    assert not gaps
    assert lines(found) == ["lol"]


def test_deep_things_are_no_problem(opened: Opener) -> None:
    for content in (b"\x80\x02N" + b"\x85" * 500_000 + b".", b"\x80\x02" + b"}" * 500_000 + b"(" * 500_000 + b"."):
        assert not opened(PICKLE, content)[1]


def test_too_much_is_told(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickle_machine, "_MOST", 100)
    found, gaps = opened(PICKLE, b"\x80\x02" + b"N0" * 100 + b"behind.")
    assert [gap.reason for gap in gaps] == [Reason.OVER_BUDGET]
    assert found["x"].endswith(b"behind.")


def test_a_long_text_is_told_in_parts(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickle_machine, "_FULL", 1000)
    monkeypatch.setattr(pickle_machine, "_MOST_KEPT", 5000)
    strings = [f"string number {number}" for number in range(1000)]
    found, _ = opened(PICKLE, pickle.dumps(strings, 4))
    assert lines(found) == strings


SAMPLES = [pickle.dumps({"a": ["b", b"c" * 100, 1.5, Settings("x"), {"d": None}]}, one) for one in PROTOCOLS]
THINGS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text("abcé \\'\"\n") | st.binary(max_size=40),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner) | st.tuples(inner, inner),
    max_leaves=20,
)


@given(THINGS, st.sampled_from(PROTOCOLS))
def test_every_string_is_told(opened: Opener, thing: object, protocol: int) -> None:
    content = pickle.dumps(thing, protocol)
    found, gaps = opened(PICKLE, content)
    assert not gaps
    told = found.get("x!/(strings)", b"").decode("utf-8", "replace")
    for code, argument, _ in pickletools.genops(content):
        if "UNICODE" in code.name:
            assert str(argument) in told


@pytest.mark.parametrize("content", SAMPLES)
def test_half_a_pickle(opened: Opener, cuts: Callable[[bytes], Iterator[bytes]], content: bytes) -> None:
    for part in cuts(content):
        opened(PICKLE, part)
        pickled.begins(part[:HEAD], b"")


@given(st.sampled_from(SAMPLES), st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=12))
def test_flipped_bytes(opened: Opener, content: bytes, changes: list[tuple[int, int]]) -> None:
    changed = bytearray(content)
    for place, value in changes:
        changed[place % len(changed)] = value
    opened(PICKLE, bytes(changed))


@given(st.lists(st.sampled_from([bytes((code,)) for code in range(256)] + [b"\1\0\0\0a", b"a\nb\n", b"1\n"])))
def test_any_instructions(opened: Opener, pieces: list[bytes]) -> None:
    opened(PICKLE, b"\x80\x04" + b"".join(pieces))
