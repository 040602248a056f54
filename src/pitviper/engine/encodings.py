"""How an anchor looks when it is encoded, so that the one pass finds it there too.

Base64 turns three bytes into four characters. So four bytes have only three ways to stand in it, by their distance from
a multiple of three, and in each of them all characters but the outermost are fixed: `ghp_` is `Z2hwX`, `docF` (between
two characters that depend on neighbours) or `naHBf`. These literals go into the same Vectorscan database as the anchors
themselves, where thousands more of them cost almost nothing; to look for the *runs* costs 30 times what the whole pass
does. Base64 of base64, of hex and of UTF-16 has such literals just as well, and so have hex and escapes.

What cannot be known beforehand, because it is compressed or encoded more often, betrays itself by the head of the
compressed data, or by the name of a decoder near it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from enum import IntEnum
from functools import cache
from itertools import product
from urllib.parse import quote, quote_from_bytes, quote_plus

import msgspec

from pitviper import __version__
from pitviper.cache import load, store
from pitviper.engine import boundary
from pitviper.rules.schema import Rule, RuleSet

Shape = tuple[frozenset[int], ...]
"""What each byte of some text may be."""

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_WRITTEN_AS = tuple(frozenset(pair) for pair in zip(_ALPHABET, _ALPHABET[:62] + b"-_", strict=True))
"""How base64 writes six bits: as in its alphabet, or in the URL-safe one."""
_ANY = frozenset(range(256))
_ZERO = frozenset((0,))
_FEW = 16
_GROUP = 3

_MOST_BYTES = 12
"""Of an anchor: more make literals no rarer."""
_MOST_CHARACTERS = 8
_SHORTEST = 4
"""Characters of a literal: shorter ones stand everywhere."""
_LEAST_BITS = 22
"""A literal that knows less stands in random base64 more than once in 4 million characters."""
_LEAST_KNOWN = 3
"""Bytes of an anchor that are fixed, for escapes: each makes two to six characters."""
_MOST_ESCAPED = 4


class Coding(IntEnum):
    """Ways to encode that have literals of their own, and the sign of a decoder near by."""

    BASE64 = 0
    HEX = 1
    ESCAPES = 2
    PERCENT = 3
    ENTITIES = 4
    NUMBERS = 5
    CONTEXT = 6
    WIDE = 7
    """UTF-16 and UTF-32 within a binary: `phase` is the width of a character."""


class Literal(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Text to look for. `phase`: how many characters in front of its end belong to an unfinished group."""

    text: bytes
    ignore_case: bool
    coding: Coding
    phase: int

    @property
    def expression(self) -> str:
        """For Vectorscan."""
        return re.escape(self.text.decode("ascii")).replace("\0", r"\x00")


def literals(rules: RuleSet) -> list[Literal]:
    """All there are for `rules`: from the cache, else made, which takes a tenth of a second."""
    name = f"encoded-{__version__}-{rules.digest}.msgpack"
    if stored := load(name):
        try:
            return msgspec.msgpack.decode(stored, type=list[Literal])
        except msgspec.DecodeError:
            pass
    made = sorted(set(_make(rules.rules)), key=lambda one: (one.text, one.ignore_case, one.coding, one.phase))
    store(name, msgspec.msgpack.encode(made))
    return made


def _make(rules: Sequence[Rule]) -> Iterator[Literal]:
    known = {shape for rule in rules if not rule.generic for shape in shapes(rule)}
    for shape in known:
        yield from _in_base64(shape)
        yield from _in_hex(bytes(_fixed(shape)))
        yield from _escaped(bytes(_fixed(shape)))
        yield from _wide(bytes(_fixed(shape)))
    for anchor in {anchor for rule in rules if not rule.anchors_ignore_case for anchor in rule.anchors}:
        yield from _quoted(anchor)
    if known:
        yield from _heads()
        yield from _urls()
        yield from _decoders()


