"""The one pass: all rules' anchors as one Vectorscan database."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator, Sequence
from hashlib import blake2b

import hyperscan

from pitviper import __version__, cache
from pitviper.engine.encodings import Literal
from pitviper.errors import RuleError
from pitviper.rules.schema import Rule, RuleSet

_VERSION = vars(hyperscan)["__version__"]  # its type stub forgets the name

Hit = tuple[int, int, int]
"""(anchor number, offset of the anchor, offset just behind it)."""


class Anchor:
    """One expression of the database, and the rules that ask for it.

    `length` is the number of bytes of a literal, 0 for a pattern.
    """

    __slots__ = ("expression", "ignore_case", "length", "rules")

    def __init__(self, expression: str, length: int, *, ignore_case: bool) -> None:
        self.expression = expression
        self.length = length
        self.ignore_case = ignore_case
        self.rules: list[int] = []

    @property
    def flags(self) -> int:
        """Flags for Vectorscan."""
        case = hyperscan.HS_FLAG_CASELESS if self.ignore_case else 0
        start = 0 if self.length else hyperscan.HS_FLAG_SOM_LEFTMOST  # costs 3 % of the pass for 68 patterns
        return int(hyperscan.HS_FLAG_DOTALL | case | start)


class Prefilter:
    """A compiled rule set. Not for use by two threads at once: each needs its own (the scratch space is shared)."""

    def __init__(self, rules: RuleSet, encoded: Sequence[Literal] = ()) -> None:
        self.anchors = tuple(anchors(rules.rules))
        self._lengths = [anchor.length for anchor in self.anchors] + [len(literal.text) for literal in encoded]
        """Of the anchors, and behind them of the literals that tell of something encoded."""
        self._hits: list[Hit] = []
        self._database = self._load(rules, encoded) if self.anchors else None  # Vectorscan refuses an empty set

    def scan(self, data: memoryview) -> list[Hit]:
        """All hits in `data`, in the order in which anchors end. The list is valid until the next call."""
        hits = self._hits
        hits.clear()
        if self._database is not None:
            self._database.scan(data, self._on_match)  # type: ignore[type-var]  # the stub forgets memoryview
        return hits

    def _on_match(self, number: int, start: int, end: int, _flags: int, _context: object) -> None:
        length = self._lengths[number]
        self._hits.append((number, end - length if length else start, end))

    def _load(self, rules: RuleSet, encoded: Sequence[Literal]) -> hyperscan.Database:
        """From the cache, else compiled."""
        more = blake2b(b"\0".join(literal.text for literal in encoded), digest_size=8).hexdigest()
        name = f"anchors-{__version__}-{rules.digest}-{more}-{_VERSION}-{platform.machine()}.hs"
        if (stored := cache.load(name)) and (found := _loaded(stored)):
            return found
        more_anchors = [Anchor(one.expression, len(one.text), ignore_case=one.ignore_case) for one in encoded]
        made = _compile((*self.anchors, *more_anchors), rules.rules)
        cache.store(name, hyperscan.dumpb(made))
        return made


def database(name: str, expressions: Sequence[bytes], flags: Sequence[int]) -> hyperscan.Database:
    """A database of our own `expressions`, which do compile: from the cache, else compiled."""
    digest = blake2b(b"\0".join([*expressions, repr(list(flags)).encode()]), digest_size=8).hexdigest()
    name = f"{name}-{__version__}-{digest}-{_VERSION}-{platform.machine()}.hs"
    if (stored := cache.load(name)) and (found := _loaded(stored)):
        return found
    made = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    made.compile(list(expressions), ids=list(range(len(expressions))), flags=list(flags))
    made.scratch = hyperscan.Scratch(made)
    cache.store(name, hyperscan.dumpb(made))
    return made


def _loaded(stored: bytes) -> hyperscan.Database | None:
    """A serialised database names its processor; loading it elsewhere fails."""
    try:
        found = hyperscan.loadb(stored, hyperscan.HS_MODE_BLOCK)
        found.scratch = hyperscan.Scratch(found)
    except hyperscan.error:
        return None
    return found


def anchors(rules: Sequence[Rule]) -> Iterator[Anchor]:
    """The distinct anchors of `rules`, each with the numbers of the rules that use it."""
    known: dict[tuple[str, bool], Anchor] = {}
    for number, rule in enumerate(rules):
        literals = [(re.escape(anchor), len(anchor.encode())) for anchor in rule.anchors]
        patterns = [(rule.anchor_pattern, 0)] if rule.anchor_pattern else []
        for expression, length in literals + patterns:
            key = expression, rule.anchors_ignore_case
            if key not in known:
                known[key] = Anchor(expression, length, ignore_case=rule.anchors_ignore_case)
            known[key].rules.append(number)
    yield from known.values()


def _compile(wanted: Sequence[Anchor], rules: Sequence[Rule]) -> hyperscan.Database:
    """The database of `wanted`; raises `RuleError` that names the rule whose anchor Vectorscan refuses."""
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    try:
        database.compile(
            [anchor.expression.encode() for anchor in wanted],
            ids=list(range(len(wanted))),
            flags=[anchor.flags for anchor in wanted],
        )
    except hyperscan.error as error:
        if len(wanted) > 1:
            for anchor in wanted:  # its message does not say which one
                _compile([anchor], rules)
        name = rules[wanted[0].rules[0]].id
        raise RuleError(
            f"rule {name!r}: Vectorscan refuses its anchor {wanted[0].expression!r}: {error}",
            hint="Anchors may not hold look-around, back-references or long repeats; `pattern` may.",
        ) from None
    database.scratch = hyperscan.Scratch(database)
    return database
