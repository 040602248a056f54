from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitviper.model.place import escape

BIDIRECTIONAL = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


class TestEscape:
    @pytest.mark.parametrize(
        ("name", "wanted"),
        [
            ("", ""),
            ("src/a.py", "src/a.py"),
            ("größe 蛇 🐍", "größe 蛇 🐍"),
            ("a b", "a b"),
            ("a\nb", "a\\nb"),
            ("a\r\tb", "a\\r\\tb"),
            ("\x1b[2J\x07", "\\x1b[2J\\x07"),
            ("\x9b2J", "\\x9b2J"),
            ("\0\x7f", "\\x00\\x7f"),
            ("cod\u202egpj.exe", "cod\\u202egpj.exe"),
            ("\u2028\u2029", "\\u2028\\u2029"),
            ("a\u00a0b\u200b", "a\\xa0b\\u200b"),
            ("\ufeff", "\\ufeff"),
            ("\U000e0041", "\\U000e0041"),
            (os.fsdecode(b"caf\xe9"), "caf\\xe9"),
            (os.fsdecode(b"\x80\xff"), "\\x80\\xff"),
            ("\ud800\udfff", "\\ud800\\udfff"),
        ],
    )
    def test_what_does_not_print_is_made_visible(self, name: str, wanted: str) -> None:
        assert escape(name) == wanted

    @given(st.text(st.characters(codec=None)) | st.text(BIDIRECTIONAL + "a\n\x1b\u200b\udcff"))
    def test_the_result_prints_and_is_stable(self, name: str) -> None:
        shown = escape(name)
        assert shown.isprintable()
        assert escape(shown) == shown
        assert shown.encode().decode() == shown
        if name.isprintable():
            assert shown == name

    @given(st.binary(max_size=40))
    def test_any_bytes_are_a_name(self, name: bytes) -> None:
        shown = escape(os.fsdecode(name))
        assert shown.isprintable()
        assert (shown == os.fsdecode(name)) is os.fsdecode(name).isprintable()
