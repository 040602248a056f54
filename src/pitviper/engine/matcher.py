"""From hits to matches: the rule's own pattern on a small window, then boundaries, the format's checks and entropy."""

from __future__ import annotations

import re
import time
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from math import inf, log2

import msgspec

from pitviper.engine import boundary, encodings, text
from pitviper.engine.prefilter import Hit, Prefilter
from pitviper.formats import FORMATS
from pitviper.formats.interface import Proof, Verdict
from pitviper.model.blob import Span
from pitviper.rules.schema import Rule, RuleSet

_LONGEST_NAME = 64
_SHORT_LEAD = 16
"""Bytes in front of an anchor at which to try one by one; a search would go on behind it for `max_len` bytes."""
_NAME = re.compile(rb"[\w.-]*")


class Match(msgspec.Struct, frozen=True):
    """A confirmed candidate. Positions are offsets in the buffer; `secret_start:secret_end` lies in `start:end`."""

    rule: Rule
    start: int
    end: int
    secret_start: int
    secret_end: int
    secret: bytes
    groups: dict[str, bytes]
    proofs: tuple[Proof, ...]

    def __repr__(self) -> str:
        """Never shows the secret: a repr ends up in logs."""
        return f"Match({self.rule.id!r}, {self.start}:{self.end})"

    @property
    def proved(self) -> bool:
        """Whether a checksum or structure proves it."""
        return any(proof.verdict is Verdict.VALID for proof in self.proofs)


class Seen(msgspec.Struct):
    """A span with matches in it, and whether its bytes are binary. `defects` are those of our own that showed.

    Among the `matches` are those that begin in the overlap with a neighbour and so belong to it: they too are secrets
    that nothing here may tell, and compete for the same bytes. `exhausted`: it took longer than allowed, and hits were
    left out.
    """

    span: Span
    binary: bool
    matches: list[Match]
    defects: set[str]
    exhausted: bool = False

    def owns(self, match: Match) -> bool:
        """Whether `match` is for this window to report."""
        return self.span.first <= match.start < self.span.last


class Confirmer:
    """One rule, ready to confirm: what is compiled on the rule's first hit."""

    __slots__ = ("_group", "checks", "pattern", "rule", "touching")

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.pattern = re.compile(rule.pattern.encode())
        self._group = "secret" if "secret" in self.pattern.groupindex else 0
        self.touching = boundary.members(rule.boundary)
        self.checks = tuple(FORMATS[name].check for name in rule.validators)

    def candidates(self, data: bytearray, anchor: int, end: int, low: int, high: int) -> Iterator[re.Match[bytes]]:
        """Matches of the pattern that hold the anchor at `anchor:end`, in `data[low:high]`."""
        first = max(low, anchor - self.rule.lead)
        last = min(high, anchor + self.rule.max_len)
        found: Iterator[re.Match[bytes]]
        if self.rule.lead <= _SHORT_LEAD:
            found = (match for start in range(first, anchor + 1) if (match := self.pattern.match(data, start, last)))
        else:
            found = self.pattern.finditer(data, first, last)
        for match in found:
            yield match
            if match.end() >= end:
                return

    def confirm(self, data: bytearray, found: re.Match[bytes], span: Span, *, binary: bool) -> Match | None:
        """The match, if the secret stands free, is random enough, and passes the checks of its format."""
        free = self._free(data, found, span, binary=binary)
        if free is None:
            return None
        secret = free[self._group]
        groups = {name: value for name, value in free.groupdict().items() if value is not None}
        if "name" in groups:
            groups["name"] = _name_before(data, span.start, free.start("name")) + groups["name"]
        proofs: list[Proof] = []
        for check in self.checks:
            proof = check(secret, groups)
            if proof.verdict is Verdict.INVALID:
                return None
            proofs.append(proof)
        if self.rule.min_entropy and entropy(secret) < self.rule.min_entropy:  # last: most fall to cheaper checks
            return None
        start, end = free.span(self._group)
        return Match(self.rule, free.start(), free.end(), start, end, secret, groups, tuple(proofs))

    def _free(self, data: bytearray, found: re.Match[bytes], span: Span, *, binary: bool) -> re.Match[bytes] | None:
        """`found`, or the part of it that its string holds, if the secret in it stands free; else None."""
        start, end = found.span(self._group)
        if start == end:
            return None
        if not binary:
            return found if boundary.in_text(data, span, start, end, self.touching) else None
        if boundary.is_bytecode(data, span):
            strings = boundary.marshalled(data, span, start)
            for string in strings:
                inside = found if end <= string.end else self.pattern.match(data, found.start(), string.end)
                if inside and boundary.in_text(data, string, *inside.span(self._group), self.touching):
                    return inside
            if strings or boundary.begins_at_length(data, span, start):
                return None
        return found if boundary.in_binary(data, span, start, end, self.touching) else None


