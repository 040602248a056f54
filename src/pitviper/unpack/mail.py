"""E-mail: messages with their parts, decoded, attachments under their names; and mailboxes (mbox) of such messages.

What belongs to no part, headers among it, is searched as it stands. A message in a message is opened in turn. Sources:
RFC 5322; RFC 2045 to 2047; RFC 2231; RFC 4155 (mbox).
"""

from __future__ import annotations

import binascii
import email.header
import email.message
import email.parser
import itertools
import re
from collections.abc import Callable, Iterator
from functools import partial

import msgspec

from pitviper.engine.data import Data, Memory
from pitviper.model.gap import Reason
from pitviper.model.place import escape
from pitviper.unpack.interface import Format, Item, Member, Options, Refused, Rest

_MOST = 64 * 1024 * 1024
"""Bytes of a message or mailbox that is read at once."""
_MOST_PARTS = 10_000
_DEEPEST = 32
_LONGEST_HEADERS = 256 * 1024
_MOST_PARAMETERS = 500
"""Of all headers of a part; the library takes the square of their number, and of a name in pieces there are dozens."""
_LONGEST_BOUNDARY = 200
"""RFC 2046 allows 70."""
_FIRST = re.compile(rb"From [^\r\n]{1,200}\d{4}\r?\n|[A-Z][A-Za-z0-9-]{1,60}:[ \t\r\n]")
_SURE = re.compile(
    rb"^(?:MIME-Version|Content-Transfer-Encoding|Received|Message-ID|Return-Path|Delivered-To):",
    re.IGNORECASE | re.MULTILINE,
)
_ENVELOPE = re.compile(
    rb"^From [^\r\n]{1,200}\d{4}[^\r\n]{0,20}\r?\n(?=>?[A-Za-z][A-Za-z0-9-]{0,60}:[ \t])", re.MULTILINE
)
_BLANK = re.compile(rb"^\r?\n", re.MULTILINE)
_ENCODED_WORD = re.compile(rb"=\?[^?\s]{1,40}\?[BbQq]\?")
_UNPADDED = re.compile(rb"[^=]+")
_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_OWN_CODECS = ("utf-16", "utf-32", "utf-7")
"""Beginnings of charsets in which not even ASCII stands as it is."""


class _Part(msgspec.Struct):
    """Bytes from `start`, where its headers begin, to `end`; how many multiparts it lies in."""

    start: int
    end: int
    depth: int = 0


def begins(head: bytes, tail: bytes) -> bool:
    """A header line in front, and one that only mail has in sight."""
    del tail
    return _FIRST.match(head) is not None and _SURE.search(head) is not None


def members(data: Data, options: Options) -> Iterator[Item]:
    """The messages of a mailbox, or the parts of a message; then what belongs to none."""
    del options
    if data.size > _MOST:
        raise Refused(Reason.OVER_BUDGET, f"mail of {data.size:,} bytes: searched without being decoded")
    raw = data.read(0, data.size)
    covered: list[tuple[int, int]] = []
    parts = _messages(raw, data, covered) if raw.startswith(b"From ") else _parts(raw, data, covered)
    yield from parts
    position = 0
    for start, end in [*sorted(covered), (len(raw), len(raw))]:
        if start > position:
            yield Rest(position, start - position)
        position = max(position, end)
    if len(covered) == _MOST_PARTS:
        raise Refused(Reason.OVER_BUDGET, f"more than {_MOST_PARTS:,} parts; the others were searched as they are")


def _messages(raw: bytes, data: Data, covered: list[tuple[int, int]]) -> Iterator[Member]:
    """Each message of a mailbox, without the line in front of it."""
    lines = [*itertools.islice(_ENVELOPE.finditer(raw), _MOST_PARTS + 1)]
    ends = [*(line.start() for line in lines[1:]), len(raw)]
    for number, (line, end) in enumerate(zip(lines, ends, strict=False), 1):
        if number > _MOST_PARTS:
            return
        covered.append((line.end(), end))
        yield Member(f"message {number}", data=data.part(line.end(), end - line.end()))


