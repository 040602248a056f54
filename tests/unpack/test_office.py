"""Text of office documents, whose runs tear words."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitviper.look import Outcome
from pitviper.model.gap import Gap, Reason
from pitviper.unpack import office
from pitviper.unpack.table import recognise

Opener = Callable[..., tuple[dict[str, bytes], list[Gap]]]

XML = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n'
WORD = XML + b'<w:document xmlns:wpc="http://schemas.microsoft.com/" mc:Ignorable="w14"><w:body>'
SLIDE = XML + b'<p:sld xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main">'
SHEET = XML + b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" count="1">'
ODF = XML + b'<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0">'


def text(opened: Opener, content: bytes) -> list[str]:
    found, gaps = opened(office.FORMAT, content)
    assert not gaps
    assert found["x"] == content
    return found.get("x!/text", b"").decode().splitlines()


@pytest.mark.parametrize(
    "content",
    [
        WORD
        + b"<w:p w:rsidR='1'><w:r><w:rPr><w:b/></w:rPr><w:t>to</w:t></w:r><w:proofErr/><w:r><w:t>ken</w:t></w:r></w:p>",
        SLIDE + b"<a:p><a:r><a:rPr lang='en'/><a:t>to</a:t></a:r><a:r><a:t>ken</a:t></a:r><a:endParaRPr/></a:p>",
        SHEET + b"<si><r><t>to</t></r><r><rPr><b/></rPr><t xml:space='preserve'>ken</t></r></si>",
        XML + b'<comments xmlns="http://schemas.openxmlformats.org/"><text><t>to</t><t>ken</t></text>',
        ODF + b"<text:p text:style-name='P1'><text:span>to</text:span>ken</text:p>",
    ],
    ids=["word", "slide", "sheet", "comment", "odf"],
)
def test_runs_are_joined(opened: Opener, content: bytes) -> None:
    found = recognise(content[:1024], content[-22:])
    assert found is office.FORMAT
    assert text(opened, content) == ["token"]


def test_paragraphs_are_lines(opened: Opener) -> None:
    paragraphs = [b"<w:r><w:t>whole</w:t></w:r>", b"", b"<w:t>a=&quot;b</w:t><w:tab/><w:t>c</w:t><w:br/><w:t>d</w:t>"]
    content = WORD + b"".join(b"<w:p>%b</w:p>" % one for one in paragraphs) + b"</w:body></w:document>"
    assert text(opened, content) == ["", "", 'a="b c d']


@pytest.mark.parametrize(
    "content", [XML + b"<w:styles>", b"<html>", XML + b"<comments>", XML + b"<svg>", b"<w:documents>"]
)
def test_other_files_are_not(content: bytes) -> None:
    assert getattr(recognise(content.ljust(100), b""), "name", "") != office.FORMAT.name


def test_one_that_is_too_big_is_searched_and_told(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(office, "_MOST", 10)
    found, gaps = opened(office.FORMAT, WORD)
    assert found == {"x": WORD}
    assert [(gap.path, gap.reason) for gap in gaps] == [("x!/text", Reason.OVER_BUDGET)]


@pytest.mark.parametrize("piece", [b"<", b"<a", b"<w:t>x</w:t>", b"</w:p>", b"&", b"<w:tab"])
def test_any_repeat_takes_no_longer(opened: Opener, piece: bytes) -> None:
    opened(office.FORMAT, WORD + piece * (1_000_000 // len(piece)))


def test_half_a_document(opened: Opener, cuts: Callable[[bytes], Iterator[bytes]]) -> None:
    for content in cuts(WORD + b"<w:p><w:t>a&#43;b</w:t><w:t>&amp;c&#x110000;&#0;</w:t></w:p>" * 20):
        opened(office.FORMAT, content)


@given(st.text(alphabet="<>&#;/wap:tx1 \n"))
def test_any_text(opened: Opener, content: str) -> None:
    _, gaps = opened(office.FORMAT, WORD + content.encode())
    assert not gaps


def test_three_deep(
    token: Callable[[str], str], buried: Callable[[str, bytes], bytes], scanned: Callable[[str, bytes], Outcome]
) -> None:
    secret, out = token("office"), io.BytesIO()
    runs = "".join(f"<w:r><w:t>{part}</w:t></w:r>" for part in ("token: ", secret[:9], secret[9:]))
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", WORD + f"<w:p/><w:p>{runs}</w:p>".encode())
    outcome = scanned("a.tar.gz", buried("a.docx", out.getvalue()))
    (finding,) = outcome.findings
    assert not outcome.gaps
    assert finding.place.path == "a.tar.gz!/a.whl!/a.docx!/word/document.xml!/text"
