"""HTML documents."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitviper.look import Outcome
from pitviper.model.gap import Gap, Reason
from pitviper.unpack import html
from pitviper.unpack.table import recognise

Opener = Callable[..., tuple[dict[str, bytes], list[Gap]]]

START = b"<!DOCTYPE html>\n"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"<p>abcd&#43;efgh&#x3D;</p>", b" abcd+efgh= "),
        (b"<a href='x?sig=1&amp;se=2'>text</a>", b"text <a href='x?sig=1&se=2'>"),
        (b"?sig=12345678&amp;se=12", b"?sig=12345678&se=12"),
        (b"<b>ghp_</b><i>12345678</i>", b"ghp_12345678"),
        (b"<p>a</p><code><span>ghp_</span><span>12345678</span></code>", b" a ghp_12345678"),
        (b"<td>a&amp;b=12345678</td><td>12345678</td>", b" a&b=12345678  12345678 "),
        (b"ghp_1234<!-- x -->5678", b"ghp_12345678"),
        (b"ghp_1234&shy;5678<wbr>90", b"ghp_1234567890"),
        (b'<span class="n">password</span> <span>=</span> <span>&quot;abc&quot;</span>', b'password = "abc"'),
        (b"<p>only ordinary words stand here</p>", b""),
        (b"<p>&quot;just_quoted_word&quot;, &lt;another_one&gt;</p>", b""),
        (b"nothing at all", b""),
        (b"a < b && c > d", b""),
    ],
)
def test_lines_that_read_otherwise(opened: Opener, line: bytes, text: bytes) -> None:
    found, gaps = opened(html.FORMAT, START + line + b"\n</html>")
    assert not gaps
    assert found["x"] == START + line + b"\n</html>"
    assert found["x!/text"] == b"\n" + text + b"\n\n"


@pytest.mark.parametrize("content", [START, b"<html>", b"<!-- x -->\n<HTML lang=de>", b"<!doctype HTML PUBLIC>"])
def test_is_recognised(content: bytes) -> None:
    content += b" " * 30
    assert recognise(content[:1024], content[-22:]) is html.FORMAT


@pytest.mark.parametrize("content", [b"<?xml version='1.0'?><svg/>", b"<htmlish>", b"<" * 500, b"<!--" * 300])
def test_other_files_are_not(content: bytes) -> None:
    assert recognise(content[:1024], content[-22:]) is None


@pytest.mark.parametrize("piece", [b"<a<", b"&a;", b"word1234 ", b"<!--", b"&#", b"<p a='", b'="', b"< >"])
def test_one_long_line_takes_no_longer(opened: Opener, piece: bytes) -> None:
    started = time.monotonic()
    opened(html.FORMAT, START + piece * (1_000_000 // len(piece)))
    assert time.monotonic() - started < 10


def test_one_that_is_too_big_is_searched_and_told(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "_MOST", 1000)
    content = START + b"<p>a&#43;b</p>\n" * 100
    found, gaps = opened(html.FORMAT, content)
    assert found == {"x": content}
    assert [(gap.path, gap.reason) for gap in gaps] == [("x!/text", Reason.OVER_BUDGET)]


def test_half_a_document(opened: Opener, cuts: Callable[[bytes], Iterator[bytes]]) -> None:
    for content in cuts(START + b"<p class='x'>a&#43;b&amp;c&#x110000;&#0;&nosuch;</p>" * 20):
        opened(html.FORMAT, content)


@given(st.text(alphabet="<>&#;x1a/! \n"))
def test_any_text(opened: Opener, text: str) -> None:
    _, gaps = opened(html.FORMAT, START + text.encode())
    assert not gaps


def test_three_deep(
    token: Callable[[str], str], buried: Callable[[str, bytes], bytes], scanned: Callable[[str, bytes], Outcome]
) -> None:
    secret = token("html").replace("_", "&#95;")
    outcome = scanned("a.tar.gz", buried("index.html", START + f"<html>\n<p>{secret}</p>\n</html>".encode()))
    (finding,) = outcome.findings
    assert not outcome.gaps
    assert finding.place.path == "a.tar.gz!/a.whl!/index.html!/text"
    assert finding.place.line == 3