def shapes(rule: Rule) -> Iterator[Shape]:
    """The first bytes of the anchors of `rule`, as far as they are known. Words in any case say too little."""
    if not rule.anchors_ignore_case:
        for anchor in rule.anchors:
            yield tuple(frozenset((byte,)) for byte in anchor.encode()[:_MOST_BYTES])
        for pattern in _alternatives(rule.anchor_pattern) if rule.anchor_pattern else ():
            yield tuple(_sets(pattern))


_PIECE = re.compile(r"\\([^0-9A-Za-z])|\[([^\]]+)\]|([^\\\[\](){}?*+|.^$])")
_REPEAT = re.compile(r"\{(\d+)(?:,\d*)?\}")
_CHOICE = re.compile(r"\(\?:([^()]*)\)")


def _alternatives(pattern: str) -> Iterator[str]:
    """`pattern` without its first group, once for each thing that may stand there."""
    choice = _CHOICE.search(pattern)
    if choice is None or sum(1 for _ in _sets(pattern[: choice.start()])) >= _SHORTEST:
        yield pattern
        return
    for one in choice[1].split("|"):
        yield from _alternatives(pattern[: choice.start()] + one + pattern[choice.end() :])


def _sets(pattern: str) -> Iterator[frozenset[int]]:
    """What the first bytes of a match of `pattern` may be, up to what is too involved."""
    position = given = 0
    while given < _MOST_BYTES and (piece := _PIECE.match(pattern, position)):
        position = piece.end()
        repeat = _REPEAT.match(pattern, position)
        times = int(repeat[1]) if repeat else 1
        following = pattern[position : position + 1]
        if following in {"?", "*"} or not times:
            return
        one = boundary.members(piece[2]) if piece[2] else frozenset((piece[1] or piece[3]).encode())
        for _ in range(min(times, _MOST_BYTES - given)):
            yield one
        given += times
        if following == "+" or (repeat and not repeat[0].removeprefix("{").removesuffix("}").isdigit()):
            return
        position = repeat.end() if repeat else position


def _fixed(shape: Shape) -> Iterator[int]:
    """The bytes that `shape` begins with, up to the first that may be several."""
    for one in shape[:_MOST_ESCAPED]:
        if len(one) != 1:
            return
        yield from one


def _in_base64(shape: Shape) -> Iterator[Literal]:
    """In base64: as it is, as UTF-16 (PowerShell), and in base64 again."""
    wide = tuple(one for byte in shape[:5] for one in (byte, _ZERO))
    layered = [shape[:8], wide]
    for distance in range(_GROUP):
        encoded = base64_of(shape[:6], distance)
        start = next((index for index, one in enumerate(encoded) if len(one) <= _FEW), len(encoded))
        layered.append(encoded[start : start + 7])
    for one in layered:
        for distance in range(_GROUP):
            yield from _rarest(base64_of(one, distance), Coding.BASE64, 4)


