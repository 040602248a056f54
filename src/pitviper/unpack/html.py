"""HTML: lines whose text, or links, read otherwise than their source: without tags, character references resolved.

Templates write `+` and `=` as references, and highlighted code has tags between a name and its value. A line that says
nothing new is left empty, so that lines keep their numbers. The source is searched as well. Source: the HTML Living
Standard, 13.2.5 and 13.5.
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
    rb"(?:\xef\xbb\xbf)?\s{0,64}(?:<!--.{0,512}?-->\s{0,64})?<(?:!doctype\s+html|html)[\s>]", re.IGNORECASE | re.DOTALL
)
_TAG = re.compile(r"<[/!]?[A-Za-z][^<>]{0,4096}>")
_BLOCK = re.compile(
    r"</?(?:address|article|aside|blockquote|body|br|button|caption|dd|details|div|dl|dt|figure|footer|form|h[1-6]|head"
    r"|header|hr|html|input|li|main|nav|ol|optgroup|option|p|pre|section|select|summary|table|tbody|td|textarea|tfoot|th"
    r"|thead|title|tr|ul)(?=[\s/>])[^<>]{0,4096}>",
    re.IGNORECASE,
)
"""Tags that set apart what stands on either side; all others may stand within a word."""
_COMMENT = re.compile(r"<!--[^\n]{0,512}?-->")
_INVISIBLE = {ord(character): None for character in "\u00ad\u200b\u2060\ufeff"}
"""What browsers show nothing for: where a word may be broken, and where it may not."""
_WORD = re.compile(r"[\w+/=.:@~%&?-]{8,}")
_JOINT = re.compile(r"[\w+/=.:@~%?-]<[^<>]{1,4096}>(?:<[^<>]{1,4096}>){0,8}[\w+/=.:@~%?-]")
"""A tag, or some, in what might be a word."""
_REFERENCE = re.compile(r"&[#\w]{1,32};")
_SETTING = re.compile(r"""[=:]\s{0,4}["'`]""")
_LONGEST_LINE = 1024 * 1024
"""Characters up to which one line is one; longer ones are cut."""


def begins(head: bytes, tail: bytes) -> bool:
    """The document type or the first tag, behind at most one comment."""
    del tail
    return _BEGINNING.match(head) is not None


def members(data: Data, options: Options) -> Iterator[Item]:
    """The source as it is, then its text where that is another."""
    del options
    yield Rest(0, data.size)
    if data.size > _MOST:
        detail = (
            f"of its text, with tags and references resolved, nothing is looked into: it has more than {_MOST:,} bytes"
        )
        yield Member("text", kind="decoded", reason=Reason.OVER_BUDGET, detail=detail)
        return
    source = data.read(0, data.size)
    if b"&" in source or b"</" in source:
        yield Member("text", read=reader(_lines(source)), kind="decoded")


def _lines(source: bytes) -> Iterator[bytes]:
    for line in source.split(b"\n"):
        for start in range(0, max(1, len(line)), _LONGEST_LINE):
            yield _text(line[start : start + _LONGEST_LINE].decode("utf-8", "replace"))
        yield b"\n"


def _text(line: str) -> bytes:
    """The text of a line; empty if it says nothing new."""
    if "&" not in line and "<" not in line:
        return b""
    text = _TAG.sub("", _BLOCK.sub(" ", _COMMENT.sub("", line)))
    if "&" in line or _JOINT.search(line):
        encoded = [tag for tag in _TAG.findall(line) if "&" in tag]  # links, mostly
        text = html.unescape(" ".join([text, *encoded])).translate(_INVISIBLE)
        if not set(_WORD.findall(_REFERENCE.sub(" ", line))).issuperset(_WORD.findall(text)):
            return text.encode("utf-8", "replace")
    is_setting = "<" in line and _SETTING.search(text)
    return text.encode("utf-8", "replace") if is_setting else b""


FORMAT = Format("an HTML document", b"<", begins, members, kind="file")
