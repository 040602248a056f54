"""PDF documents."""

from __future__ import annotations

import base64
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitviper.engine.data import Memory
from pitviper.look import Outcome
from pitviper.model.gap import Gap, Reason
from pitviper.unpack import pdf
from pitviper.unpack.interface import Member, Options, Refused
from pitviper.unpack.pdf_objects import Allowance, parsed, tokens
from pitviper.unpack.pdf_text import Codes, codes, lines

Opener = Callable[..., tuple[dict[str, bytes], list[Gap]]]


def stream(content: bytes, entries: str = "", *, packed: bool = True) -> bytes:
    body = zlib.compress(content) if packed else content
    filtered = "/Filter /FlateDecode" if packed else ""
    return b"<< /Length %d %s %s >>\nstream\n%s\nendstream" % (len(body), filtered.encode(), entries.encode(), body)


def document(objects: dict[int, bytes | str], trailer: str = "") -> bytes:
    body = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
    for number, content in objects.items():
        raw = content.encode() if isinstance(content, str) else content
        body += b"%d 0 obj\n%s\nendobj\n" % (number, raw)
    return body + b"trailer << /Root 1 0 R %s >>\nstartxref\n0\n%%%%EOF\n" % trailer.encode()


CATALOG: dict[int, bytes | str] = {
    1: "<< /Type /Catalog /Pages 2 0 R >>",
    2: "<< /Type /Pages /Kids [3 0 R] /Count 1 /Resources << /Font << /F1 5 0 R >> >> >>",
    3: "<< /Type /Page /Parent 2 0 R /Contents 4 0 R >>",
    5: "<< /Type /Font /Subtype /Type1 /BaseFont /Courier >>",
}
CMAP = b"""/CIDInit /ProcSet findresource begin 12 dict begin begincmap
1 begincodespacerange <0000> <FFFF> endcodespacerange
2 beginbfchar <0003> <0020> <0004> <0061> endbfchar
2 beginbfrange <0005> <0008> <0062> <0009> <000a> [<0078> <00660069>] endbfrange
endcmap"""


def page(content: bytes, **more: bytes | str) -> bytes:
    return document({**CATALOG, 4: stream(content), **{int(key[1:]): value for key, value in more.items()}})


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"BT /F1 12 Tf (abc) Tj ET", ["abc"]),
        (b"[(ab)-30(c)20(d)] TJ", ["abcd"]),
        (b"[(ab)-333(c)] TJ T* (next) Tj", ["ab c", "next"]),
        (rb"(a\(b\)\101\\ (c)) Tj", [r"a(b)A\ (c)"]),
        (b"<616 263> Tj", ["abc"]),
        (b"1 0 0 1 72 700 Tm (ab) Tj 1 0 0 1 90 700 Tm (cd) Tj 1 0 0 1 72 680 Tm (e) Tj", ["abcd", "ab cd", "e"]),
        (b"0 -12 Td (ab) Tj 5 0 Td (cd) Tj 0 -12 Td (e) Tj", ["abcd", "ab cd", "e"]),
        (b"BT 10 700 Td (ab) Tj ET BT 30 700 Td (cd) Tj ET BT 10 680 Td (e) Tj ET", ["abcd", "ab cd", "e"]),
        (b"(a) ' 1 2 (b) \"", ["a", "b"]),
        (b"/Span << /ActualText (hidden) >> BDC (x) Tj EMC", ["hidden", "x"]),
        (b"(open", ["open"]),
    ],
)
def test_text_of_a_page(content: bytes, text: list[str]) -> None:
    assert sorted(lines(content, {})) == sorted(text)


def test_codes_of_a_font() -> None:
    font = codes(CMAP)
    assert font.width == 2
    assert font.text(bytes.fromhex("0004 0003 0005 0008 0009 000a")) == "a bexfi"


def test_codes_without_end_are_cut() -> None:
    many = b"1 beginbfrange <00000000> <ffffffff> <0000> endbfrange " * 50
    assert len(codes(many).characters) <= 65_536


def test_fonts_without_a_map() -> None:
    assert Codes().text(b"\0a\0b") == "ab"
    assert Codes().text(b"a\xe9") == "a\xe9"


def test_pages_in_order_with_inherited_fonts(opened: Opener) -> None:
    objects: dict[int, bytes | str] = {
        **CATALOG,
        2: "<< /Type /Pages /Kids [6 0 R 3 0 R] /Resources << /Font << /F1 5 0 R >> >> >>",
        5: "<< /Type /Font /Subtype /Type0 /ToUnicode 8 0 R >>",
        4: stream(b"BT /F1 9 Tf [<00040003>-20<0005>] TJ ET"),
        6: "<< /Type /Page /Parent 2 0 R /Contents [7 0 R 4 0 R] >>",
        7: stream(b"(first) Tj"),
        8: stream(CMAP),
        9: stream(b"(in a form) Tj", "/Type /XObject /Subtype /Form"),
        10: stream(b"(of no page) Tj"),
    }
    found, gaps = opened(pdf.FORMAT, document(objects))
    assert not gaps
    assert found["x!/page:1"] == b"first\na b\n"
    assert found["x!/page:9 (form)"] == b"in a form\n"
    assert found["x!/stream 10"] == b"(of no page) Tj"
    assert "x!/stream 7" not in found


