"""Text of office documents (`.docx`, `.pptx`, `.xlsx`, `.odt`): the XML in them, with the runs of a paragraph joined.

Whoever pastes, edits or misspells a word gets it in several runs, with tags between. A paragraph that is one run is
left empty; the source is searched as well. Sources: ECMA-376-1, 17.3, 18.4 and 21.1.2; OpenDocument 1.3, 3, 6.1.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from pitviper.engine.data import Data
from pitviper.model.gap import Reason
from pitviper.unpack.interface import Format, Item, Member, Options, Rest
from pitviper.unpack.pieces import reader

_MOST = 64 * 1024 * 1024
_BEGINNING = re.compile(
    rb"(?:<\?xml[^<>]{0,200}\?>)?\s{0,64}<(?:w:(?:document|hdr|ftr|comments|footnotes|endnotes)\s"
    rb"|p:(?:sld|notes)\s|office:document|(?:sst|comments)\s[^<>]{0,200}openxmlformats)"
)
_END = re.compile(rb"</(?:[wa]:p|text:[ph]|si|text)>")
"""Of a paragraph, a shared string, a comment in a sheet."""
_SPACE = re.compile(rb"<(?:w:(?:tab|br|cr)|a:br|text:(?:s|tab|line-break))\b[^<>]*>")
_TAGS = re.compile(rb"(?:<[^<>]*>)+")


def begins(head: bytes, tail: bytes) -> bool:
    """The first tag, of those parts that hold text."""
    del tail
    return _BEGINNING.match(head) is not None


def members(data: Data, options: Options) -> Iterator[Item]:
    """The source as it is, then its text, a line for each paragraph."""
    del options
    yield Rest(0, data.size)
    if data.size > _MOST:
        detail = f"its runs of text are not joined, which matters where one tears a word: more than {_MOST:,} bytes"
        yield Member("text", kind="decoded", reason=Reason.OVER_BUDGET, detail=detail)
    else:
        yield Member("text", read=reader(_paragraphs(data.read(0, data.size))), kind="decoded")


def _paragraphs(source: bytes) -> Iterator[bytes]:
    position = 0
    for end in _END.finditer(source):
        yield _text(source[position : end.start()]) + b"\n"
        position = end.end()


def _text(paragraph: bytes) -> bytes:
    """The text of a paragraph; empty if it stands in the source as it is."""
    pieces = _TAGS.split(_SPACE.sub(b" ", paragraph))
    runs = [piece for piece in pieces if piece.strip() or (b"\n" not in piece and piece)]  # not how XML is laid out
    text = b"".join(runs)
    if b"&" in text:
        return html.unescape(text.decode("utf-8", "replace")).encode("utf-8", "replace")
    return text if len(runs) > 1 else b""


FORMAT = Format("text of an office document", b"<", begins, members, kind="file")
