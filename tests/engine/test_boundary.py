from __future__ import annotations

import marshal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pitviper.engine import boundary
from pitviper.model.blob import Memory, Span

WORD = boundary.members("0-9A-Za-z_")
TOKEN = b"tok_" + b"Q7" * 18  # 40 bytes, as many as "(" says


def span(data: bytes | bytearray, start: int = 0, end: int | None = None) -> Span:
    high = len(data) if end is None else end
    return Span(Memory("a"), start, high, start, high)


def framed(before: bytes, after: bytes) -> tuple[bytearray, Span, int, int]:
    data = before + TOKEN + after
    return bytearray(data), span(data), len(before), len(before) + len(TOKEN)


class TestMembers:
    @pytest.mark.parametrize(
        ("inside", "wanted"),
        [
            ("", b""),
            ("a-c", b"abc"),
            ("0-9A-Za-z_", b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"),
            ("+/=-", b"+-/="),
            (r"\w", b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"),
        ],
    )
    def test_bytes_of_the_class(self, inside: str, wanted: bytes) -> None:
        assert boundary.members(inside) == frozenset(wanted)


class TestText:
    @pytest.mark.parametrize(
        ("before", "after"),
        [
            (b"", b""),
            (b" ", b" "),
            (b"'", b"'"),
            (b"=", b"\n"),
            (b"-", b"-"),
            (b"\\n", b"\\n"),
            (b"\\t", b""),
            (b"\\r\\n", b""),
            (b"\\0", b""),
            (b"\\x1b", b""),
            (b"\\u001b", b""),
            (b"\\033", b""),
            (b"%3D", b"%20"),
            (b"%20", b"&"),
            (b"\x1b[31m", b"\x1b[0m"),
            (b"\x1b[0;1;38;5;9m", b""),
            (b"\x1b[m", b""),
            ("größe→".encode(), "é".encode()),
            (b"\xff", b"\xff"),
            (b"\0", b"\0"),
        ],
    )
    def test_free(self, before: bytes, after: bytes) -> None:
        assert boundary.in_text(*framed(before, after), WORD)

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            (b"a", b""),
            (b"Z", b""),
            (b"_", b""),
            (b"0", b""),
            (b"", b"a"),
            (b"", b"_"),
            (b"", b"9"),
            (b"a", b"a"),
            (b" ", b"a"),
            (b"\\n", b"a"),
            (b"%3", b""),
            (b"%3g", b""),
            (b"3D", b""),
            (b"\\q", b""),
            (b"\\x1", b""),
            (b"\\u001", b""),
            (b"31m", b""),
            (b"[31m", b""),
            (b"\x1b[31", b""),
            (b"\x1b[31;aam", b""),
        ],
    )
    def test_touched(self, before: bytes, after: bytes) -> None:
        assert not boundary.in_text(*framed(before, after), WORD)

    def test_what_lies_beyond_the_span_does_not_touch(self) -> None:
        data = b"abc" + TOKEN + b"def"
        inside = span(data, 3, 3 + len(TOKEN))
        assert boundary.in_text(bytearray(data), inside, inside.start, inside.end, WORD)

    def test_no_escape_begins_beyond_the_span(self) -> None:
        data = b"\\n" + TOKEN
        assert boundary.in_text(bytearray(data), span(data), 2, len(data), WORD)
        assert not boundary.in_text(bytearray(data), span(data, 1), 2, len(data), WORD)

    @pytest.mark.parametrize(("touching", "free"), [("", True), ("a-z", False), ("-", True)])
    def test_each_rule_has_its_own_class(self, touching: str, *, free: bool) -> None:
        assert boundary.in_text(*framed(b"a", b"a"), boundary.members(touching)) is free


class TestBinary:
    @pytest.mark.parametrize(
        ("before", "after"),
        [
            (b"", b""),
            (b"\0", b"\0"),
            (b"\0u", b"\0"),  # Nuitka: a type letter
            (b"\0a", b"\0u"),
            (b"\0\x28", b"\x05hello"),  # mypyc: a length on either side
            (b"other\x28", b"\x05hello"),
            (b"\0\x28", b"Atoken"),  # behind its length, whatever follows
            (b"\x7fELF\0\0", b"s\0\0"),  # one stray byte behind
            (b"key=", b"\0"),
            (b"'", b"'"),
            (b"", b"z"),
        ],
    )
    def test_free(self, before: bytes, after: bytes) -> None:
        assert boundary.in_binary(*framed(before, after), WORD)

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            (b"\0abc", b"\0"),
            (b"\0\0ab", b"\0"),
            (b"\0", b"ab\0"),
            (b"\0u", b"ab\0"),
            (b"hello_", b"\0"),
        ],
    )
    def test_touched(self, before: bytes, after: bytes) -> None:
        assert not boundary.in_binary(*framed(before, after), WORD)

    def test_a_letter_is_a_length_if_so_many_bytes_of_text_follow(self) -> None:
        text = TOKEN + b" and so on, until there are as many as the letter says"
        whole = b"b" + text[: ord("b")].ljust(ord("b"))
        data = bytearray(b"xx" + whole + b"\0")
        assert boundary.in_binary(data, span(data), 3, 3 + len(TOKEN), WORD)
        data[60] = 1  # not a string any more
        assert not boundary.in_binary(data, span(data), 3, 3 + len(TOKEN), WORD)


