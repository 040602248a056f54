from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitviper.engine import text
from pitviper.model.blob import Memory, Span

ENGLISH = "token = 'x'\nand some more text\n"


def span(data: bytes, start: int = 0) -> Span:
    return Span(Memory("a"), start, len(data), start, len(data))


class TestBinary:
    @pytest.mark.parametrize(
        ("data", "wanted"),
        [
            (b"", False),
            (b"text\n", False),
            ("größe".encode(), False),
            ("größe".encode("latin-1"), False),
            (b"\x1b[31m\x07\x01", False),
            (b"\0", True),
            (b"text\0", True),
            (b"x" * 8191 + b"\0", True),
            (b"x" * 8192 + b"\0", False),
        ],
    )
    def test_a_nul_in_the_first_8_kib(self, data: bytes, *, wanted: bool) -> None:
        assert text.is_binary(bytearray(data), span(data)) is wanted

    def test_neighbours_in_the_buffer_do_not_count(self) -> None:
        data = bytearray(b"\0a\0")
        assert not text.is_binary(data, Span(Memory("a"), 1, 2, 1, 2))


class TestUtf16:
    @pytest.mark.parametrize(
        ("data", "wanted"),
        [
            (codecs.BOM_UTF16_LE + ENGLISH.encode("utf-16-le"), "utf-16-le"),
            (codecs.BOM_UTF16_BE + ENGLISH.encode("utf-16-be"), "utf-16-be"),
            (ENGLISH.encode("utf-16-le"), "utf-16-le"),
            (ENGLISH.encode("utf-16-be"), "utf-16-be"),
            (codecs.BOM_UTF16_LE + "蛇の毒".encode("utf-16-le"), "utf-16-le"),
            (codecs.BOM_UTF16_LE, "utf-16-le"),
            (("größe → " + ENGLISH).encode("utf-16-le"), "utf-16-le"),
            ("蛇の毒蛇の毒蛇の毒".encode("utf-16-le"), None),
            (codecs.BOM_UTF32_LE + ENGLISH.encode("utf-32-le"), "utf-32-le"),
            (codecs.BOM_UTF32_BE + ENGLISH.encode("utf-32-be"), "utf-32-be"),
            (ENGLISH.encode("utf-32-le"), None),
            (ENGLISH.encode(), None),
            (bytes(300), None),
            ("short".encode("utf-16-le"), None),
            (b"\xff", None),
            (b"", None),
        ],
    )
    def test_codec(self, data: bytes, wanted: str | None) -> None:
        assert text.wide(bytearray(data), 0, len(data)) == wanted
        shared = bytearray(b"\0\0" + data + ENGLISH.encode("utf-16-le"))
        assert text.wide(shared, 2, 2 + len(data)) == wanted


class TestDecoded:
    @given(
        st.text(max_size=40),
        st.text(max_size=40),
        st.text(max_size=40),
        st.sampled_from(["utf-16-le", "utf-16-be"]),
        st.integers(0, 5),
    )
    def test_positions_lead_back(self, before: str, own: str, after: str, codec: str, base: int) -> None:
        pieces = [piece.encode("utf-16-le", "replace") for piece in (before, own, after)]
        data = bytearray(b"\0" + b"".join(piece.decode("utf-16-le").encode(codec) for piece in pieces))
        first = 1 + len(pieces[0])
        window = Span(Memory("a"), 1, len(data), first, first + len(pieces[1]), base * 2, 7)
        view, decoded = text.decoded(data, window, codec)
        assert bytes(view).decode() == bytes(data[1:]).decode(codec)
        assert bytes(view[decoded.first : decoded.last]).decode() == pieces[1].decode("utf-16-le")
        assert (decoded.start, decoded.end, decoded.base, decoded.lines) == (0, len(view), base * 2, 7)
        assert decoded.offset(view, decoded.first) == base * 2 + len(pieces[0])
        assert decoded.offset(view, decoded.last) == base * 2 + len(pieces[0]) + len(pieces[1])

    @given(st.binary(max_size=60), st.sampled_from(["utf-16-le", "utf-16-be"]))
    def test_never_raises(self, data: bytes, codec: str) -> None:
        view, decoded = text.decoded(bytearray(data), span(data), codec)
        assert view.decode() == data.decode(codec, "replace")
        assert decoded.end == len(view)


@given(st.binary(max_size=400), st.integers(0, 10))
def test_no_bytes_raise(data: bytes, start: int) -> None:
    buffer = bytearray(data)
    start = min(start, len(data))
    assert text.wide(buffer, start, len(data)) in (None, "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
    assert text.is_binary(buffer, span(data, start)) is (0 in data[start:])
    assert text.wide(buffer, start, len(data)) is None or text.may_be_wide(buffer, span(data, start))
