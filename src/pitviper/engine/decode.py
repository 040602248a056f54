"""Decoded layers: what stands encoded in a blob, as bytes to be searched like any others, with the way back.

`pitviper.engine.encodings` tells the one pass what to look for. Where that stands, the run around it is decoded, and
decompressed, and searched by the same matcher, and so on within what came out. Every step is bounded: see `Budget`.
"""

from __future__ import annotations

import base64
import binascii
import bz2
import lzma
import re
import time
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from math import inf

import msgspec

from pitviper.engine import text
from pitviper.engine.encodings import Coding, Literal
from pitviper.engine.matcher import Match, Matcher, Seen
from pitviper.engine.prefilter import Hit
from pitviper.model.blob import Blob, Span

MAX_LAYERS = 20_000
"""Decoded layers of one blob."""
MAX_BYTES = 64 * 1024 * 1024
"""Decoded bytes of one blob."""
MAX_DEPTH = 8
"""Layers within each other."""

_NEAR = 4096
"""Bytes around the name of a decoder in which whatever looks encoded is decoded."""
_FURTHEST = 64 * 1024
"""Bytes in front of an escape in which its string may begin."""
_LEAST = 16
"""Characters of a line that goes on in the next one; encoded bytes worth searching."""
_LEAST_RUN = 24
"""Characters of a run near a decoder: 18 bytes of base64."""
_MEMORY = 32 * 1024 * 1024
"""Bytes for the dictionary of xz and lzma."""

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"
_HEX = b"0123456789abcdefABCDEF"
_BETWEEN = (
    rb"""(?=[\\"' \t\r\n+])(?:(?:\\[rn])*["']?[ \t]{0,200}[+\\]?[ \t]{0,200}\r?\n[ \t]{0,200}"""
    rb"""(?:[bruBRU]{0,2}["'])?|(?:\\[rn])+)"""
)
"""Between two lines of one run: a newline with indentation, an escaped one, or the end of one string and the next."""
_BETWEEN_CHARACTERS = b" \t\r\n\"'\\+"
_SEPARATOR = re.compile(_BETWEEN)
_URL_SAFE = bytes.maketrans(b"-_", b"+/")

_MEDIA = (
    b"\x89PNG\r\n",
    b"\xff\xd8\xff",
    b"GIF8",
    b"RIFF",
    b"wOFF",
    b"wOF2",
    b"OTTO",
    b"\x00\x01\x00\x00",
    b"ID3",
    b"OggS",
    b"\x1aE\xdf\xa3",
    b"\x00\x00\x01\x00",
)
"""Images, fonts, sound: nobody's token, and much of it."""


def _run(alphabet: bytes, least: int) -> re.Pattern[bytes]:
    """At least `least` characters of `alphabet`, on several lines if all but the last are long."""
    one = b"[" + re.escape(alphabet) + b"]"
    line = b"%b{%d,}+%b(?=%b)" % (one, _LEAST, _BETWEEN, one)
    return re.compile(b"(?:%b)++%b++|%b{%d,}+" % (line, one, one, least))


class Budget(msgspec.Struct):
    """What is left for a blob, and what was found in it."""

    layers: int = MAX_LAYERS
    room: int = MAX_BYTES
    exceeded: str = ""
    """What there was too much of."""
    found: set[tuple[int | None, str, int]] = set()
    """Where, by which rule, and the hash of what: two ways to decode a run, or two windows with parts of it, may lead
    to the same."""

    def take(self, data: bytes) -> bool:
        """Whether `data` may be looked into as another layer."""
        if not self.layers:
            self.exceeded = f"more than {MAX_LAYERS:,} encoded runs"
        elif len(data) > self.room:
            self.exceeded = f"more than {MAX_BYTES // 1024 // 1024} MiB of decoded bytes"
        else:
            self.layers -= 1
            self.room -= len(data)
            return True
        return False

    def is_new(self, start: int | None, match: Match) -> bool:
        """Whether `match` was not found before in the run at `start`, or, if that is None, in the blob."""
        key = start, match.rule.id, hash(match.secret)
        before = len(self.found)
        self.found.add(key)
        return len(self.found) > before