class TestBytecode:
    @pytest.mark.parametrize(
        ("data", "wanted"),
        [
            (b"\xa7\r\r\n\0\0\0\0", True),
            (b"\x03\xf3\r\n", True),  # 2.7
            (b"\xa7\r\n\r", False),
            (bytes(16) + b"\xe3" + bytes(12), True),  # its magic number was wiped
            (bytes(8) + b"c" + bytes(12), True),
            (b"\xe3" + bytes(12), True),
            (bytes(15) + b"\xe3" + bytes(12), False),
            (b"\xe3\0\0\0\x01", False),
            (b"\r\n", False),
            (b"", False),
        ],
    )
    def test_is_bytecode(self, data: bytes, *, wanted: bool) -> None:
        assert boundary.is_bytecode(bytearray(data), span(data)) is wanted

    def test_a_later_window_is_none(self) -> None:
        data = bytearray(b"\xa7\r\r\n\0\0\0\0")
        later = span(data)
        later.base = 4096
        assert not boundary.is_bytecode(data, later)

    def test_in_a_shared_buffer_the_span_counts(self) -> None:
        data = bytearray(b"xx\r\nxx\xa7\r\r\n")
        assert boundary.is_bytecode(data, span(data, 6))
        assert not boundary.is_bytecode(data, span(data, 4))


TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs"], include_characters="\t\n\r"), max_size=300)
LONG = st.builds(lambda text, times: text * times, TEXTS, st.sampled_from([1, 40, 4000]))
CONSTANTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=4).map(tuple),
    max_leaves=6,
)


class TestMarshalled:
    @given(LONG, LONG, CONSTANTS, CONSTANTS)
    @example("", "", None, None)
    @example("x" * (255 - 40), "", None, None)
    @example("x" * (256 - 40), "", None, None)
    @example("", "x" * 65_536, None, None)
    @example("é", "", None, None)
    @example("", "", "zzzz", 0x7A7A)
    def test_finds_the_string_around_a_token(self, before: str, after: str, left: Any, right: Any) -> None:
        text = before + TOKEN.decode() + after
        data = bytearray(bytes(16) + marshal.dumps((left, text, right)))
        whole = text.encode()
        low = data.index(whole)
        start = low + len(before.encode())
        found = boundary.marshalled(data, span(data), start)
        if not before or whole.find(TOKEN) == len(before.encode()):
            assert (low, low + len(whole)) in [(string.start, string.end) for string in found]

    @given(st.binary(max_size=400), st.tuples(st.integers(0, 400), st.integers(0, 400), st.integers(0, 400)))
    def test_strings_hold_the_position_and_stay_in_the_span(self, data: bytes, edges: tuple[int, int, int]) -> None:
        low, start, high = sorted(min(edge, len(data)) for edge in edges)
        strings = boundary.marshalled(bytearray(data), span(data, low, high), start)
        assert all(low < string.start <= start < string.end <= high for string in strings)
        assert [string.end for string in strings] == sorted((string.end for string in strings), reverse=True)

    @pytest.mark.parametrize(
        "data",
        [
            b"z\x28" + TOKEN[:-1] + b"\x01",  # control characters are in no text
            b"z\x29" + TOKEN,  # reaches beyond the end
            b"q\x28" + TOKEN,  # no type of a string
            b"s\x28\0\0\x01" + TOKEN,  # 16 MiB and more
            b"\x28\0\0\0" + TOKEN,  # no room for a type
        ],
    )
    def test_no_string(self, data: bytes) -> None:
        assert boundary.marshalled(bytearray(data), span(data), data.index(TOKEN[:8])) == []

    @pytest.mark.parametrize("kind", [b"z", b"Z", b"\xfa", b"\xda"])
    def test_short(self, kind: bytes) -> None:
        data = kind + b"\x28" + TOKEN
        (string,) = boundary.marshalled(bytearray(data), span(data), 2)
        assert (string.start, string.end) == (2, 42)

    @pytest.mark.parametrize("kind", [b"a", b"A", b"s", b"u", b"t", b"\xe1", b"\xf3"])
    def test_long(self, kind: bytes) -> None:
        data = kind + b"\x28\0\0\0" + TOKEN
        (string,) = boundary.marshalled(bytearray(data), span(data), 5)
        assert (string.start, string.end) == (5, 45)

    def test_two_readings_the_longer_first(self) -> None:
        data = b"z\x2cxz\x28" + TOKEN + b"?"
        strings = boundary.marshalled(bytearray(data), span(data), 5)
        assert [(string.start, string.end) for string in strings] == [(2, 46), (5, 45)]

    def test_a_length_that_looks_like_the_start_of_the_token(self) -> None:
        data = bytearray(b"z" + b"t" + b"ext" * 40)
        assert boundary.begins_at_length(data, span(data), 1)
        assert not boundary.begins_at_length(data, span(data), 0)
        assert not boundary.begins_at_length(data, span(data), 2)
        assert not boundary.begins_at_length(data, span(data, 1), 1)
        assert not boundary.begins_at_length(data[:60], span(data[:60]), 1)
