"""How a git history and what is staged are looked into: see `pitviper.sources.git_history` for the reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

import msgspec

from pitviper.config import Settings
from pitviper.engine.matcher import Confirmer, Matcher, Seen
from pitviper.formats.interface import Check, Proof
from pitviper.look import Looker, Outcome
from pitviper.model.finding import Finding
from pitviper.model.report import Hidden, Ignored
from pitviper.rules.schema import Rule, RuleSet
from pitviper.secrets.judge import Judge
from pitviper.sources.git_history import Chapter, History, Which
from pitviper.sources.git_staged import Staged
from pitviper.sources.interface import Flow
from pitviper.unpack.interface import Options

_REMEMBERED = 4096
"""Values for each check of each rule."""


def opened(path: str, wanted: Settings) -> History | Staged:
    """The repository at `path`, or what is staged in it. Raises `TargetError`."""
    return Staged(path) if wanted.staged else History(path, Which(wanted.unreachable, wanted.since, wanted.branch))


def look(source: Flow, looker: Looker, rules: RuleSet, judge: Judge, options: Options) -> Iterator[Outcome]:
    """What comes of a repository, or of any other flow."""
    if isinstance(source, History):
        yield from twice(source, rules, judge, options)
    elif isinstance(source, Staged):
        yield from only_added(source, looker)
    else:
        yield from looker.look_at_flow(source)


def twice(history: History, rules: RuleSet, judge: Judge, options: Options) -> Iterator[Outcome]:
    """All objects of `history`; then, under their proper names, those that have something to say.

    Who interrupts that (Ctrl-C) gets what was found until then, under the ids of the objects: to name them takes long.
    """
    matcher = Matcher(rules, _Remembering)
    noting = _Noting()
    looker = Looker(rules, judge, options, matcher=matcher)
    try:
        for outcome in Looker(rules, noting, options, matcher=matcher).look_at_flow(history):
            ids = [history.id_in(gap.path) for gap in outcome.gaps]
            noting.ids.update(dict.fromkeys(filter(None, ids)))
            outcome.gaps = [gap for gap, one in zip(outcome.gaps, ids, strict=True) if one is None]
            yield outcome
        named = _named(history.chapter(noting.ids), looker)
    except KeyboardInterrupt:
        yield _named(history.chapter(noting.ids, in_haste=True), looker)
        raise
    yield named


def _named(chapter: Chapter, looker: Looker) -> Outcome:
    """What comes of the objects in `chapter`, which were counted before."""
    total = Outcome()
    for outcome in looker.look_at_flow(chapter):
        total.add(outcome)
    total.blobs = total.bytes = total.expanded_bytes = 0
    total.findings = chapter.joined(total.findings)
    reasons = dict.fromkeys(one.reason for one in total.ignored)
    total.ignored = [
        Ignored(finding, reason)
        for reason in reasons
        for finding in chapter.joined([one.finding for one in total.ignored if one.reason == reason])
    ]
    return total


def only_added(staged: Staged, looker: Looker) -> Iterator[Outcome]:
    """What `looker` finds on lines that are staged to be added."""
    for outcome in looker.look_at_flow(staged):
        outcome.findings = [finding for finding in outcome.findings if staged.adds(finding.place)]
        outcome.ignored = [one for one in outcome.ignored if staged.adds(one.finding.place)]
        yield outcome


class _Noting(Judge, frozen=True):
    """Judges nothing, but notes which objects of a history have matches."""

    ids: dict[str, None] = msgspec.field(default_factory=dict)
    """In the order in which they lie in the packs: git reads them faster that way."""

    def findings(self, data: bytearray, seen: Seen, hidden: Hidden) -> Iterator[Finding | Ignored]:
        """None."""
        del data, hidden
        if seen.matches:
            self.ids[seen.span.blob.chain[1].id or ""] = None
        return iter(())


class _Remembering(Confirmer):
    """Remembers what was checked: a history has the same line in hundreds of versions of a file."""

    __slots__ = ()

    def __init__(self, rule: Rule) -> None:
        super().__init__(rule)
        self.checks = tuple(map(_remembered, self.checks))


def _remembered(check: Check) -> Check:
    @lru_cache(maxsize=_REMEMBERED)
    def ask(secret: bytes, groups: tuple[tuple[str, bytes], ...]) -> Proof:
        return check(secret, dict(groups))

    def remembered(secret: bytes, groups: Mapping[str, bytes]) -> Proof:
        return ask(secret, tuple(groups.items()))

    return remembered