class Layer(msgspec.Struct):
    """Decoded bytes. `start:end` is where the outermost run stands in the blob's buffer, `how` what was undone."""

    start: int
    end: int
    how: tuple[str, ...]
    data: bytes
    is_run: bool
    """As a whole it is another run, which is a layer of its own."""

    def __repr__(self) -> str:
        """Never shows the bytes: a repr ends up in logs."""
        return f"Layer({self.start}:{self.end}, {self.how})"


class Revealed(msgspec.Struct):
    """What was seen in a layer, whose bytes are in `data` at `seen.span`."""

    layer: Layer
    data: bytearray
    seen: Seen

    def __repr__(self) -> str:
        """Never shows the bytes: a repr ends up in logs."""
        return f"Revealed({self.layer}, {self.seen.matches})"


class Decoder:
    """Searches decoded layers with the rules of `matcher`. One for each worker."""

    def __init__(self, matcher: Matcher) -> None:
        self._matcher = matcher

    def look(
        self, data: bytearray, seen: Seen, hits: Sequence[Hit], budget: Budget, seconds: float = inf
    ) -> list[Revealed]:
        """What there is in the encoded runs at `hits`, in the order of the runs; nothing of generic rules.

        Not in runs that a match in `seen` holds or touches: its rule knows that form, and has told what is in there.
        """
        deadline = time.perf_counter() + seconds
        revealed: list[Revealed] = []
        told = {match.secret for match in seen.matches if _is_known(match)}
        is_window = seen.span.base > 0 or seen.span.last < seen.span.end
        layers = list(self._layers(data, seen, hits, None, budget))
        while layers and time.perf_counter() < deadline:
            buffer, spans = _packed(seen.span.blob, layers)
            by_start = {span.start: layer for span, layer in zip(spans, layers, strict=True)}
            layers = []
            for span, found in self._matcher.hits(buffer, len(buffer), spans):
                layer = by_start[span.start]
                inside = self._matcher.look(buffer, span, found, deadline - time.perf_counter())
                start = None if is_window else layer.start
                inside.matches = [
                    one
                    for one in inside.matches
                    if not one.rule.generic and one.secret not in told and budget.is_new(start, one)
                ]
                revealed.append(Revealed(layer, buffer, inside))
                if layer.is_run:
                    continue
                if len(layer.how) < MAX_DEPTH:
                    layers += self._layers(buffer, inside, found, layer, budget)
                elif self._matcher.encoded_among(found):
                    budget.exceeded = f"more than {MAX_DEPTH} layers of encoding"
        return sorted((one for one in revealed if one.seen.matches), key=lambda one: one.layer.start)

    def _layers(
        self, data: bytearray, seen: Seen, hits: Iterable[Hit], around: Layer | None, budget: Budget
    ) -> Iterator[Layer]:
        """The layers that begin at `hits` in a blob, or in the layer `around` them."""
        taken = _Taken(seen.matches)
        for start, end, name, decoded in Runs(data, seen.span, binary=seen.binary).at(self._literals(seen.span, hits)):
            if not decoded or (name not in _MIXTURES and taken.touches(start, end)):
                continue
            is_cut = end == seen.span.end > seen.span.last
            at = (around.start, around.end, around.how) if around else (start, end, ())
            for how, content, is_run in _unfolded(decoded, (*at[2], name), budget):
                if not budget.take(content):
                    return
                if is_cut and _COMPRESSIONS.intersection(how):
                    budget.exceeded = "a compressed and encoded run of more than a window"
                yield Layer(at[0], at[1], how, content, is_run)

    def _literals(self, span: Span, hits: Iterable[Hit]) -> Iterator[tuple[Literal, int, int]]:
        """Those of `hits` that tell of something encoded, as far as this window owns them."""
        for number, start, end in hits:
            literal = self._matcher.encoded_at(number)
            if literal and span.first <= start < span.last:
                yield literal, start, end


def _is_known(match: Match) -> bool:
    """Whether the rule of `match` knows what is there."""
    return match.proved or not match.rule.generic


class _Taken:
    """Where a rule already told what is there: in the secrets of provider's rules, and whatever is proved."""

    def __init__(self, matches: Iterable[Match]) -> None:
        self._spans = sorted((match.secret_start, match.secret_end) for match in matches if _is_known(match))
        self._starts = [start for start, _ in self._spans]
        self._longest = max((end - start for start, end in self._spans), default=0)

    def touches(self, start: int, end: int) -> bool:
        """Whether something known overlaps `start:end`."""
        index = bisect_right(self._starts, end - 1) - 1
        while index >= 0 and self._starts[index] > start - self._longest:
            if self._spans[index][1] > start:
                return True
            index -= 1
        return False