class Matcher:
    """Searches buffers for matches of a rule set. One for each worker."""

    def __init__(self, rules: RuleSet, make: Callable[[Rule], Confirmer] = Confirmer) -> None:
        self._rules = rules.rules
        self._encoded = encodings.literals(rules)
        self._prefilter = Prefilter(rules, self._encoded)
        self.anchors = len(self._prefilter.anchors)
        """How many numbers of hits stand for anchors; those behind tell of something encoded."""
        self._telling = {
            number: told
            for number, anchor in enumerate(self._prefilter.anchors)
            if (told := [rules.rules[rule] for rule in anchor.rules if not rules.rules[rule].generic])
        }
        """Anchors that stand for providers' rules, and those."""
        self._generic = {
            number
            for number, anchor in enumerate(self._prefilter.anchors)
            if any(rules.rules[rule].generic for rule in anchor.rules)
        }
        self._make = make
        self._confirmers: dict[int, Confirmer] = {}

    def hits(self, data: bytearray, filled: int, spans: Sequence[Span]) -> Iterator[tuple[Span, list[Hit]]]:
        """The spans of `data[:filled]` in which an anchor stands. `spans` are in order and do not overlap."""
        with memoryview(data) as view, view[:filled] as part:
            hits = self._prefilter.scan(part)
        if not hits:
            return
        starts = [span.start for span in spans]
        by_span: dict[int, list[Hit]] = {}
        for hit in hits:
            by_span.setdefault(bisect_right(starts, hit[1]) - 1, []).append(hit)
        for index in sorted(by_span):
            yield spans[index], by_span[index]

    def look(self, data: bytearray, span: Span, hits: list[Hit], seconds: float = inf) -> Seen:
        """The matches at the `hits` in `span`, as far as they can be confirmed in so many `seconds`."""
        seen = Seen(span, text.is_binary(data, span), [], set())
        done: dict[int, int] = {}
        deadline = time.perf_counter() + seconds
        for number, start, end in hits:
            if number >= self.anchors:
                continue  # see `encoded_at`
            if time.perf_counter() > deadline:
                seen.exhausted = True
                break
            for rule in self._prefilter.anchors[number].rules:
                low = done.get(rule, span.start)
                if end <= low:
                    continue  # inside the last match of this rule
                try:
                    done[rule] = self._confirm(rule, data, (start, end), low, seen)
                except Exception as error:  # noqa: BLE001 - a defect in one rule or check must not hide what others find
                    seen.defects.add(f"{type(error).__name__} in the rule {self._rules[rule].id!r}")
        return seen

    def encoded_at(self, data: bytearray, hit: Hit) -> encodings.Literal | None:
        """The literal at `hit`, if that tells of something encoded: also an anchor with escapes close behind it."""
        number, _, end = hit
        if number >= self.anchors:
            return self._encoded[number - self.anchors]
        return encodings.escaped_behind(data, end) if number in self._telling else None

    def telling(self, hits: Iterable[Hit]) -> list[Rule]:
        """The providers' rules that have an anchor among `hits`, confirmed or not."""
        numbers = {number for number, _, _ in hits} & self._telling.keys()
        return [rule for number in sorted(numbers) for rule in self._telling[number]]

    def is_generic(self, hits: Iterable[Hit]) -> bool:
        """Whether one of `hits` is an anchor of a generic rule."""
        return any(number in self._generic for number, _, _ in hits)

    def is_wide_at(self, hit: Hit) -> bool:
        """Whether `hit` tells of UTF-16 or UTF-32."""
        number = hit[0] - self.anchors
        return number >= 0 and self._encoded[number].coding is encodings.Coding.WIDE

    def encoded_among(self, data: bytearray, hits: Iterable[Hit]) -> bool:
        """Whether one of `hits` tells of something encoded."""
        return any(self.encoded_at(data, hit) for hit in hits)

    def _confirm(self, rule: int, data: bytearray, anchor: tuple[int, int], low: int, seen: Seen) -> int:
        """Add the matches of `rule` at `anchor` to `seen`, and tell from where on it is to be searched for.

        What is refused consumes nothing: a real token may begin inside. Where nothing came near, no match begins in
        front of this anchor, however many more follow.
        """
        confirmer = self._confirmer(rule)
        found = None
        done = low
        for found in confirmer.candidates(data, *anchor, low, seen.span.end):
            if match := confirmer.confirm(data, found, seen.span, binary=seen.binary):
                seen.matches.append(match)
                done = match.end
        return done if found else max(low, anchor[0])

    def _confirmer(self, number: int) -> Confirmer:
        if number not in self._confirmers:
            self._confirmers[number] = self._make(self._rules[number])
        return self._confirmers[number]


def _name_before(data: bytearray, low: int, end: int) -> bytes:
    """What of a variable's name stands in front of `end`: anchors know `password`, people write `DB_PASSWORD`."""
    backwards = data[max(low, end - _LONGEST_NAME) : end][::-1]  # a search from the left would try every beginning
    return bytes(_NAME.match(backwards)[0][::-1])  # type: ignore[index]  # it may match nothing, but it matches


@cache
def _times_log2(count: int) -> float:
    return count * log2(count)


def entropy(secret: bytes) -> float:
    """Shannon entropy of the bytes, in bits a byte."""
    total = len(secret) or 1
    return log2(total) - sum(map(_times_log2, map(secret.count, set(secret)))) / total