def test_attachments_and_strings(opened: Opener) -> None:
    objects: dict[int, bytes | str] = {
        **CATALOG,
        4: stream(b""),
        20: "<< /Type /Filespec /F (a.txt) /EF << /F 21 0 R >> >>",
        21: stream(b"content", "/Type /EmbeddedFile"),
        22: b"<< /Title <" + "\ufeffTitel".encode("utf-16-be").hex().encode() + b"> /Author (plain) >>",
    }
    found, gaps = opened(pdf.FORMAT, document(objects))
    assert not gaps
    assert found["x!/a.txt"] == b"content"
    assert found["x!/(strings)"] == b"Titel\n"
    assert b"(plain)" in found["x"]


def test_objects_in_streams(opened: Opener) -> None:
    packed = [b"<< /Type /Page /Contents 4 0 R >>", b"<< /S /JavaScript /JS (app.alert) >>"]
    head = b"3 0 30 %d " % len(packed[0])
    objects: dict[int, bytes | str] = {key: value for key, value in CATALOG.items() if key != 3}
    objects |= {4: stream(b"(shown) Tj"), 9: stream(head + b"".join(packed), f"/Type /ObjStm /N 2 /First {len(head)}")}
    found, gaps = opened(pdf.FORMAT, document(objects))
    assert not gaps
    assert found["x!/page:1"] == b"shown\n"
    assert found["x!/(strings)"] == b"app.alert\n"


def test_what_an_update_replaced_is_searched(opened: Opener) -> None:
    content = page(b"(old) Tj") + page(b"(new) Tj")
    found, _ = opened(pdf.FORMAT, content)
    assert found["x!/page:1"] == b"new\n"
    assert found["x!/stream 4"] == b"(old) Tj"


@pytest.mark.parametrize(
    ("entries", "body"),
    [
        ("/Filter /ASCIIHexDecode", b"616263>"),
        ("/Filter [/ASCII85Decode]", base64.a85encode(b"abc") + b"~>"),
        ("/Filter [/ASCIIHexDecode /FlateDecode]", zlib.compress(b"abc").hex().encode() + b">"),
        ("/Filter /RunLengthDecode", b"\2abc\x80"),
        ("/Filter /LZWDecode", bytes.fromhex("80184c463808")),
        ("/Filter [/LZWDecode] /DecodeParms [<< /EarlyChange 0 >>]", bytes.fromhex("80184c463808")),
        ("/Filter /DCTDecode", b"abc"),
        ("", b"abc"),
    ],
)
def test_filters(opened: Opener, entries: str, body: bytes) -> None:
    found, gaps = opened(pdf.FORMAT, document({7: stream(body, entries, packed=False)}))
    assert not gaps
    assert found["x!/stream 7"] == b"abc"


def test_a_filter_that_is_not_known_is_told(opened: Opener) -> None:
    found, gaps = opened(pdf.FORMAT, document({7: stream(b"abc", "/Filter /Crypt", packed=False)}))
    assert [gap.reason for gap in gaps] == [Reason.UNSUPPORTED]
    assert found["x!/stream 7"] == b"abc"


@pytest.mark.parametrize("length", ["/Length 99999", "/Length -1", "/Length 3", "/Length 99 0 R", ""])
def test_a_length_that_lies(opened: Opener, length: str) -> None:
    body = zlib.compress(b"(abc) Tj")
    raw = f"<< {length} /Filter /FlateDecode >>\r\nstream\r\n".encode() + body + b"\r\nendstream"
    found, _ = opened(pdf.FORMAT, document({**CATALOG, 4: raw}))
    assert found["x!/page:1"] == b"abc\n"


def test_encrypted(opened: Opener) -> None:
    found, gaps = opened(pdf.FORMAT, document(CATALOG, "/Encrypt 9 0 R"))
    assert [gap.reason for gap in gaps] == [Reason.ENCRYPTED]
    assert b"/Catalog" in found["x"]


def test_cut_short(opened: Opener) -> None:
    found, gaps = opened(pdf.FORMAT, page(b"(abc) Tj" * 50)[:-60])
    assert [gap.reason for gap in gaps] == [Reason.DAMAGED]
    assert b"abc" in found["x!/page:1"]


@pytest.mark.parametrize(
    "objects",
    [
        {2: "<< /Type /Pages /Kids [2 0 R 2 0 R 3 0 R 3 0 R] >>"},
        {3: "3 0 R"},
        {4: "<< /Length 4 0 R >> stream\nabc\nendstream"},
        {2: "[" * 10_000},
        {2: "<< /Kids [" * 10_000},
        {9: "<< /Type /ObjStm /N 99 /First 9 >> stream\n9 0 9 9 9 9 9\nendstream"},
        {5: "<< /ToUnicode 5 0 R >>"},
        {3: "<< /Type /Page /Contents 5 >>"},
        {3: "<< /Type /Page /Contents 4 0 R /Resources [ << >> ] >>"},
        {1: "( no end"},
    ],
)
def test_circles_and_nonsense(opened: Opener, objects: dict[int, bytes | str]) -> None:
    found, _ = opened(pdf.FORMAT, document({**CATALOG, 4: stream(b"(abc) Tj"), **objects}))
    assert found


