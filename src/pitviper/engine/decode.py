"""Decoded layers: what stands encoded in a blob, as bytes to be searched like any others, with the way back.

`pitviper.engine.encodings` tells the one pass what to look for. Where that stands, the run around it is decoded, and
decompressed, and searched by the same matcher, and so on within what came out. Every step is bounded: see `Budget`.
"""

from __future__ import annotations

import bz2
import lzma
import re
import time
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import inf

import msgspec

from pitviper.engine import text
from pitviper.engine.encodings import Literal
from pitviper.engine.matcher import Match, Matcher, Seen
from pitviper.engine.prefilter import Hit
from pitviper.engine.runs import MIXTURES, Runs
from pitviper.engine.undo import LEAST, WHOLE_BASE64, WHOLE_HEX, joined, places, unbase64, unhex
from pitviper.model.blob import Blob, Span
from pitviper.model.finding import Confidence
from pitviper.rules.schema import Rule

MAX_LAYERS = 20_000
"""Decoded layers of one blob."""
MAX_BYTES = 64 * 1024 * 1024
"""Decoded bytes of one blob."""
MAX_GROWTH = 256 * 1024 * 1024
"""Decoded bytes of all blobs of one artefact, as far as those of a blob are more than four times its own."""
MAX_DEPTH = 8
"""Layers within each other."""

_MEMORY = 32 * 1024 * 1024
"""Bytes for the dictionary of xz and lzma."""

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


_TOO_MUCH = (
    f"more than {MAX_BYTES // 1024 // 1024} MiB of decoded bytes, or in one artefact {MAX_GROWTH // 1024 // 1024} MiB"
)


class Budget(msgspec.Struct):
    """What is left for a blob, and what was found in it."""

    layers: int = MAX_LAYERS
    room: int = MAX_BYTES
    deadline: float = inf
    """When to stop, by `time.perf_counter`."""
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
            self.exceeded = _TOO_MUCH
        else:
            self.layers -= 1
            self.room -= len(data)
            return True
        return False

    def is_late(self) -> bool:
        """Whether nothing more may be decoded."""
        if time.perf_counter() < self.deadline:
            return False
        self.exceeded = "encoded runs that took too long to decode"
        return True

    def is_new(self, start: int | None, match: Match) -> bool:
        """Whether `match` was not found before in the run at `start`, or, if that is None, in the blob."""
        key = start, match.rule.id, hash(match.secret)
        before = len(self.found)
        self.found.add(key)
        return len(self.found) > before


_WIDTHS = {"base64": (4, 3), "hex": (2, 1), "utf-16-le": (2, 1), "utf-16-be": (2, 1)}
"""How many characters make how many bytes."""


class Layer(msgspec.Struct):
    """Decoded bytes. `start:end` is where the outermost run stands in the blob's buffer, `how` what was undone."""

    start: int
    end: int
    how: tuple[str, ...]
    data: bytes
    is_run: bool
    """As a whole it is another run, which is a layer of its own."""

    def places(self, data: bytearray, offsets: Iterable[int]) -> Iterator[int]:
        """Where in the buffer stands what lies at `offsets`, in order, of the decoded bytes.

        Through base64 and hex to the character; through all else that has no such arithmetic, where the run begins.
        """
        if not all(name in _WIDTHS for name in self.how):
            yield from (self.start for _ in offsets)
            return
        indices = (self._index(offset) for offset in offsets)
        yield from (self.start + place for place in places(bytes(data[self.start : self.end]), indices))

    def _index(self, offset: int) -> int:
        for name in reversed(self.how):
            characters, decoded = _WIDTHS[name]
            offset = offset * characters // decoded
        return offset

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
        """What there is in the encoded runs at `hits`, in the order of the runs.

        Not in runs that a match in `seen` holds or touches: its rule knows that form, and has told what is in there.
        """
        deadline = budget.deadline = time.perf_counter() + seconds
        revealed: list[Revealed] = []
        told = {match.secret for match in seen.matches if _is_known(match)}
        is_window = seen.span.base > 0 or seen.span.last < seen.span.end
        layers = list(self._layers(data, seen, hits, None, budget))
        while layers and not budget.is_late():
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
                    if _may_tell(one.rule, layer.how) and one.secret not in told and budget.is_new(start, one)
                ]
                revealed.append(Revealed(layer, buffer, inside))
                if layer.is_run:
                    continue
                if len(layer.how) < MAX_DEPTH:
                    layers += self._layers(buffer, inside, found, layer, budget)
                elif self._matcher.encoded_among(buffer, found):
                    budget.exceeded = f"more than {MAX_DEPTH} layers of encoding"
        return sorted((one for one in revealed if one.seen.matches), key=lambda one: one.layer.start)

    def _layers(
        self, data: bytearray, seen: Seen, hits: Iterable[Hit], around: Layer | None, budget: Budget
    ) -> Iterator[Layer]:
        """The layers that begin at `hits` in a blob, or in the layer `around` them."""
        taken = _Taken(seen.matches)
        literals = self._literals(data, seen.span, hits, taken)
        for start, end, name, decoded in Runs(data, seen.span, binary=seen.binary).at(literals):
            if budget.is_late():
                return
            if not decoded or decoded == data[start:end] or (name not in MIXTURES and taken.touches(start, end)):
                continue
            is_cut = end == seen.span.end > seen.span.last
            at = (around.start, around.end, around.how) if around else (start, end, ())
            for how, content, is_run in _unfolded(decoded, (*at[2], name), budget):
                if not budget.take(content):
                    return
                if is_cut and _COMPRESSIONS.intersection(how):
                    budget.exceeded = "a compressed and encoded run of more than a window"
                yield Layer(at[0], at[1], how, content, is_run)

    def _literals(
        self, data: bytearray, span: Span, hits: Iterable[Hit], taken: _Taken
    ) -> Iterator[tuple[Literal, int, int]]:
        """Those of `hits` that tell of something encoded, as far as this window owns them, and no rule knows better."""
        for hit in hits:
            number, start, end = hit
            if not span.first <= start < span.last or (number < self._matcher.anchors and taken.touches(start, end)):
                continue
            if literal := self._matcher.encoded_at(data, hit):
                yield literal, start, end


def _may_tell(rule: Rule, how: Sequence[str]) -> bool:
    """Whether `rule` counts in such a layer: a generic one only in text that was merely escaped, and if it is firm."""
    return not rule.generic or (rule.confidence is Confidence.FIRM and MIXTURES.issuperset(how))


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
    while len(data) >= LEAST and not data.startswith(_MEDIA):
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
    if WHOLE_HEX.fullmatch(stripped):
        return "hex", unhex(joined(stripped))
    if WHOLE_BASE64.fullmatch(stripped):
        return "base64", unbase64(joined(stripped))
    return "", b""


Decompress = Callable[[bytes, int], tuple[bytes, bool]]


def _decompressed(decompress: Decompress, data: bytes, budget: Budget) -> bytes:
    """What comes out of `data`, as far as there is room for it."""
    try:
        plain, is_cut = decompress(data, max(1, budget.room))
    except (zlib.error, OSError, EOFError, lzma.LZMAError, ValueError):
        return b""
    if is_cut:
        budget.exceeded = _TOO_MUCH
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
