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
from pitviper.model.finding import Audience, Confidence, Evidence, Finding, Severity
from pitviper.model.place import Link, Place, escape
from pitviper.model.report import Ignored
from pitviper.rules.schema import Rule
from pitviper.secrets.companion import Joined, join
from pitviper.secrets.surroundings import is_made_up


class Judge(msgspec.Struct, frozen=True):
    """What the user chose: whether secrets are shown, and whether allow comments count."""

    show_secrets: bool = False
    allow_comments: bool = True

    def findings(self, data: bytearray, seen: Seen) -> Iterator[Finding | Ignored]:
        """The findings among the matches of `seen`, whose bytes lie in `data`."""
        path = seen.span.blob.path
        joined = {id(match): join(data, seen.span, match) for match in seen.matches if match.rule.companions}
        taken = _Taken()
        for found in joined.values():
            if found:
                taken.add(found.start, found.end)
        for match in _standing(seen.matches, taken):
            if _is_no_secret(match):
                continue
            finding = self._tell(data, seen, match, joined.get(id(match)), path)
            reason = None
            if self.allow_comments:
                reason = allowed(data, seen.span, match.start, match.end, match.rule.id)
            yield finding if reason is None else Ignored(finding, reason)

    def _tell(self, data: bytearray, seen: Seen, match: Match, joined: Joined | None, path: str) -> Finding:
        rule = match.rule
        secret = joined.value if joined else match.secret
        evidence = [*_facts(match), *_companion(joined, match)]
        made_up = is_made_up(path) and (rule.fixture or not match.proved)
        if made_up:
            evidence.append(Evidence("place", "in tests, examples or documentation"))
        return Finding(
            id=fingerprint(rule.id, match.secret + b"\0" + secret if joined else secret),
            kind=rule.kind,
            rule=rule.id,
            title=rule.name,
            severity=_severity(rule, match, joined),
            confidence=Confidence.CERTAIN if match.proved else rule.confidence,
            audience=Audience.AUDITOR if made_up else rule.audience,
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


def _is_no_secret(match: Match) -> bool:
    return not match.proved and is_placeholder(match.secret)


def _severity(rule: Rule, match: Match, joined: Joined | None) -> Severity:
    """As the token itself tells, else as a pair, else as the rule says."""
    told = [proof.severity for proof in match.proofs if proof.severity is not None]
    if told:
        return told[0]
    return joined.companion.severity if joined else rule.severity


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
