r"""String tables of extension modules that Cython 3.2 and newer made, as text with each string on a line of its own.

All strings of a module stand one behind the other without anything between them, text first, then bytes. Their lengths
are an array elsewhere, of 32 bits each; compilers turn a short one into instructions. The strings are compressed (by
zlib in 3.2, by Cython's own LZSS in 3.3), or plain where that would save less than 200 bytes. Nothing says where any of
it is, so all are found by names that every module has. Sources: Cython's `Code.py` (`generate_pystring_constants`) and
`StringTools.c`.
"""

from __future__ import annotations

import bz2
import re
import zlib
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import accumulate, islice, product
from typing import Any

_MARK = b"cython_runtime"
"""In every module; `_OLD` in those of versions that have no tables, as far as they say which."""
_OLD = re.compile(rb"_cython_(?:[0-2]|3_[01])_")
_KNOWN = (b"__main__", b"__name__", b"__test__")
"""Strings that every module has."""
_MOST = 16 * 1024 * 1024
"""Bytes of all tables."""
_MOST_LENGTHS = 8 * 1024 * 1024
"""Bytes in which lengths are looked for: the biggest module of lxml has constants of 1.2 MB."""
_MOST_TRIES = 100_000
_MOST_COMPRESSED = 2_000
_MOST_PLACES = 16
"""Where a known string may stand in a table: it may be part of others."""
_PIECE = 64 * 1024
_COMPRESSED = re.compile(rb"\x78[\x9c\xda]|BZh91AY&SY")
_MAY_BE_LZSS = re.compile(rb"(?<=\0)(?=[\x01-\xff][\t\n\r -~\xc2-\xf4][\x01-\xff])")
"""Behind a zero or what ends a string: a byte of flags, and the first character, as there is nothing to refer to."""
_SAMPLE = 64
_PLAIN_END = bytes(8)
_LONGEST_PLAIN = 64 * 1024
"""Bytes of a table that is not compressed: nearly all would be compressed from 1,000 on."""
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
_FEWEST = 2
"""Known strings that must fit, for lengths to be believed."""
_WORD = 4


def may_have_tables(parts: Sequence[bytes]) -> bool:
    """Whether `parts` are those of a module that may have some."""
    return any(_MARK in part for part in parts) and not any(_OLD.search(part) for part in parts)


def tables(parts: Sequence[bytes], code: bytes) -> Iterator[bytes]:
    """The tables in `parts`, the constants of a module, whose instructions are `code`."""
    texts = [text for part in parts for text in _texts(part)]
    if not texts:
        return
    lengths = [_words(part[:_MOST_LENGTHS]) for part in parts]
    for text in texts:
        pieces = max((_split(text, one) for one in lengths), key=len)
        if len(pieces) == 1:
            pieces = _split(text, _immediates(code[:_MOST_LENGTHS]))
        yield b"".join(piece.replace(b"\0", b" ") + b"\n" for piece in pieces if piece)


def _texts(part: bytes) -> Iterator[bytes]:
    """The tables in `part`, as one run each: packed by zlib, by bzip2, by LZSS, or plain."""
    compressed = list(filter(_is_table, _unpacked(part)))
    yield from compressed or _lzss(part) or _plain(part)


def _is_table(text: bytes) -> bool:
    return all(word in text for word in _KNOWN)


def _unpacked(part: bytes) -> Iterator[bytes]:
    left = _MOST
    for found in islice(_COMPRESSED.finditer(part), _MOST_COMPRESSED):
        inner: Any = zlib.decompressobj() if found[0].startswith(b"x") else bz2.BZ2Decompressor()
        text = b""
        try:
            for at in range(found.start(), len(part), _PIECE):
                text += inner.decompress(part[at : at + _PIECE], max(1, left - len(text)))
                if inner.eof or len(text) >= left:
                    break
        except (zlib.error, OSError):
            continue
        left -= len(text)
        if inner.eof:
            yield text


def _lzss(part: bytes) -> list[bytes]:
    """The first table packed by LZSS. Its end is not known: what comes out behind it is noise."""
    left = _MOST
    for found in islice(_MAY_BE_LZSS.finditer(part), _MOST_TRIES):
        at = found.start()
        sample = unlzss(part, at, _SAMPLE)
        if len(sample) < _SAMPLE or _CONTROL.search(sample):
            continue
        end = part.find(_PLAIN_END, at, at + _MOST)
        text = unlzss(part, at, left, end + len(_PLAIN_END) if end >= 0 else len(part))
        if _is_table(text):
            return [text]
        left -= len(text)
        if left < 0:
            break
    return []