def _packed(blob: Blob, layers: Sequence[Layer]) -> tuple[bytearray, list[Span]]:
    """`layers` in one buffer, for one pass."""
    spans = []
    position = 0
    for layer in layers:
        end = position + len(layer.data)
        spans.append(Span(blob, position, end, position, end))
        position = end + 1
    return bytearray(b"\n".join(layer.data for layer in layers)), spans


def _unfolded(data: bytes, how: tuple[str, ...], budget: Budget) -> Iterator[tuple[tuple[str, ...], bytes, bool]]:
    """`data`, decompressed if it is compressed, as UTF-8 if it is UTF-16, and decoded if it is a run as a whole."""
    while len(data) >= _LEAST and not data.startswith(_MEDIA):
        if len(how) > MAX_DEPTH:
            budget.exceeded = f"more than {MAX_DEPTH} layers of encoding"
            return
        for name, head, decompress in _COMPRESSED:
            if head.match(data) and (plain := _decompressed(decompress, data, budget)):
                how, data = (*how, name), plain
                break
        else:
            name, following = _next(data)
            yield how, data, bool(name)
            how, data = (*how, name), following


def _next(data: bytes) -> tuple[str, bytes]:
    """What `data` is as a whole, and what that decodes to; nothing if it is no run."""
    if codec := text.wide(bytearray(data[:1024]), 0, min(1024, len(data))):
        return codec, data.decode(codec, "replace").encode("utf-8", "replace")
    stripped = data.strip(b" \t\r\n\"'=")
    if _WHOLE_HEX.fullmatch(stripped):
        return "hex", unhex(_joined(stripped))
    if _WHOLE_BASE64.fullmatch(stripped):
        return "base64", unbase64(_joined(stripped))
    return "", b""


Undo = Callable[[bytes], bytes]
Decompress = Callable[[bytes, int], tuple[bytes, bool]]


def _decompressed(decompress: Decompress, data: bytes, budget: Budget) -> bytes:
    """What comes out of `data`, as far as there is room for it."""
    try:
        plain, is_cut = decompress(data, max(1, budget.room))
    except (zlib.error, OSError, EOFError, lzma.LZMAError, ValueError):
        return b""
    if is_cut:
        budget.exceeded = f"more than {MAX_BYTES // 1024 // 1024} MiB of decoded bytes"
    return plain


def _zlib(data: bytes, room: int) -> tuple[bytes, bool]:
    inner = zlib.decompressobj(zlib.MAX_WBITS | 32)  # 32: zlib or gzip, as its head says
    plain = inner.decompress(data, room)
    return plain, bool(inner.unconsumed_tail)


def _bz2(data: bytes, room: int) -> tuple[bytes, bool]:
    inner = bz2.BZ2Decompressor()
    plain = inner.decompress(data, room)
    return plain, not inner.eof and not inner.needs_input


def _lzma(data: bytes, room: int) -> tuple[bytes, bool]:
    inner = lzma.LZMADecompressor(memlimit=_MEMORY)
    plain = inner.decompress(data, room)
    return plain, not inner.eof and not inner.needs_input


_COMPRESSED: tuple[tuple[str, re.Pattern[bytes], Decompress], ...] = (
    ("zlib", re.compile(rb"\x78[\x01\x5e\x9c\xda]"), _zlib),
    ("gzip", re.compile(rb"\x1f\x8b\x08"), _zlib),
    ("bz2", re.compile(rb"BZh[1-9]"), _bz2),
    ("lzma", re.compile(rb"\xfd7zXZ\x00|\x5d\x00\x00[\x00-\xff]{2}"), _lzma),
)


_COMPRESSIONS = frozenset(name for name, _, _ in _COMPRESSED)


def unbase64(characters: bytes) -> bytes:
    """Base64, of either alphabet, whatever its padding or end."""
    whole = characters.rstrip(b"=").translate(_URL_SAFE)
    whole = whole[: len(whole) - (len(whole) % 4 == 1)]
    try:
        return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))
    except binascii.Error:
        return b""


def unhex(digits: bytes) -> bytes:
    """Hex, without half a byte at its end."""
    return binascii.a2b_hex(digits[: len(digits) & ~1])


