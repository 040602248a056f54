"""How streams of PDF documents are packed. Source: ISO 32000-1, 7.4."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator

from pitviper.engine.data import Reader
from pitviper.model.gap import Reason
from pitviper.unpack import decompress
from pitviper.unpack.interface import Refused, damaged
from pitviper.unpack.pieces import reader

_MOST = 64 * 1024 * 1024
"""Bytes of a stream that must be had as a whole to be unpacked."""
_PICTURES = frozenset(("DCTDecode", "DCT", "JPXDecode", "CCITTFaxDecode", "CCF", "JBIG2Decode"))
_LZW = ("LZWDecode", "LZW")
_CLEAR, _LZW_END, _FIRST = 256, 257, 258
_NARROWEST, _WIDEST = 9, 12
_FEED = 4096
"""Bytes of LZW at once: each may become 2,500."""
_RUN_END = 128


def unfiltered(filters: list[str], read: Reader, *, is_late: bool = False) -> Reader | None:
    """What comes out of `filters`; None if one is not known. Pictures stay as they are: they are files.

    `is_late`: LZW changes to wider codes as late as it can, which is not usual.
    """
    for name in filters:
        if name in _PICTURES:
            return read
        if name in _LZW:
            read = reader(_lzw(read, 0 if is_late else 1))
        elif make := _FILTERS.get(name):
            read = make(read)
        else:
            return None
    return read


def _lzw(read: Reader, early: int) -> Iterator[bytes]:
    """Codes for strings of a table that grows as it is read; the codes become longer by a bit `early` codes ahead."""
    single = [bytes((byte,)) for byte in range(256)] + [b"", b""]
    table, width, previous = single[:], _NARROWEST, b""
    buffer = bits = 0
    while packed := read(_FEED):
        out: list[bytes] = []
        for byte in packed:
            buffer, bits = buffer << 8 | byte, bits + 8
            if bits < width:
                continue
            bits -= width
            code, buffer = buffer >> bits, buffer & (1 << bits) - 1
            if code == _CLEAR:
                table, width, previous = single[:], _NARROWEST, b""
                continue
            if code == _LZW_END:
                yield b"".join(out)
                return
            if code > len(table) or (code == len(table) and not previous):
                yield b"".join(out)
                raise damaged("a code of LZW stands for nothing")
            entry = table[code] if code < len(table) else previous + previous[:1]
            out.append(entry)
            if previous and len(table) < 1 << _WIDEST:
                table.append(previous + entry[:1])
                width += len(table) + early >= 1 << width and width < _WIDEST
            previous = entry
        yield b"".join(out)


def _flate(read: Reader) -> Reader:
    return decompress.Stream(read, decompress.zlib)


def _whole(decode: Callable[[bytes], Iterable[bytes]]) -> Callable[[Reader], Reader]:
    """A filter that needs all there is."""

    def make(read: Reader) -> Reader:
        def pieces() -> Iterator[bytes]:
            packed = b"".join(iter(lambda: read(1 << 20), b""))
            if len(packed) > _MOST:
                raise Refused(Reason.OVER_BUDGET, f"a stream of {len(packed):,} bytes is too long for its filter")
            yield from decode(packed)

        return reader(pieces())

    return make


def _ascii_hex(text: bytes) -> Iterator[bytes]:
    digits = text.partition(b">")[0].translate(None, b"\0\t\n\f\r ")
    yield bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode("ascii"))


def _ascii_85(text: bytes) -> Iterator[bytes]:
    yield base64.a85decode(text.strip().removeprefix(b"<~").partition(b"~>")[0])


def _runs(packed: bytes) -> Iterator[bytes]:
    """A length, and so many bytes as they are; or how often the next one is repeated."""
    position = 0
    while position < len(packed) and (length := packed[position]) != _RUN_END:
        if length < _RUN_END:
            yield packed[position + 1 : position + 2 + length]
            position += length + 2
        else:
            yield packed[position + 1 : position + 2] * (257 - length)
            position += 2


_FILTERS: dict[str, Callable[[Reader], Reader]] = {
    "FlateDecode": _flate,
    "Fl": _flate,
    "ASCIIHexDecode": _whole(_ascii_hex),
    "AHx": _whole(_ascii_hex),
    "ASCII85Decode": _whole(_ascii_85),
    "A85": _whole(_ascii_85),
    "RunLengthDecode": _whole(_runs),
    "RL": _whole(_runs),
}