def unlzss(packed: bytes, at: int, most: int, end: int = 1 << 62) -> bytes:
    """What is packed in `packed[at:end]`: at most about so many bytes, and none behind what makes no sense.

    A byte of flags, then for each of its bits, from the lowest, a byte as it is (1) or a reference to what was told
    before (0). That has two bytes or three: the distance from its end, and the length above three.
    """
    out = bytearray()
    try:
        while len(out) < most and at < end:
            flags = packed[at] | 0x100
            at += 1
            while flags > 1:
                if flags & 1:
                    out.append(packed[at])
                    at += 1
                else:
                    low, high = packed[at], packed[at + 1]
                    at += 2
                    if low < 0x80:  # noqa: PLR2004 - the highest bit tells how it is written
                        distance, length = low, high
                    elif high < 0x80:  # noqa: PLR2004
                        distance, length = 0x80 + ((high << 2 & 0x180) | (low & 0x7F)), high & 0x1F
                    else:
                        distance, length = 0x80 + ((high & 0x7F) << 7 | (low & 0x7F)), packed[at]
                        at += 1
                    start = len(out) - distance - length - 3
                    if start < 0:
                        return bytes(out)
                    out += out[start : start + length + 3]
                flags >>= 1
    except IndexError:
        pass
    return bytes(out)


def _plain(part: bytes) -> list[bytes]:
    """The first table that is not compressed."""
    for found in islice(re.finditer(_KNOWN[0], part), _MOST_PLACES):
        at = found.start()
        start = part.rfind(b"\0", max(0, at - _LONGEST_PLAIN), at) + 1
        end = part.find(b"\0", at, at + _LONGEST_PLAIN)
        if _is_table(part[start : end + 1]):
            end = part.find(_PLAIN_END, at, start + _LONGEST_PLAIN)
            return [part[start : end if end >= 0 else start + _LONGEST_PLAIN]]
    return []


def _words(part: bytes) -> array[int]:
    words = array("I")
    words.frombytes(part[: len(part) // _WORD * _WORD])
    return words


_PLACE = rb"(?:\x44\x24.|\x84\x24..\0\0|\x45.|\x85..\xff\xff)"
_BITS = rb"(?:[\xc8-\xcf]|\x4c\x24.|\x8c\x24..\0\0|\x4d.|\x8d..\xff\xff)"
_IMMEDIATES = re.compile(
    rb"[\x80\x83]%b(.)|\xc6%b(.)|\xc7%b(..)|\x81%b(..)|\x0d(..)\0\0" % (_BITS, _PLACE, _PLACE, _BITS), re.DOTALL
)
"""Of instructions of x86 that write a number to the stack, or into bits that were cleared: `or eax, 40`."""


def _immediates(code: bytes) -> array[int]:
    found = (one[one.lastindex or 0] for one in _IMMEDIATES.finditer(code))
    return array("I", (int.from_bytes(one, "little") for one in found))


def _split(text: bytes, lengths: array[int]) -> list[bytes]:
    """The strings in `text`, if their lengths are among `lengths`; else all of it as one.

    The known ones tell where: what is in front of one, and its own length, must be sums of neighbours.
    """
    sums = array("Q", accumulate(lengths, initial=0))
    votes = Counter(start for word in _KNOWN for start in _starts(text, word, lengths, sums))
    start, fitting = max(votes.items(), key=lambda vote: (vote[1], -vote[0]), default=(0, 0))
    return list(_pieces(text, lengths, start)) if fitting >= _FEWEST else [text]


def _starts(text: bytes, word: bytes, lengths: array[int], sums: Sequence[int]) -> set[int]:
    """Where the lengths may begin if `word` is one of the strings."""
    places = [found.start() for found in islice(re.finditer(word, text), _MOST_PLACES)]
    starts = set()
    for index, place in islice(product(_indexes(lengths, len(word)), places), _MOST_TRIES):
        start = bisect_left(sums, sums[index] - place, 0, index)
        if sums[start] == sums[index] - place:
            starts.add(start)
    return starts


def _indexes(lengths: array[int], length: int) -> Iterator[int]:
    """Where `length` stands among `lengths`, at the speed of C."""
    index = -1
    with suppress(ValueError):
        while True:
            index = lengths.index(length, index + 1)
            yield index


def _pieces(text: bytes, lengths: Sequence[int], start: int) -> Iterator[bytes]:
    """The strings whose lengths begin at `start`, as far as they fit, and the rest as one."""
    at = 0
    for index in range(start, len(lengths)):
        end = at + lengths[index]
        if end > len(text):
            break
        yield text[at:end]
        at = end
    yield text[at:]


def module(parts: Iterable[bytes]) -> str:
    """The name of the module, by that of the function that makes it."""
    found = next((found for part in parts if (found := re.search(rb"PyInit_(\w{1,200})\0", part))), None)
    return found[1].decode("ascii") if found else ""