def _joined(run: bytes) -> bytes:
    """`run` on one line."""
    if b"\\" in run or b'"' in run or b"'" in run:
        return _SEPARATOR.sub(b"", run)
    return run.translate(None, b" \t\r\n") if b"\n" in run else run


_WHOLE_BASE64 = _run(_BASE64, _LEAST)
_WHOLE_HEX = _run(_HEX, _LEAST)

_ESCAPE = re.compile(
    rb"""\\x([0-9a-f]{2})|\\u([0-9a-f]{4})|\\u\{([0-9a-f]{1,6})\}|\\([0-7]{1,3})|\\(.)"""
    rb"""|["'][ \t]{0,200}[+\\]?[ \t]{0,200}\r?\n[ \t]{0,200}[bru]{0,2}["']""",
    re.IGNORECASE | re.DOTALL,
)
_PLAIN = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v", b"\n": b""}
_PERCENT = re.compile(rb"%([0-9a-f]{2})", re.IGNORECASE)
_ENTITY = re.compile(rb"&#(?:x([0-9a-f]{1,6})|([0-9]{1,7}));", re.IGNORECASE)
_CHARACTER_LIMIT = 0x110000
_BYTE = 0xFF


def _character(number: int) -> bytes:
    """A character from a literal of bytes or of text: what is no byte is no part of bytes."""
    if number <= _BYTE:
        return bytes((number,))
    return chr(number).encode("utf-8", "replace") if number < _CHARACTER_LIMIT else b""


def _unescape_one(found: re.Match[bytes]) -> bytes:
    hexadecimal = found[1] or found[2] or found[3]
    if hexadecimal:
        return _character(int(hexadecimal, 16))
    if found[4]:
        return _character(int(found[4], 8) & _BYTE)
    return _PLAIN.get(found[5], found[5]) if found[5] else b""


def unescape(content: bytes) -> bytes:
    """The content of a string literal."""
    return _ESCAPE.sub(_unescape_one, content)


def unpercent(content: bytes) -> bytes:
    """As in URLs."""
    return _PERCENT.sub(lambda found: bytes((int(found[1], 16),)), content)


def unentity(content: bytes) -> bytes:
    """Numeric entities of HTML and XML."""
    return _ENTITY.sub(lambda found: _character(int(found[1], 16) if found[1] else int(found[2])), content)


def unnumber(content: bytes) -> bytes:
    """Bytes as numbers: `103, 104`, `0x67, 0x68`, `67 68`."""
    if b"0x" in content.lower():
        numbers = (int(one, 16) for one in re.findall(rb"0[xX]([0-9a-fA-F]{1,2})\b", content))
    elif b"," in content:
        numbers = (int(one) for one in re.findall(rb"\b[0-9]{1,3}\b", content))
    else:
        numbers = (int(one, 16) for one in re.findall(rb"\b[0-9a-fA-F]{2}\b", content))
    return bytes(one for one in numbers if one <= _BYTE)


Run = tuple[int, int, str, bytes]
"""Start and end of a run in the buffer, the name of its encoding, and what it decodes to."""

_ESCAPED: dict[Coding, tuple[str, bytes, Undo]] = {
    Coding.ESCAPES: ("escapes", b"\"'\n", unescape),
    Coding.PERCENT: ("percent", b"\"'<>\r\n\t `", unpercent),
    Coding.ENTITIES: ("entities", b"\"'<>\r\n\t `", unentity),
    Coding.NUMBERS: ("numbers", b"[](){}\"';:=", unnumber),
}
"""The name of each, what ends a run of it, and how to undo it."""
_MIXTURES = frozenset(name for name, _, _ in _ESCAPED.values())
"""What stands unescaped in their runs stands there in the layer too, and is no reason to leave out the rest."""
_ENDS = {coding: re.compile(b"[" + re.escape(ends) + b"]") for coding, (_, ends, _undo) in _ESCAPED.items()}
_LITERAL = {
    quote: re.compile(
        rb"""(?:[^\\%b\n]++|\\.|%b[ \t]{0,200}[+\\]?[ \t]{0,200}\r?\n[ \t]{0,200}[bruBRU]{0,2}%b)*+"""
        % (quote, quote, quote),
        re.DOTALL,
    )
    for quote in (b'"', b"'")
}
_LINE = re.compile(rb"""(?:[^\\"'\n]++|\\.)*+""", re.DOTALL)


