"""The shape of a rule file, and of the rules in it."""

from __future__ import annotations

import msgspec

from pitviper.model.finding import Audience, Confidence, Kind, Severity

MAX_MATCH = 32 * 1024
"""Longest match that a rule may declare, in bytes: the overlap of two windows. RSA keys of 16,384 bits have 12.7 KB."""


DETECTORS = ("bytecode",)
"""What `detector` may name: `bytecode` is `pitviper.hygiene`, which holds compiled Python against its source."""


class Companion(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A second value that belongs to the first and lies near it: the secret to a key id.

    `pattern` is searched within `within` bytes on either side of the match; its group `secret` (or all of it) is the
    value. Where it is found, the two make one finding of severity `severity`, and the companion is its secret.
    """

    name: str
    pattern: str
    severity: Severity
    within: int = 512
    min_entropy: float = 0.0


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One thing to look for.

    Finding candidates: one of the `anchors` (literal text) or the `anchor_pattern` (in Vectorscan's dialect) stands in
    every match; `lead` is how many bytes at most lie between the match's start and the anchor's.
    `anchors_ignore_case` makes both insensitive to case.

    Confirming one: `pattern` is a Python regular expression over bytes. Its named group `secret`, or all of it, is the
    secret; other named groups are facts about it, and one called `name` is completed to the left. The secret must not
    touch a character of the class `boundary` in text, is at most `max_len` bytes long together with the rest of the
    match, has at least `min_entropy` bits of Shannon entropy a byte, and passes each of `validators` (names in
    `pitviper.formats.FORMATS`).

    `generic` rules know no provider: they give way to any other rule on the same bytes. `fixture` secrets are often
    made for tests, whole and valid (private keys, JWTs): in folders of tests and documentation they are for auditors.
    `in_bytecode` is false where the pattern needs a name beside the value, which compiled bytecode stores elsewhere.

    `detector` names the code that finds it, where no pattern can. Such a rule has neither pattern nor anchors, and its
    proof are that code's tests.
    """

    id: str
    name: str
    severity: Severity
    description: str
    remedy: str
    pattern: str = ""
    max_len: int = 0
    examples: tuple[str, ...] = ()
    counter_examples: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    anchors: tuple[str, ...] = ()
    anchor_pattern: str = ""
    anchors_ignore_case: bool = False
    lead: int = 0
    boundary: str = "0-9A-Za-z_"
    min_entropy: float = 0.0
    validators: tuple[str, ...] = ()
    companions: tuple[Companion, ...] = ()
    confidence: Confidence = Confidence.FIRM
    audience: Audience = Audience.EVERYONE
    generic: bool = False
    fixture: bool = False
    in_bytecode: bool = True
    kind: Kind = Kind.SECRET
    detector: str = ""
    provider: str = ""
    """Filled from the file's `provider`."""


class RuleFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file: a provider and its rules."""

    provider: str
    rules: tuple[Rule, ...]


class RuleSet(msgspec.Struct, frozen=True):
    """All rules of a scan, sorted by id, and the digest that names exactly this set (hex, 16 characters)."""

    rules: tuple[Rule, ...]
    digest: str