def base64_of(shape: Shape, distance: int) -> Shape:
    """What the characters of base64 may be if `shape` stands `distance` bytes behind a group's beginning."""
    whole = (_ANY,) * distance + shape + (_ANY,)
    return tuple(_character(whole[bit // 8], whole[bit // 8 + 1], bit % 8) for bit in range(0, len(whole) * 8 - 8, 6))


@cache
def _character(first: frozenset[int], second: frozenset[int], offset: int) -> frozenset[int]:
    """What a character may be whose six bits begin at bit `offset` of a byte that is one of `first`."""
    high = {one << 8 >> (10 - offset) & 63 for one in first}
    low = {one >> (10 - offset) for one in second} if offset > 2 else {0}  # noqa: PLR2004
    if len(high) == len(low) == 1:  # so are most
        return _WRITTEN_AS[high.pop() | low.pop()]
    return frozenset().union(*(_WRITTEN_AS[one] for one in {one | other for one in high for other in low}))


def _rarest(characters: Shape, coding: Coding, group: int) -> Iterator[Literal]:
    """The part of `characters` that says most and can be written in few ways, in all of them."""
    for most in (1, 4, 16):
        bits, start, stop = _best(characters, most)
        if bits >= _LEAST_BITS and stop - start >= _SHORTEST:
            for text in product(*map(sorted, characters[start:stop])):
                yield Literal(bytes(text), False, coding, stop % group)  # noqa: FBT003 - its fields are an array
            return


_BITS_LEFT = tuple(6 - math.log2(ways) for ways in range(1, 67))
"""What a character says that may be one of `n + 1`: base64 has 64, and two more where it is URL-safe."""


def _best(characters: Shape, most: int) -> tuple[float, int, int]:
    """The bits, start and end of the part of `characters` that says most, if it can be written in `most` ways."""
    best = (0.0, 0, 0)
    start, ways, bits = 0, 1, 0.0
    for stop, one in enumerate(characters, 1):
        ways *= len(one)
        bits += _BITS_LEFT[len(one) - 1]
        while ways > most or stop - start > _MOST_CHARACTERS:
            ways //= len(characters[start])
            bits -= _BITS_LEFT[len(characters[start]) - 1]
            start += 1
        if bits > best[0]:
            best = bits, start, stop
    return best


def _in_hex(text: bytes) -> Iterator[Literal]:
    if len(text) >= _SHORTEST:
        yield Literal(text.hex().encode(), True, Coding.HEX, 0)  # noqa: FBT003


def _wide(text: bytes) -> Iterator[Literal]:
    """In UTF-16 and UTF-32, without the zeros in front and behind, which tell the order of bytes."""
    if len(text) >= _LEAST_KNOWN:
        for width in (2, 4):
            spread = bytes(width - 1).join(bytes((byte,)) for byte in text)
            yield Literal(spread, False, Coding.WIDE, width)  # noqa: FBT003


_ESCAPED: tuple[tuple[Coding, str, str], ...] = (
    (Coding.ESCAPES, r"\x{:02x}", ""),
    (Coding.ESCAPES, r"\u{:04x}", ""),
    (Coding.ESCAPES, r"\{:03o}", ""),
    (Coding.PERCENT, "%{:02x}", ""),
    (Coding.ENTITIES, "&#{};", ""),
    (Coding.ENTITIES, "&#x{:x};", ""),
    (Coding.NUMBERS, "{}", ", "),
    (Coding.NUMBERS, "{}", ","),
    (Coding.NUMBERS, "0x{:02x}", ", "),
    (Coding.NUMBERS, "0x{:02x}", ","),
    (Coding.NUMBERS, "{:02x}", " "),
)


def _escaped(text: bytes) -> Iterator[Literal]:
    """With every byte escaped; and quoted as in a URL, where that changes it."""
    if len(text) < _LEAST_KNOWN:
        return
    for coding, unit, between in _ESCAPED:
        escaped = between.join(unit.format(byte) for byte in text).encode()
        yield Literal(escaped, True, coding, 0)  # noqa: FBT003
    quoted = quote_from_bytes(text, safe="").encode()
    if quoted != text:
        yield Literal(quoted, True, Coding.PERCENT, 0)  # noqa: FBT003


_IN_JSON = ("<>&='", "<>&'+\"", "/")
"""What serialisers write as an escape: Gson, .NET, and PHP."""


def _quoted(anchor: str) -> Iterator[Literal]:
    """`anchor` as URLs and JSON have it, where they escape what is not a letter or a digit in it."""
    for percent in (quote(anchor, safe=""), quote_plus(anchor.strip())):
        if percent not in (anchor, anchor.strip()):
            yield Literal(percent.encode(), True, Coding.PERCENT, 0)  # noqa: FBT003
    for special in _IN_JSON:
        written = "".join((r"\/" if one == "/" else f"\\u{ord(one):04x}") if one in special else one for one in anchor)
        if written != anchor:
            yield Literal(written.encode(), True, Coding.ESCAPES, 0)  # noqa: FBT003


_ESCAPED_BEHIND = re.compile(rb"""[^\s"'<>]{0,160}?(?:(?P<percent>%[2-7][0-9A-Fa-f])|\\(?:/|u00[2-7][0-9A-Fa-f]))""")
_BEHIND = {
    "percent": Literal(b"%", False, Coding.PERCENT, 0),  # noqa: FBT003
    None: Literal(b"\\", False, Coding.ESCAPES, 0),  # noqa: FBT003
}


def escaped_behind(data: bytearray, end: int) -> Literal | None:
    """What an anchor that ends at `end` tells if escapes stand close behind it: most of a token may need none."""
    found = _ESCAPED_BEHIND.match(data, end)
    return _BEHIND[found.lastgroup] if found else None


_BEFORE = (b'"', b"'", b"\0", b" ", b"\n", b"=", b",", b">", b"`")
"""In front of base64 whose first characters alone would be too few."""
_ZLIB = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_LONG_HEADS = (b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ\x00", b"\x5d\x00\x00\x80\x00", b"\x5d\x00\x00\x00\x04")
_WRITTEN = (
    *(rb"x\x9c", rb"x\xda", rb"x\x01", rb"x^\x", rb"\x78\x", rb"\x1f\x8b\x08", rb"\xfd7zXZ", rb"\xfd\x37\x7a"),
    *(b"BZh91AY", rb"\x42\x5a\x68", rb"]\x00\x00", rb"\x5d\x00\x00"),
)
_PROGRAMS = (b"import ", b"from ", b"exec(", b"eval(", b"__import__", b"#!/bin/", b"#!/usr/", b"#!python")


def _heads() -> Iterator[Literal]:
    """How compressed data and programs begin in base64, in hex and in the notation of `repr`."""
    for head in _ZLIB + _LONG_HEADS:
        once = base64_of(tuple(frozenset((byte,)) for byte in head), 0)
        for encoded in (once, base64_of(once, 0)):
            for text in product(*map(sorted, encoded[:5])):
                for before in _BEFORE if len(text) <= _SHORTEST else (b"",):
                    yield Literal(before + bytes(text), False, Coding.BASE64, len(text) % 4)  # noqa: FBT003
        for before in _BEFORE[:3]:
            yield Literal(before + head.hex().encode(), True, Coding.HEX, 0)  # noqa: FBT003
    for head in _PROGRAMS:
        encoded = base64_of(tuple(frozenset((byte,)) for byte in head), 0)
        fixed = [one for one in encoded if len(one) == 1]
        yield Literal(bytes(byte for one in fixed for byte in one), False, Coding.BASE64, len(fixed) % 4)  # noqa: FBT003
    for before in (b"'", b'"'):
        for written in _WRITTEN:
            yield Literal(before + written, False, Coding.ESCAPES, 0)  # noqa: FBT003


_PROTOCOLS = (b"postgres", b"postgresql", b"mysql", b"mongodb", b"mongodb+srv", b"redis", b"rediss", b"amqp", b"amqps")
"""Of stores: the URLs of the web, which JSON is full of, hardly ever have passwords."""


def _urls() -> Iterator[Literal]:
    """How URLs begin that hold passwords, where URLs and JSON hold them in turn."""
    for quoted in (b"%3a%2f%2f", b"%253a%252f%252f"):
        yield Literal(quoted, True, Coding.PERCENT, 0)  # noqa: FBT003
    for protocol, slash in product(_PROTOCOLS, (rb"\/", rb"\u002f")):
        yield Literal(protocol + b":" + slash * 2, True, Coding.ESCAPES, 0)  # noqa: FBT003


_DECODERS = (
    b"b64decode",
    b"decodebytes",
    b"decodestring",
    b"unhexlify",
    b"fromhex",
    b"a2b_base64",
    b"a2b_hex",
    b"FromBase64String",
    b"base64 -d",
    b"base64 --decode",
    b"atob(",
    b"b85decode",
    b"a85decode",
    b"b32decode",
    b"-EncodedCommand",
)


def _decoders() -> Iterator[Literal]:
    for name in _DECODERS:
        yield Literal(name, True, Coding.CONTEXT, 0)  # noqa: FBT003
