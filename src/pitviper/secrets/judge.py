"""From the matches in a blob to findings: what is no secret goes, what belongs together is joined, the rest is told."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from pitviper.engine.matcher import Match, Seen
from pitviper.findings.allow import allowed, nearly
from pitviper.findings.fingerprint import fingerprint
from pitviper.findings.redact import mask, redact, tell
from pitviper.formats.placeholder import is_placeholder
from pitviper.formats.published import is_published
from pitviper.model.blob import Blob, Inner
from pitviper.model.finding import Audience, Confidence, Evidence, Finding, Kind, Severity
from pitviper.model.place import Link, Place, escape
from pitviper.model.report import Hidden, Ignored
from pitviper.rules.schema import Rule
from pitviper.secrets.companion import Joined, join
from pitviper.secrets.positions import Positions
from pitviper.secrets.surroundings import is_made_up

_LONGEST_NAME = 64
"""Bytes in front of a match that a group of it may hold: see `pitviper.engine.matcher`."""
_NEAR, _SHORTEST_PIECE = 8, 3
"""How many secrets in front of a match are asked whether it is named by their end, and how long that end must be."""
_MOST = 3
"""A group that holds more than a third of the secret is no fact about it (an account, a region) but the secret."""


class Judge(msgspec.Struct, frozen=True):
    """What the user wants to see: see the fields of the same name in `pitviper.config.Settings`."""

    only: tuple[Kind, ...] = tuple(Kind)
    min_severity: Severity = Severity.INFO
    auditor: bool = False
    show_secrets: bool = False
    allow_comments: bool = True

    def findings(self, data: bytearray, seen: Seen, hidden: Hidden) -> Iterator[Finding | Ignored]:
        """The findings among the matches of `seen`, whose bytes lie in `data`; the others are counted in `hidden`."""
        matches = [match for match in seen.matches if not _is_made_up(match)]
        if not matches:
            return
        joined = {id(match): join(data, seen.span, match) for match in matches if match.rule.companions}
        told = _Discretion(seen.span.blob, matches, joined.values())
        positions = Positions(data, seen.span, binary=seen.binary)
        made_up = is_made_up(seen.span.blob.chain[-1].name)
        removed_in = seen.span.blob.removed_in if isinstance(seen.span.blob, Inner) else None
        for match in filter(seen.owns, _standing(matches, joined)):
            companion = joined.get(id(match))
            severity = _severity(match, companion)
            for_auditors = (
                match.rule.audience is Audience.AUDITOR
                or (made_up and _may_be_fixture(match))
                or (seen.binary and _may_be_chance(match))
            )
            if self.hides(match.rule, severity, hidden, for_auditors=for_auditors):
                continue
            place = Place(told.path, told.chain, *positions.of(match.secret_start), removed_in)
            finding = self._tell(place, match, companion, severity, told)
            if for_auditors:
                finding = _for_auditors(finding, made_up=made_up)
            at = match.start, match.end
            may_allow = self.allow_comments and not seen.binary  # a binary has no lines, and no comments on them
            reason = allowed(data, seen.span, at, match.rule.id, told.starts) if may_allow else None
            if reason is None and may_allow and nearly(data, seen.span, at):
                finding = msgspec.structs.replace(finding, evidence=(*finding.evidence, _comment(match.rule.id)))
            yield finding if reason is None else Ignored(finding, reason)

    def hides(self, rule: Rule, severity: Severity, hidden: Hidden, *, for_auditors: bool) -> bool:
        """Whether the user does not want to see it; counts it if so."""
        if rule.kind not in self.only:
            hidden.kind += 1
        elif severity.rank > self.min_severity.rank:
            hidden.severity += 1
        elif for_auditors and not self.auditor:
            hidden.auditor += 1
        else:
            return False
        return True

    def _tell(
        self, place: Place, match: Match, joined: Joined | None, severity: Severity, told: _Discretion
    ) -> Finding:
        rule = match.rule
        secret = joined.value if joined else match.secret
        facts = (Evidence(fact.name, told.about(match, fact.text)) for fact in _facts(match))
        return Finding(
            id=fingerprint(rule.id, match.secret + b"\0" + secret if joined else secret),
            kind=rule.kind,
            rule=rule.id,
            title=rule.name,
            severity=severity,
            confidence=Confidence.CERTAIN if match.proved else rule.confidence,
            audience=Audience.EVERYONE,
            place=place,
            secret=tell(secret, show=self.show_secrets) if rule.kind is not Kind.BEHAVIOUR else None,
            evidence=(*facts, *_companion(joined, match), *_record(place.chain)),
            remedy=rule.remedy,
            references=rule.references,
        )


class _Discretion:
    """Knows all secrets of a span, so that nothing that is said of one tells another."""

    def __init__(self, blob: Blob, matches: Iterable[Match], joined: Iterable[Joined | None]) -> None:
        found = [(match.secret_start, match.secret) for match in matches if match.rule.kind is not Kind.BEHAVIOUR]
        found += ((pair.start, pair.value) for pair in joined if pair)
        found.sort()
        self.starts = [start for start, _ in found]
        """Where they begin, in order."""
        self._secrets = [secret for _, secret in found]
        distinct = dict.fromkeys(self._secrets)
        self.path = _masked(blob.path, distinct)
        self.chain = tuple(msgspec.structs.replace(link, name=_masked(link.name, distinct)) for link in blob.chain)

    def about(self, match: Match, text: str) -> str:
        """A fact about `match`, without the secrets in it and just in front of it, and fit to print."""
        low = bisect_left(self.starts, match.start - _LONGEST_NAME)
        return escape(_masked(self._behind(match, text), self._secrets[low : bisect_left(self.starts, match.end)]))

    def _behind(self, match: Match, text: str) -> str:
        """`text` without the end of a long secret in front of `match`, which a name may begin with."""
        index = bisect_left(self.starts, match.start)
        for secret in self._secrets[max(0, index - _NEAR) : index]:
            plain = secret.decode("utf-8", "replace")
            for size in range(min(len(plain) - 1, _LONGEST_NAME), _SHORTEST_PIECE, -1):
                if text.startswith(plain[-size:]):
                    return f"…{text[size:]}"
        return text


def _masked(text: str, secrets: Iterable[bytes]) -> str:
    for secret in secrets:
        text = mask(text, secret)
    return text


def _standing(matches: Sequence[Match], joined: Mapping[int, Joined | None]) -> Iterator[Match]:
    """Of matches that share bytes of their secrets only the strongest: proved, of a provider, surer, longer.

    Of those, none that overlaps the companion of another: the two are told as one.
    """
    strongest = sorted(
        matches,
        key=lambda match: (
            not match.proved,
            match.rule.generic,
            match.rule.confidence.rank,
            match.rule.audience is Audience.AUDITOR,
            match.secret_start - match.secret_end,
            match.rule.id,
        ),
    )
    taken = _Taken()
    kept = [match for match in strongest if taken.add(match.secret_start, match.secret_end)]
    paired = _Taken()
    for match in kept:
        if found := joined.get(id(match)):
            paired.add(found.start, found.end)
    kept.sort(key=lambda match: match.secret_start)
    yield from (match for match in kept if paired.is_free(match.secret_start, match.secret_end))


class _Taken:
    """Spans that do not overlap, in order."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def is_free(self, start: int, end: int) -> bool:
        """Whether nothing taken overlaps `start:end`."""
        index = bisect_right(self._starts, start)
        return not (index and self._ends[index - 1] > start) and not (
            index < len(self._starts) and self._starts[index] < end
        )

    def add(self, start: int, end: int) -> bool:
        """Take `start:end` if it is free."""
        if not self.is_free(start, end):
            return False
        index = bisect_right(self._starts, start)
        self._starts.insert(index, start)
        self._ends.insert(index, end)
        return True


