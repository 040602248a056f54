"""Whether compiled Python is worth rendering though nothing in its bytes is a secret by itself.

Rendering brings names and values together, which lie apart in the file, and joins, reverses and decodes values. It
takes a hundred times as long as a look at the bytes; so there must be a constant that only a machine would write, which
may be the value or a part of it, or what a provider's rule asks for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import cache, lru_cache
from itertools import accumulate, chain
from typing import Any, cast

import hyperscan
import msgspec

from pitviper.bytecode.code import Code, Frozen, walk
from pitviper.bytecode.pyc import HEAD, is_known
from pitviper.engine.matcher import Matcher, entropy
from pitviper.engine.prefilter import Hit, database
from pitviper.formats import FORMATS
from pitviper.formats.interface import Verdict
from pitviper.model.blob import Blob, Span
from pitviper.rules.schema import Rule

_WORDS = (b"pass", b"pwd", b"secret", b"token", b"credential", b"key")
"""In every name that a generic rule asks for."""
_MOST = 200
"""Bytes of a value. Every length up to here has one byte, in whichever way marshal writes it."""
_SHORT_TYPES = frozenset(b"zZ\xfa\xda")
_LONG_TYPES = frozenset(b"stuaA\xf3\xf4\xf5\xe1\xc1")
"""Types of marshalled strings, with one byte of length and with four (see `pitviper.bytecode.marshal`)."""
_SHORT_AS_TEXT = re.compile(b"[zZ]")
_INT = rb"[i\xe9][+\-./0-9=A-Z_a-z]\0\0\0"
"""A marshalled integer that may be a character of a token."""
_CHARACTERS = rb"(?:%b){3}(?:%b|r...\0){9}" % (_INT, _INT)
"""A dozen of those in a row, of which the later ones may refer to earlier ones: text that is hidden as numbers."""
_MAKES_TEXT = re.compile(rb"(?:\x03(?:\0\0\0)?|uni)chr|\x05(?:\0\0\0)?bytes|\x09(?:\0\0\0)?bytearray")
"""The names of what makes text of them."""
_FEWEST_CHARACTERS = 12
_CHARACTER = range(0x2B, 0x7B)
_MOST_CONSTANTS = 100_000
_BETWEEN = b"\n\n"
"""Between the strings of one code object and the next, so that nothing runs on."""
_HEX = re.compile(rb"[0-9a-fA-F]+")
_GROUPING = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[()]", re.DOTALL)
"""What of a regular expression opens and closes groups, and what hides brackets: escapes, and classes."""
_FLAGS = re.compile(r"\(\?[aimsx]+\)")


class _Check(msgspec.Struct, frozen=True):
    """What the value of a generic rule looks like: validator, bits and bytes and digits at least, other characters."""

    validator: str
    entropy: float
    least: int
    digits: int
    others: bytes


_FIRM = _Check("generic-random-secret", 3.3, 20, 2, b"A-Za-z+/=_-")
_TENTATIVE = _Check("generic-secret", 2.8, 8, 1, rb"\x21-\x2f\x3a-\x7e")
"""For auditors alone."""


class Gate:
    """Looks at compiled Python, for everyone or for an `auditor`. Not for two threads at once."""

    def __init__(self, matcher: Matcher, *, auditor: bool) -> None:
        self._matcher = matcher
        self._checks = (_FIRM, _TENTATIVE) if auditor else (_FIRM,)
        wide = self._checks[-1]
        length = rb"[\x%02x-\x%02x]" % (wide.least, _MOST)
        long, short = b"[%b]" % bytes(sorted(_LONG_TYPES)), b"[%b]" % bytes(sorted(_SHORT_TYPES))
        head = rb"(?:%b%b[\x00\x01]{3}|%b%b)" % (long, length, short, length)  # literal zeros take four times as long
        value = head + b"[%b]*[0-9]" % wide.others * wide.digits
        self._constants = database("constants", [value, _CHARACTERS], [hyperscan.HS_FLAG_DOTALL] * 2)
        self._run = re.compile(rb"[0-9%b]*" % wide.others)
        self._found: list[tuple[int, int]] = []

    def is_worth(self, data: bytearray, span: Span, hits: Sequence[Hit]) -> bool:
        """Whether rendering the file in `span` of `data`, with `hits`, may show a secret that its bytes do not.

        One whose version is unknown is always worth it, as that alone is to be told.
        """
        if not is_known(data[span.start : span.start + HEAD]):
            return True
        rules = self._matcher.telling(hits)
        if any(self._may_hold(rule, data, span.start, span.end) for rule in rules):
            return True
        self._found.clear()
        with memoryview(data) as view, view[span.start : span.end] as part:
            self._constants.scan(part, self._on_match)  # type: ignore[type-var]  # the stub forgets memoryview
        if any(number for number, _ in self._found) and _MAKES_TEXT.search(data, span.start, span.end):
            return True
        ends = (span.start + end for number, end in self._found if not number)
        values = chain.from_iterable(self._marshalled(data, span.start, end) for end in ends)
        secrets = [value for value in values if self._may_be_secret(value)]
        return not all(map(_is_hex, secrets)) or (bool(secrets) and _has_word(bytes(data[span.start : span.end])))

    def wanted(self, code: Code, blob: Blob) -> AbstractSet[int]:
        """The ids of the code objects in `code` that are worth evaluating: with something to find, and those around."""
        found = list(walk(code))
        texts: list[bytes] = []
        held: dict[int, bool] = {}
        """Which code objects hold what may be a secret, and whether it may be one without a name."""
        for number, (one, _) in enumerate(found):
            strings, characters = _constants(one)
            texts.append(b"\n".join([*strings, _names(one)]))
            secrets = [value for value in strings if self._may_be_secret(value)]
            if secrets or characters >= _FEWEST_CHARACTERS:
                held[number] = not (secrets and all(map(_is_hex, secrets)))
        buffer = bytearray(_BETWEEN.join(texts))
        starts = accumulate((len(text) + len(_BETWEEN) for text in texts), initial=0)
        spans = [
            Span(blob, start, start + len(text), start, start + len(text))
            for start, text in zip(starts, texts, strict=False)
        ]
        hits = {span.start: hits for span, hits in self._matcher.hits(buffer, len(buffer), spans)}
        wanted: set[int] = set()
        for number, span in enumerate(spans):
            here = hits.get(span.start, [])
            rules = self._matcher.telling(here)
            is_held = number in held or found[number][1] in held  # it may use what is known outside
            is_named = is_held and (bool(rules) or _has_word(texts[number]))
            if is_named:
                held.setdefault(number, False)
            if (
                is_named
                or held.get(number)
                or self._matcher.is_generic(here)
                or self._matcher.encoded_among(buffer, here)
                or any(self._may_hold(rule, buffer, span.start, span.end) for rule in rules)
            ):
                while number >= 0 and id(found[number][0]) not in wanted:
                    wanted.add(id(found[number][0]))
                    number = found[number][1]  # noqa: PLW2901 - upwards
        return wanted

    def _may_be_secret(self, value: bytes) -> bool:
        if not self._checks[-1].least <= len(value) <= _MOST:
            return False
        digits = len(value) - len(value.translate(None, b"0123456789"))
        return any(digits >= one.digits and _passes(value, one) for one in self._checks)

    def _marshalled(self, data: bytearray, low: int, end: int) -> Iterator[bytes]:
        """The strings that `data[low:end]` may end within; what looks like type and length may be text, too."""
        backwards = bytes(data[max(low, end - _MOST) : end])[::-1]
        run = end - cast("re.Match[bytes]", self._run.match(backwards)).end()
        if run - 5 >= low and data[run - 5] in _LONG_TYPES and not any(data[run - 3 : run]):
            yield bytes(data[run : run + data[run - 4]])
        inside = (found.end() for found in _SHORT_AS_TEXT.finditer(data, run, end - 1))
        for length in chain((run - 1, run), inside):
            if length > low and data[length - 1] in _SHORT_TYPES:
                yield bytes(data[length + 1 : length + 1 + data[length]])

    def _may_hold(self, rule: Rule, data: bytearray, start: int, end: int) -> bool:
        """Whether what `rule` takes for the value stands there, with or without what it asks for around it."""
        value = _value(rule.pattern)
        return value is None or value.search(data, start, end) is not None

    def _on_match(self, number: int, start: int, end: int, flags: int, context: object) -> None:
        del start, flags, context
        self._found.append((number, end))


def _is_hex(value: bytes) -> bool:
    """Whether it is a hash by its looks, of which libraries are full: without a name it says nothing."""
    return _HEX.fullmatch(value) is not None


def _has_word(text: bytes) -> bool:
    lower = text.lower()
    return any(word in lower for word in _WORDS)


@lru_cache(maxsize=16_384)  # the same value stands in many files, and in many versions of one
def _passes(value: bytes, check: _Check) -> bool:
    return (
        re.fullmatch(b"[0-9%b]{%d,}" % (check.others, check.least), value) is not None
        and entropy(value) >= check.entropy
        and FORMATS[check.validator].check(value, {"name": b"password", "secret": value}).verdict is not Verdict.INVALID
    )


@cache
def _value(pattern: str) -> re.Pattern[bytes] | None:
    """The group `secret` of a rule's `pattern` alone; None where all of it is the secret, or nothing else will do."""
    start = pattern.find("(?P<secret>")
    if start < 0:
        return None
    depth = 0
    for found in _GROUPING.finditer(pattern, start):
        depth += (found[0] == "(") - (found[0] == ")")
        if not depth:
            flags = _FLAGS.match(pattern)
            try:
                return re.compile(((flags[0] if flags else "") + pattern[start : found.end()]).encode())
            except re.error:  # it refers to a group outside
                break
    return None


def _names(code: Code) -> bytes:
    """The names in `code`, a line each; also those of arguments, whose defaults it may hold."""
    arguments = [name for one in code.consts if isinstance(one, Code) for name in one.varnames]
    return "\n".join([*code.names, *code.varnames, *code.cellvars, *arguments]).encode("utf-8", "replace")


def _constants(code: Code) -> tuple[list[bytes], int]:
    """The strings among the constants of `code` alone, and how many are integers that may be characters."""
    strings: list[bytes] = []
    characters = 0
    pending: list[Any] = list(code.consts)
    for _ in range(_MOST_CONSTANTS):
        if not pending:
            break
        one = pending.pop()
        if isinstance(one, str):
            strings.append(one.encode("utf-8", "replace"))
        elif isinstance(one, int):
            characters += one in _CHARACTER
        elif isinstance(one, bytes):
            strings.append(one)
        elif isinstance(one, Frozen):
            pending += one.items
        elif isinstance(one, (tuple, list)):
            pending += one
    return strings, characters