def _parts(raw: bytes, data: Data, covered: list[tuple[int, int]]) -> Iterator[Member]:
    """The parts that are no multiparts themselves, from front to back."""
    stack = [_Part(0, len(raw))]
    number = 0
    while stack and len(covered) < _MOST_PARTS:
        part = stack.pop()
        blank = _BLANK.search(raw, part.start, part.end)
        begin = blank.end() if blank else part.end
        headers = raw[part.start : min(begin, part.start + _LONGEST_HEADERS)]
        if _ENCODED_WORD.search(headers):
            yield Member("(headers)", data=_held(_readable(headers)))
        if headers.count(b";") > _MOST_PARAMETERS:
            detail = f"headers with more than {_MOST_PARAMETERS} parameters: it was searched without being decoded"
            yield Member("(headers)", reason=Reason.OVER_BUDGET, detail=detail)
            headers = b""
        header = _Header(headers)
        if header.boundary and part.depth < _DEEPEST:
            stack += reversed(_split(raw, _Part(begin, part.end, part.depth + 1), header.boundary, _MOST_PARTS))
            continue
        number += 1
        covered.append((begin, part.end))
        name = escape(header.name) or f"part {number}"
        if header.decode or header.is_wide:
            yield Member(name, data=Memory(header.decoded(raw[begin : part.end])))
        else:
            yield Member(name, data=data.part(begin, part.end - begin))


def _split(raw: bytes, body: _Part, boundary: bytes, most: int) -> list[_Part]:
    """The parts of a multipart."""
    line = re.compile(rb"^--" + re.escape(boundary) + rb"(--)?[ \t]{0,80}\r?(?:\n|\Z)", re.MULTILINE)
    parts: list[_Part] = []
    start = -1
    for found in line.finditer(raw, body.start, body.end):
        if start >= 0:
            parts.append(_Part(start, found.start(), body.depth))
        start = -1 if found[1] else found.end()
        if found[1] or len(parts) == most:
            return parts
    if start >= 0:
        parts.append(_Part(start, body.end, body.depth))
    return parts


class _Header:
    """What the headers of a part say, as far as they can be read."""

    def __init__(self, headers: bytes) -> None:
        self._message = email.parser.BytesHeaderParser().parsebytes(headers)
        kind = self._told(email.message.Message.get_content_type)
        boundary = self._told(email.message.Message.get_boundary) if kind.startswith("multipart/") else ""
        self.boundary = boundary.encode("utf-8", "surrogateescape") if 0 < len(boundary) <= _LONGEST_BOUNDARY else b""
        self.name = self._told(email.message.Message.get_filename)
        encoding = self._told(lambda message: message.get("Content-Transfer-Encoding", "")).strip().lower()
        self.decode = _DECODERS.get(encoding)
        self._charset = self._told(email.message.Message.get_content_charset)
        self.is_wide = kind.startswith("text/") and self._charset.startswith(_OWN_CODECS)

    def _told(self, ask: Callable[[email.message.Message], object]) -> str:
        try:
            return str(ask(self._message) or "")
        except Exception:  # noqa: BLE001 - the library stumbles over broken headers in many ways
            return ""

    def decoded(self, body: bytes) -> bytes:
        """The content of a part with this `body`."""
        content = self.decode(body) if self.decode else body
        if not self.is_wide:
            return content
        try:
            return content.decode(self._charset, "replace").encode("utf-8", "replace")
        except LookupError:
            return content


def _base64(body: bytes) -> bytes:
    """Each run up to padding; what follows is decoded on its own."""
    decoded = bytearray()
    for piece in _UNPADDED.finditer(body):
        digits = _NO_BASE64.sub(b"", piece[0])
        digits = digits[:-1] if len(digits) % 4 == 1 else digits
        decoded += binascii.a2b_base64(digits + b"=" * (-len(digits) % 4))
    return bytes(decoded)


_DECODERS: dict[str, Callable[[bytes], bytes]] = {"base64": _base64, "quoted-printable": partial(binascii.a2b_qp)}


def _readable(headers: bytes) -> str:
    """Headers with their encoded words decoded, each on a line."""
    return "\n".join(map(_unfolded, re.sub(rb"\r?\n[ \t]+", b" ", headers).splitlines()))


def _unfolded(line: bytes) -> str:
    try:
        return str(email.header.make_header(email.header.decode_header(line.decode("latin-1"))))
    except Exception:  # noqa: BLE001 - as above
        return ""


def _held(text: str) -> Memory:
    return Memory(text.encode("utf-8", "replace"))


FORMAT = Format("an e-mail message", b"ACDFILMPRSTUX", begins, members, kind="file")
