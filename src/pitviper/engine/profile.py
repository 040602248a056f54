"""What each rule costs: how often its anchors fire, and how long confirming takes."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import msgspec

from pitviper.engine.matcher import Confirmer, Match
from pitviper.model.blob import Span
from pitviper.rules.schema import Rule


class Cost(msgspec.Struct):
    """The cost of one rule: `hits` of its anchors, `candidates` of its pattern, `matches` after all checks, seconds."""

    rule: str
    hits: int = 0
    candidates: int = 0
    matches: int = 0
    seconds: float = 0.0


class Profile:
    """Collects costs. Pass `make` to a `Matcher`."""

    def __init__(self) -> None:
        self.costs: list[Cost] = []

    def make(self, rule: Rule) -> Confirmer:
        """A confirmer for `rule` that counts."""
        cost = Cost(rule.id)
        self.costs.append(cost)
        return _Counting(rule, cost)


class _Counting(Confirmer):
    __slots__ = ("_cost",)

    def __init__(self, rule: Rule, cost: Cost) -> None:
        super().__init__(rule)
        self._cost = cost

    def candidates(self, data: bytearray, anchor: int, end: int, low: int, high: int) -> Iterator[re.Match[bytes]]:
        self._cost.hits += 1
        started = time.perf_counter()
        found = list(super().candidates(data, anchor, end, low, high))
        self._cost.seconds += time.perf_counter() - started
        self._cost.candidates += len(found)
        yield from found

    def confirm(self, data: bytearray, found: re.Match[bytes], span: Span, *, binary: bool) -> Match | None:
        started = time.perf_counter()
        match = super().confirm(data, found, span, binary=binary)
        self._cost.seconds += time.perf_counter() - started
        self._cost.matches += match is not None
        return match
