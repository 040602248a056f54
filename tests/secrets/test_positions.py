from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pitviper.model.blob import Memory, Span
from pitviper.secrets.positions import Positions

texts = st.text("ab\né\N{SNAKE}\ufeff", max_size=60)


def positions(text: bytes, *, base: int = 0, lines: int | None = 0, codec: str | None = None) -> Positions:
    span = Span(Memory("app.py"), 0, len(text), 0, len(text), base, lines, codec)
    return Positions(bytearray(text), span, binary=False)


@given(texts, st.lists(st.integers(0, 60)))
def test_as_if_counted_from_the_beginning(text: str, places: list[int]) -> None:
    counted = positions(text.encode())
    for place in sorted(min(place, len(text)) for place in places):
        before = text[:place]
        line = before.split("\n")[-1]
        expected = before.count("\n") + 1, len(line.lstrip("\ufeff")) + 1, len(before.encode())
        assert counted.of(len(before.encode())) == expected


@given(texts, st.lists(st.integers(0, 60)))
def test_offset_in_utf16(text: str, places: list[int]) -> None:
    counted = positions(text.encode(), codec="utf-16-le")
    for place in sorted(min(place, len(text)) for place in places):
        assert counted.of(len(text[:place].encode()))[2] == len(text[:place].encode("utf-16-le"))


def test_window_that_begins_in_a_line() -> None:
    counted = positions(b"ab\ncd ef", base=1000, lines=3)
    assert counted.of(1) == (4, None, 1001)
    assert counted.of(3) == (5, 1, 1003)
    assert counted.of(6) == (5, 4, 1006)


def test_window_of_data_without_lines() -> None:
    counted = positions(b"ab\ncd", base=1000, lines=None)
    assert counted.of(4) == (None, 2, 1004)


def test_any_bytes() -> None:
    assert positions(b"\xff\xfe\n\xc3k").of(4) == (2, 2, 4)


def test_binary() -> None:
    data = bytearray(b"..\n\0\nkey")
    counted = Positions(data, Span(Memory("app.so"), 2, 8, 2, 8, base=100), binary=True)
    assert counted.of(5) == (None, None, 103)