def test_bombs_are_cut(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "_MOST_DECODED", 10_000)
    _, gaps = opened(pdf.FORMAT, page(b"(a) Tj " * 100_000))
    assert Reason.OVER_BUDGET in {gap.reason for gap in gaps}


def test_patience_ends(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "_PATIENCE", -1.0)
    found, gaps = opened(pdf.FORMAT, page(b"(abc) Tj"))
    assert [gap.reason for gap in gaps] == [Reason.OVER_BUDGET]
    assert found["x!/stream 4"] == b"(abc) Tj"


SAMPLE = document(
    {
        **CATALOG,
        4: stream(b"BT /F1 9 Tf [<00040003>-20<0005>] TJ (abc) ' 1 0 0 1 2 3 Tm ET", packed=False),
        5: "<< /Type /Font /ToUnicode 8 0 R >>",
        8: stream(CMAP, packed=False),
        9: stream(b"30 0 31 5 (abc) << /F (a.txt) /EF << /F 4 0 R >> >>", "/Type /ObjStm /N 2 /First 10", packed=False),
    }
)


def test_half_a_document(opened: Opener, cuts: Callable[[bytes], Iterator[bytes]]) -> None:
    for content in cuts(SAMPLE):
        opened(pdf.FORMAT, content)


@given(st.lists(st.tuples(st.integers(0, len(SAMPLE) - 1), st.integers(0, 255)), min_size=1, max_size=20))
def test_flipped_bytes(opened: Opener, changes: list[tuple[int, int]]) -> None:
    content = bytearray(SAMPLE)
    for place, value in changes:
        content[place] = value
    opened(pdf.FORMAT, bytes(content))


@given(
    st.lists(
        st.sampled_from(
            [b"<<", b">>", b"[", b"]", b"(", b")", b"<", b">", b"/A", b"1 ", b"0 R ", b"\\", b"%\n", b"obj"]
        )
    )
)
def test_any_syntax(pieces: list[bytes]) -> None:
    content = b"".join(pieces)
    parsed(content, 0, Allowance(1000))
    list(lines(content, {}))
    codes(content + b" endbfrange")
    ends = [end for _, end in tokens(content)]
    assert ends == sorted(ends)


def test_three_deep(
    token: Callable[[str], str], buried: Callable[[str, bytes], bytes], scanned: Callable[[str, bytes], Outcome]
) -> None:
    secret = token("pdf").encode()
    content = page(b"BT /F1 12 Tf [(%s)-20(%s)] TJ ET" % (secret[:7], secret[7:]))
    outcome = scanned("a.tar.gz", buried("manual.pdf", content))
    (finding,) = outcome.findings
    assert not outcome.gaps
    assert finding.place.path == "a.tar.gz!/a.whl!/manual.pdf!/page:1"


def test_behind_something_else(scanned: Callable[[str, bytes], Outcome], token: Callable[[str], str]) -> None:
    assert scanned("x", b"junk\n" + page(b"(%s) Tj" % token("pdf").encode())).findings


class TestBombs:
    """Small documents that would take gigabytes, or hours."""

    @pytest.mark.parametrize(
        "content",
        [
            page(b"(a) Tj " * 200_000),
            document({**CATALOG, 3: f"<< /Type /Page /Contents [{'4 0 R ' * 500}] >>", 4: stream(b"(a) Tj " * 20_000)}),
            document({**CATALOG, 9: stream(b"1 1 " * 50_000, "/Type /ObjStm /N 25000 /First 200000")}),
            document({**CATALOG, 9: stream(b"1 0 [" + b"(a)" * 200_000 + b"]", "/Type /ObjStm /N 1 /First 4")}),
            b"%PDF-1.4\n" + b"1 0 obj(a)stream\nendstream " * 50_000 + b"%%EOF",
        ],
        ids=["a page", "a stream many times", "objects at one place", "strings", "strings without an end"],
    )
    def test_end(self, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("_MOST_READ", "_MOST_OF_PAGE", "_MOST_DECODED"):  # so that it takes no minute to see
            monkeypatch.setattr(pdf, name, getattr(pdf, name) // 16)
        tracemalloc.start()
        started = time.process_time()
        try:
            for item in pdf.members(Memory(content), Options()):
                if isinstance(item, Member) and item.read:
                    while item.read(1 << 20):
                        pass
        except Refused as error:
            assert error.reason is Reason.OVER_BUDGET  # noqa: PT017 - it need not be raised
        finally:
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert peak < 25_000_000
        assert time.process_time() - started < 20
