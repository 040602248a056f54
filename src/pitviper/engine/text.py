"""What the bytes are: text, UTF-16 or UTF-32 text, binary, or a compressed container."""

from __future__ import annotations

import codecs
import zlib

from pitviper.model.blob import Span

_SAMPLE = 8192
_ZIP_END = 22
_ZIP_MARK = 0x50
"""Size and first byte of a zip archive's end record without a comment. Source: PKWARE, APPNOTE.TXT, 4.3.16."""
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SHORTEST = 8
"""Characters of UTF-16 without a mark: fewer prove nothing, and hold no secret."""

_CONTAINERS = (
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b\x08", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"PACK\x00\x00\x00", "a pack of git objects"),
    (b"x\x01", "a git object"),
)
"""First bytes → name of what holds compressed data. Sources: the formats' own specifications."""

_GIT = b"x\x01"
"""How zlib at git's level of compression begins; `container` asks whether an object follows."""
_GIT_TYPES = (b"blob ", b"tree ", b"commit ", b"tag ")

LEADS = frozenset({magic[0] for magic, _ in _CONTAINERS} | {0x00, 0xFE, 0xFF})
"""First bytes worth a second look: of containers, of byte order marks, and of UTF-16 without one."""


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


def asks_for_more(data: bytearray, span: Span) -> bool:
    """Whether the first or last bytes of `span` are of UTF-16, UTF-32 or a container, maybe. Runs for every file."""
    size = span.end - span.start
    return size > 1 and (
        data[span.start] in LEADS
        or not data[span.start + 1]
        or (size >= _ZIP_END and data[span.end - _ZIP_END] == _ZIP_MARK)
    )


def container(data: bytearray, span: Span) -> str | None:
    """The name of the compressed container that `span` is, if it is one: by its first bytes, or a zip's last ones.

    A zip archive is read from its end, and may have anything in front: a line for the interpreter, a whole program.
    """
    if span.last == span.end and data.startswith(b"PK\x05\x06", max(span.start, span.end - _ZIP_END)):
        return "a zip archive"
    if span.base:
        return None
    if data.startswith(_GIT, span.start) and not _is_git_object(
        bytes(data[span.start : min(span.end, span.start + 64)])
    ):
        return None
    return next((name for magic, name in _CONTAINERS if data.startswith(magic, span.start)), None)


def _is_git_object(head: bytes) -> bool:
    try:
        return zlib.decompressobj().decompress(head, 16).startswith(_GIT_TYPES)
    except zlib.error:
        return False


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