class Runs:
    """The encoded runs in a span. For hits in the order in which they end."""

    def __init__(self, data: bytearray, span: Span, *, binary: bool) -> None:
        self._data = data
        self._span = span
        self._binary = binary
        self._known: set[tuple[str, int, int]] = set()
        self._strings_end: dict[bytes, int] = {}
        self._covered = dict.fromkeys(Coding, span.start)
        self._regions = {
            Coding.BASE64: _Region(data, span, _WHOLE_BASE64, _BASE64),
            Coding.HEX: _Region(data, span, _WHOLE_HEX, _HEX),
        }

    def at(self, literals: Iterable[tuple[Literal, int, int]]) -> Iterator[Run]:
        """The runs at `literals`, each of which stands at two positions of the buffer."""
        for literal, start, end in literals:
            if literal.coding is Coding.CONTEXT:
                yield from self._near(literal.text, start, end)
            elif literal.coding in self._regions:
                yield from self._aligned(literal, end)
            elif start >= self._covered[literal.coding]:
                yield self._escaped(literal.coding, start)

    def _aligned(self, literal: Literal, end: int) -> Iterator[Run]:
        """The run of base64 or hex around the literal that ends at `end`, which knows where groups begin."""
        found = self._regions[literal.coding].around(end - 1)
        if found:
            group = 4 if literal.coding is Coding.BASE64 else 2
            in_front = self._regions[literal.coding].characters(end)
            yield from self._decoded(literal.coding, found, (in_front - literal.phase) % group)

    def _decoded(self, coding: Coding, at: tuple[int, int], skip: int) -> Iterator[Run]:
        """The run `at`, without its first `skip` characters, which belong to something else; once."""
        name = coding.name.lower()
        if (name, at[0], skip) not in self._known:
            self._known.add((name, at[0], skip))
            run = _joined(bytes(self._data[slice(*at)]))[skip:]
            yield (*at, name, unhex(run) if coding is Coding.HEX else unbase64(run))

    def _escaped(self, coding: Coding, at: int) -> Run:
        """The run of escapes around `at`."""
        if coding is Coding.ESCAPES:
            start, end = self._string(at)
        else:
            start, end = self._between(coding, at)
        name, _, undo = _ESCAPED[coding]
        self._covered[coding] = end
        return start, end, name, undo(bytes(self._data[start:end]))

    def _string(self, at: int) -> tuple[int, int]:
        """The content of the string literal around `at`."""
        low = max(self._span.start, self._covered[Coding.ESCAPES], at - _FURTHEST)
        if bytes(self._data[at : at + 1]) in _LITERAL:
            at += 1
        start = max(low, *(self._data.rfind(stop, low, at) + 1 for stop in (b'"', b"'", b"\n")))
        opening = bytes(self._data[start - 1 : start]) if start > self._span.start else b""
        found = _LITERAL.get(opening, _LINE).match(self._data, start, self._span.end)
        return start, max(at + 1, found.end() if found else at)

    def _between(self, coding: Coding, at: int) -> tuple[int, int]:
        """What stands around `at` between two characters that end a run."""
        low = max(self._span.start, self._covered[coding], at - _FURTHEST)
        start = max(low, *(self._data.rfind(bytes((one,)), low, at) + 1 for one in _ESCAPED[coding][1]))
        stop = _ENDS[coding].search(self._data, at, self._span.end)
        return start, stop.start() if stop else self._span.end

    def _near(self, decoder: bytes, start: int, end: int) -> Iterator[Run]:
        """Whatever looks encoded near the name of a `decoder`."""
        low = max(self._span.start, self._covered[Coding.CONTEXT], start - _NEAR)
        high = min(self._span.end, end + _NEAR)
        if decoder in _STRINGS:
            yield from self._strings(decoder, start, high)
        self._covered[Coding.CONTEXT] = max(low, high)
        for begin, stop in self._long(low, high):
            whole = _NEAR_RUN.match(self._data, begin, self._span.end) if stop == high else None
            at = whole.span() if whole else (begin, stop)
            self._covered[Coding.CONTEXT] = max(high, at[1])
            yield from self._looks_encoded(at)

    def _long(self, low: int, high: int) -> Iterator[tuple[int, int]]:
        """Long runs of base64 or hex in `low:high`; a search for the pattern would take five times as long."""
        marks = bytes(self._data[low:high]).translate(_MARKS)
        at = marks.find(_LONG)
        while at >= 0:
            found = _NEAR_RUN.match(self._data, low + at, high)
            if found:
                yield found.span()
            at = marks.find(_LONG, found.end() - low if found else at + len(_LONG))

    def _looks_encoded(self, at: tuple[int, int]) -> Iterator[Run]:
        run = bytes(self._data[slice(*at)])
        if _WHOLE_HEX.fullmatch(run):
            yield from self._decoded(Coding.HEX, at, 0)
            return
        if not _MIXED.match(run):
            return
        is_glued = at[0] > self._span.start and self._data[at[0] - 1] == ord("\\")
        for skip in range(4) if self._binary else (int(is_glued),):
            yield from self._decoded(Coding.BASE64, at, skip)

    def _strings(self, decoder: bytes, start: int, high: int) -> Iterator[Run]:
        """String literals near the decoder of an encoding that nothing else betrays."""
        name, decode = _STRINGS[decoder]
        low = max(self._span.start, self._strings_end.get(decoder, 0), start - _NEAR)
        self._strings_end[decoder] = max(low, high - _LEAST_RUN)
        for found in _STRING.finditer(self._data, low, high):
            self._strings_end[decoder] = max(high - _LEAST_RUN, found.end())
            with suppress(ValueError):
                yield (*found.span("content"), name, decode(unescape(found["content"])))


