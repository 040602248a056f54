"""From the matches in a blob to findings: what is no secret goes, what belongs together is joined, the rest is told."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

import msgspec

from pitviper.engine.matcher import Match, Seen
from pitviper.findings.allow import allowed
from pitviper.findings.fingerprint import fingerprint
from pitviper.findings.redact import mask, redact, tell
from pitviper.formats.placeholder import is_placeholder
from pitviper.model.finding import Audience, Confidence, Evidence, Finding, Kind, Severity
from pitviper.model.place import Link, Place, escape
from pitviper.model.report import Hidden, Ignored
from pitviper.rules.schema import Rule
from pitviper.secrets.companion import Joined, join
from pitviper.secrets.surroundings import is_made_up


class Judge(msgspec.Struct, frozen=True):
    """What the user wants to see: see the fields of the same name in `pitviper.config.Settings`."""

    only: tuple[Kind, ...] = tuple(Kind)
    min_severity: Severity = Severity.INFO
    auditor: bool = False
    show_secrets: bool = False
    allow_comments: bool = True

    def findings(self, data: bytearray, seen: Seen, hidden: Hidden) -> Iterator[Finding | Ignored]:
        """The findings among the matches of `seen`, whose bytes lie in `data`; the others are counted in `hidden`."""
        matches = [match for match in seen.matches if match.proved or not is_placeholder(match.secret)]
        joined = {id(match): join(data, seen.span, match) for match in matches if match.rule.companions}
        taken = _Taken()
        for found in joined.values():
            if found:
                taken.add(found.start, found.end)
        made_up = is_made_up(seen.span.blob.chain[-1].name)
        for match in _standing(matches, taken):
            companion = joined.get(id(match))
            severity = _severity(match, companion)
            for_auditors = match.rule.audience is Audience.AUDITOR or (made_up and _may_be_fixture(match))
            if self._hides(match.rule, severity, hidden, for_auditors=for_auditors):
                continue
            finding = self._tell(data, seen, match, companion, severity)
            if for_auditors:
                finding = _for_auditors(finding, made_up=made_up)
            reason = allowed(data, seen.span, match.start, match.end, match.rule.id) if self.allow_comments else None
            yield finding if reason is None else Ignored(finding, reason)

    def _hides(self, rule: Rule, severity: Severity, hidden: Hidden, *, for_auditors: bool) -> bool:
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

    def _tell(self, data: bytearray, seen: Seen, match: Match, joined: Joined | None, severity: Severity) -> Finding:
        rule = match.rule
        secret = joined.value if joined else match.secret
        evidence = [*_facts(match), *_companion(joined, match)]
        return Finding(
            id=fingerprint(rule.id, match.secret + b"\0" + secret if joined else secret),
            kind=rule.kind,
            rule=rule.id,
            title=rule.name,
            severity=severity,
            confidence=Confidence.CERTAIN if match.proved else rule.confidence,
            audience=Audience.EVERYONE,
            place=_place(data, seen, match),
            secret=tell(secret, show=self.show_secrets),
            evidence=tuple(msgspec.structs.replace(item, text=mask(item.text, secret)) for item in evidence),
            remedy=rule.remedy,
            references=rule.references,
        )


def _standing(matches: Sequence[Match], taken: _Taken) -> Iterator[Match]:
    """Of matches that share bytes of their secrets only the strongest: proved, of a provider, surer, longer.

    Nothing that overlaps what is `taken` already (by a companion) stands.
    """
    strongest = sorted(
        matches,
        key=lambda match: (
            not match.proved,
            match.rule.generic,
            match.rule.confidence.rank,
            match.secret_start - match.secret_end,
            match.rule.id,
        ),
    )
    kept = [match for match in strongest if taken.add(match.secret_start, match.secret_end)]
    yield from sorted(kept, key=lambda match: match.secret_start)


class _Taken:
    """Spans that do not overlap, in order."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def add(self, start: int, end: int) -> bool:
        """Take `start:end` if it is free."""
        index = bisect_right(self._starts, start)
        if (index and self._ends[index - 1] > start) or (index < len(self._starts) and self._starts[index] < end):
            return False
        self._starts.insert(index, start)
        self._ends.insert(index, end)
        return True


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
        if name != "secret":
            yield Evidence(name.replace("_", " "), escape(value.decode("utf-8", "replace")))


def _companion(joined: Joined | None, match: Match) -> Iterator[Evidence]:
    if joined:
        yield Evidence("together with", f"{joined.companion.name} {redact(joined.value)}")
        yield Evidence("identifier", redact(match.secret))


def _place(data: bytearray, seen: Seen, match: Match) -> Place:
    span, blob, start = seen.span, seen.span.blob, match.secret_start
    line = column = None
    if not seen.binary:
        lines = span.lines_before(data, start)
        line = None if lines is None else lines + 1
        begin = data.rfind(b"\n", span.start, start) + 1 or span.start
        column = 1 + len(bytes(data[begin:start]).decode("utf-8", "replace").lstrip("\ufeff"))
    secret = match.secret
    chain = tuple(Link(link.kind, mask(link.name, secret)) for link in blob.chain)
    return Place(mask(blob.path, secret), chain, line, column, span.offset(data, start))
