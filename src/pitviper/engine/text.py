"""What the bytes are: text, UTF-16 or UTF-32 text, or binary."""

from __future__ import annotations

import codecs

from pitviper.model.blob import Span

_SAMPLE = 8192
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SHORTEST = 8
"""Characters of UTF-16 without a mark: fewer prove nothing, and hold no secret."""

LEADS = frozenset({0x00, 0xFE, 0xFF})
"""First bytes of byte order marks, and of UTF-16 without one."""


def is_binary(data: bytearray, span: Span) -> bool:
    """Whether the bytes are no text: a NUL among the first 8 KiB, as git and grep decide."""
    return data.find(0, span.start, min(span.end, span.start + _SAMPLE)) >= 0


def wide(data: bytearray, start: int, end: int) -> str | None:
    """The codec, if `data[start:end]` looks like UTF-16 or UTF-32: by its byte order mark, or by NULs.

    UTF-16 of Western languages without a mark has NUL as each second byte; nine of ten are asked for. UTF-32 needs its
    mark, which begins like that of UTF-16.
    """
    head = bytes(data[start : min(end, start + 4)])
    for mark, codec in _MARKS:
        if head.startswith(mark):
            return codec
    sample = bytes(data[start : min(end, start + 256)])
    half = len(sample) // 2
    high, low = sample[0::2].count(0), sample[1::2].count(0)
    for zeros, others, codec in ((low, high, "utf-16-le"), (high, low, "utf-16-be")):
        if half >= _SHORTEST and zeros * 10 >= half * 9 and not others:
            return codec
    return None


def newline(data: bytearray, size: int) -> bytes | None:
    """How the blob that begins `data[:size]` writes a line's end; None if it is binary and has no lines."""
    if codec := wide(data, 0, size):
        return "\n".encode(codec)
    return None if data.find(0, 0, min(size, _SAMPLE)) >= 0 else b"\n"


def may_be_wide(data: bytearray, span: Span) -> bool:
    """Whether the first bytes of `span` may be those of UTF-16 or UTF-32. Runs for every file."""
    return span.end - span.start > 1 and (data[span.start] in LEADS or not data[span.start + 1])


def decoded(data: bytearray, span: Span, codec: str) -> tuple[bytearray, Span]:
    """`span` of UTF-16 or UTF-32 as UTF-8 in a buffer of its own, and its span. What is neither becomes U+FFFD."""
    pieces = [
        bytes(data[low:high]).decode(codec, "replace").encode("utf-8", "replace")
        for low, high in ((span.start, span.first), (span.first, span.last), (span.last, span.end))
    ]
    first = len(pieces[0])
    last = first + len(pieces[1])
    view = bytearray(b"".join(pieces))
    return view, Span(span.blob, 0, len(view), first, last, span.base, span.lines, codec)