_MIXED = re.compile(rb"(?=[^0-9]*+[0-9])(?=[^A-Z]*+[A-Z])(?=[^a-z]*+[a-z])")
"""Capital and small letters and digits: names and paths have not all three, base64 of 24 characters nearly always."""
_MARKS = bytes(ord("A") if byte in _BASE64 else ord(" ") for byte in range(256))
_LONG = b"A" * _LEAST
_NEAR_RUN = _run(_BASE64, _LEAST_RUN)
_STRING = re.compile(
    rb"""(?P<quote>["'])(?P<content>(?:(?!(?P=quote))[^\\\n]|\\.){%d,32768}+)(?P=quote)""" % _LEAST_RUN
)
_STRINGS: dict[bytes, tuple[str, Undo]] = {
    b"b85decode": ("base85", base64.b85decode),
    b"a85decode": ("ascii85", base64.a85decode),
    b"b32decode": ("base32", partial(base64.b32decode, casefold=True)),
}


_FORWARD = {
    alphabet: re.compile(b"[" + re.escape(alphabet + _BETWEEN_CHARACTERS) + b"]*+") for alphabet in (_BASE64, _HEX)
}


class _Region:
    """Runs of an alphabet, found when they are asked for, from front to back."""

    def __init__(self, data: bytearray, span: Span, run: re.Pattern[bytes], alphabet: bytes) -> None:
        self._data = data
        self._span = span
        self._run = run
        self._characters = alphabet + _BETWEEN_CHARACTERS
        self._forward = _FORWARD[alphabet]
        self._counted = (span.start, 0)
        self._end = span.start
        self._found: Iterator[re.Match[bytes]] = iter(())
        self._last: tuple[int, int] = (span.start, span.start)

    def around(self, position: int) -> tuple[int, int] | None:
        """Start and end of the run that holds `position`, which must not be less than in the last call."""
        if position >= self._end:
            low, high = self._extent(position)
            self._end = high
            self._found = self._run.finditer(self._data, low, high)
        while self._last[1] <= position and (found := next(self._found, None)):
            self._last = found.span()
            self._counted = (found.start(), 0)
        return self._last if self._last[0] <= position < self._last[1] else None

    def characters(self, end: int) -> int:
        """How many characters of the run lie in front of `end`; counted on from the last call."""
        position, count = self._counted
        if end > position:
            self._counted = end, count + len(_joined(bytes(self._data[position:end])))
        return self._counted[1] if end >= position else count - (position - end)

    def _extent(self, position: int) -> tuple[int, int]:
        """How far there is nothing else than runs and what may stand within them, around `position`."""
        before = bytes(self._data[max(self._span.start, self._end) : position])
        behind = self._forward.match(self._data, position, self._span.end)
        low = position - len(before) + len(before.rstrip(self._characters))
        return low, behind.end() if behind else position