def _is_made_up(match: Match) -> bool:
    """Whether it is a placeholder, or an example that everyone copies, however well it is formed."""
    return is_published(match.secret) or (not match.proved and is_placeholder(match.secret))


def _may_be_chance(match: Match) -> bool:
    """Whether symbols and tables of a binary may look like it: nothing proves it, and its shape is a loose one."""
    return match.rule.confidence is Confidence.TENTATIVE and not match.proved


def _may_be_fixture(match: Match) -> bool:
    """Whether it may have been made for a test: nothing proves it, or it is of a kind that tests make whole."""
    return match.rule.fixture or not match.proved


def _for_auditors(finding: Finding, *, made_up: bool) -> Finding:
    place = (Evidence("place", "in tests, examples or documentation"),) if made_up else ()
    return msgspec.structs.replace(finding, audience=Audience.AUDITOR, evidence=finding.evidence + place)


def _severity(match: Match, joined: Joined | None) -> Severity:
    """As the token itself tells, else as a pair, else as the rule says."""
    told = [proof.severity for proof in match.proofs if proof.severity is not None]
    if told:
        return told[0]
    return joined.companion.severity if joined else match.rule.severity


def _facts(match: Match) -> Iterator[Evidence]:
    for proof in match.proofs:
        yield from proof.evidence
    for name, value in match.groups.items():
        is_secret = match.rule.kind is not Kind.BEHAVIOUR and value in match.secret
        if name != "secret" and not (is_secret and len(value) * _MOST > len(match.secret)):
            yield Evidence(name.replace("_", " "), value.decode("utf-8", "replace"))


def _record(chain: Iterable[Link]) -> Iterator[Evidence]:
    """A file that a wheel holds and does not own up to: no tool put it there."""
    if any(link.recorded is False for link in chain):
        yield Evidence("record", "not in RECORD")


def _comment(rule: str) -> Evidence:
    return Evidence("comment", f"the one here accepts nothing: on this line it would be `pitviper: allow[{rule}]`")


def _companion(joined: Joined | None, match: Match) -> Iterator[Evidence]:
    if joined:
        yield Evidence("together with", f"{joined.companion.name} {redact(joined.value)}")
        yield Evidence("identifier", redact(match.secret))
