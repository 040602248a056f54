"""`Holder`: holds compiled Python against the source beside it, and says what that means.

The interpreter runs a `.pyc` instead of its source as long as the header fits the source. So what the source does not
say is *poisoned* where it would be run and can do harm, and *stale* otherwise: left behind when the source was changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec
from msgspec.structs import replace

from pitviper.bytecode.beside import level_of
from pitviper.bytecode.code import Version
from pitviper.bytecode.compare import Comparison, Difference, Kind, Match, Verdict, compare, header_match
from pitviper.bytecode.glance import has_words
from pitviper.bytecode.magic import Header
from pitviper.bytecode.pyc import Pyc, read
from pitviper.bytecode.recompile import Compiler
from pitviper.findings.fingerprint import fingerprint
from pitviper.hygiene.difference import SecretsIn, Shown, ids, values
from pitviper.model.blob import Blob, Inner
from pitviper.model.finding import Audience, Confidence, Evidence, Finding, Severity
from pitviper.model.finding import Kind as FindingKind
from pitviper.model.gap import Gap, Reason
from pitviper.model.place import Link, Place
from pitviper.model.report import Hidden
from pitviper.rules.schema import Rule
from pitviper.secrets.judge import Judge

POISONED, STALE, UNCHECKED = "poisoned-bytecode", "stale-bytecode", "unchecked-bytecode"
ORPHAN, SHIPPED = "orphan-bytecode", "shipped-bytecode"
"""The rules that are found here."""
_OF_OTHER_SOURCE = (Match.OTHER_SIZE, Match.OTHER_HASH)
"""Headers with which the interpreter compiles the source anew."""


class Compiled(msgspec.Struct):
    """A file of compiled Python: what its head tells, which telling names it has, what was found in it."""

    blob: Blob
    version: Version | None
    header: Header | None
    names: frozenset[bytes]
    findings: list[Finding]
    closely: bool = False
    """Whether it is compared though nothing speaks for it."""

    @property
    def name(self) -> str:
        """Its path in the tree or container."""
        return self.blob.chain[-1].name

    @property
    def is_shipped(self) -> bool:
        """Whether it lies in something that was packed."""
        return isinstance(self.blob, Inner)


class Beside(msgspec.Struct):
    """The source beside it: its name and size, its time where that means something, and what it says.

    `read` raises OSError.
    """

    name: str
    size: int
    mtime: int | None
    read: Callable[[], bytes]


class Told(msgspec.Struct):
    """What is to be told."""

    findings: list[Finding] = []
    gaps: list[Gap] = []
    hidden: Hidden = msgspec.field(default_factory=Hidden)

    def add(self, other: Told) -> None:
        """Add what is told later."""
        self.findings += other.findings
        self.gaps += other.gaps
        self.hidden.add(other.hidden)


class Holder:
    """Not for two threads at once. To be closed.

    `secrets_in` finds the secrets in texts, `findings_in` what the rules find in some bytes.
    """

    def __init__(
        self,
        rules: Iterable[Rule],
        judge: Judge,
        secrets_in: SecretsIn,
        findings_in: Callable[[bytes], list[Finding]],
    ) -> None:
        self._rules: Mapping[str, Rule] = {rule.id: rule for rule in rules if rule.detector}
        self._judge = judge
        self._secrets_in = secrets_in
        self._findings_in = findings_in
        self._compiler = Compiler()

    def close(self) -> None:
        """End what was started."""
        self._compiler.close()

    def hold(self, one: Compiled, content: Callable[[], bytes], source: Beside, told: Told) -> None:
        """Tell the findings in `one`, whose bytes are `content`, and what differs from `source`."""
        try:
            match = header_match(one.header, one.version, source.size, source.mtime, source.read)
            if self._is_plain(one, match, source):
                told.findings += one.findings
                return
            pyc, text = read(content()), source.read()
        except OSError as error:
            told.findings += one.findings
            told.gaps.append(Gap(one.blob.path, Reason.UNREADABLE, f"{source.name} beside it: {error.strerror}"))
            return
        comparison, evidence = self._compared(one, pyc, text, match)
        if comparison.problem and comparison.verdict is Verdict.CLEAN and pyc.code is not None:
            detail = f"it was not wholly held against {source.name}: {comparison.problem}"
            told.gaps.append(Gap(one.blob.path, Reason.OVER_BUDGET, detail))
        if match is Match.UNCHECKED:
            self.tell_unchecked(one, told)
        if comparison.verdict is Verdict.CLEAN:
            told.findings += one.findings
            return
        left = self._left_behind(one, comparison, text)
        stale = Evidence(
            "stale",
            f"the bytecode was compiled from other source than the {source.name} beside it, which does not hold this",
        )
        told.findings += [
            replace(finding, evidence=(*finding.evidence, stale)) if finding.id in left else finding
            for finding in one.findings
        ]
        runs = match not in _OF_OTHER_SOURCE and not (
            match is Match.OTHER_TIME and one.header is not None and one.header.source_size is None
        )
        rule = POISONED if comparison.verdict is Verdict.POISONED and runs else STALE
        severity = None
        if rule == STALE:
            severity = _severity(comparison, has_secret=bool(left), is_shipped=one.is_shipped, runs=runs)
        shown = Shown(self._secrets_in, one.findings, show_secrets=self._judge.show_secrets)
        at = _main(comparison, one.findings)
        parts = (f"{it.kind.value} {it.qualname} {it.line}" for it in comparison.differences)
        self.tell(
            rule,
            one.blob,
            "\0".join((one.name, *parts)),
            (*_explained(comparison, match), *shown.evidence(comparison), *evidence),
            told,
            severity=severity,
            confidence=Confidence.CERTAIN if evidence and at and at.kind is not Kind.LOGIC else None,
            at=at,
        )

    def tell(  # noqa: PLR0913 - what a finding has
        self,
        rule_id: str,
        blob: Blob,
        identity: str,
        evidence: tuple[Evidence, ...],
        told: Told,
        *,
        severity: Severity | None = None,
        confidence: Confidence | None = None,
        at: Difference | None = None,
    ) -> None:
        """A finding of a rule, unless it is disabled or hidden. Those with the same `identity` are one."""
        rule = self._rules.get(rule_id)
        if rule is None:
            return
        severity = severity or rule.severity
        if self._judge.hides(rule, severity, told.hidden, for_auditors=False):
            return
        chain = (*blob.chain, Link("code", at.qualname)) if at else blob.chain
        removed_in = blob.removed_in if isinstance(blob, Inner) else None
        told.findings.append(
            Finding(
                id=fingerprint(rule.id, identity.encode("utf-8", "surrogatepass")),
                kind=rule.kind,
                rule=rule.id,
                title=rule.name,
                severity=severity,
                confidence=confidence or rule.confidence,
                audience=Audience.EVERYONE,
                place=Place(blob.path, chain, at.line if at else None, removed_in=removed_in),
                secret=None,
                evidence=evidence,
                remedy=rule.remedy,
                references=rule.references,
            )
        )

    def tell_unchecked(self, one: Compiled, told: Told) -> None:
        """The header of `one` forbids the interpreter to look at the source."""
        self.tell(UNCHECKED, one.blob, folder_of(one.blob), (Evidence("header", Match.UNCHECKED.value),), told)

    def tell_orphans(self, one: Compiled, source: str, count: int, told: Told) -> None:
        """`one`, and others in its folder or container, have no source there."""
        evidence = (Evidence("orphan", f"there is no {source} beside it"), *counted(count))
        self.tell(ORPHAN, one.blob, folder_of(one.blob), evidence, told)

    def _is_plain(self, one: Compiled, match: Match, source: Beside) -> bool:
        """Whether nothing speaks for a closer look: see `docs/bytecode.md`."""
        if self._judge.auditor or one.closely or match in (Match.UNCHECKED, *_OF_OTHER_SOURCE) or one.version is None:
            return False
        if any(finding.kind is FindingKind.SECRET for finding in one.findings):
            return False
        return not one.names or has_words(source.read(), one.names)

    def _compared(self, one: Compiled, pyc: Pyc, text: bytes, match: Match) -> tuple[Comparison, tuple[Evidence, ...]]:
        """What differs; and what the compiler says of it, which decides if it is the one that made the file."""
        level = level_of(one.name)
        settled = self._compiler.compiles_to(text, pyc, level)
        if settled:
            return Comparison(Verdict.CLEAN, match), ()
        comparison = msgspec.structs.replace(compare(pyc, text), match=match)
        if settled is None:
            return comparison, ()
        evidence = (Evidence("compiler", "this version of Python compiles the source to something else"),)
        if comparison.verdict is not Verdict.CLEAN:
            return comparison, evidence
        if match in (*_OF_OTHER_SOURCE, Match.OTHER_TIME) or comparison.problem:
            return comparison, ()  # nothing that matters, such as where classes begin
        qualname, line = self._compiler.strange(text, pyc, level) or ("<module>", 1)
        logic = Difference(Kind.LOGIC, "", qualname, line)
        return Comparison(Verdict.STALE, match, (logic,)), evidence

    def _left_behind(self, one: Compiled, comparison: Comparison, text: bytes) -> set[str]:
        """The ids of those findings in `one` that the source does not explain."""
        found = {finding.id for finding in one.findings if finding.kind is FindingKind.SECRET}
        if not found:
            return found
        told = ids(comparison.differences, one.findings)
        told |= {finding.id for finding in self._findings_in(b"\n".join(values(comparison.differences)))}
        if comparison.more:  # not all that differs is listed
            told |= found - {finding.id for finding in self._findings_in(text)}
        return found & told


def orphaned(one: Compiled, source: str) -> list[Finding]:
    """The findings in `one`, with word that there is no source."""
    evidence = Evidence("orphan", f"there is no {source} beside it: the bytecode is all that is left")
    return [replace(finding, evidence=(*finding.evidence, evidence)) for finding in one.findings]


def counted(count: int) -> tuple[Evidence, ...]:
    """How many more there are like the one that is told."""
    return (Evidence("count", f"{count:,} such files"),) if count > 1 else ()


def folder_of(blob: Blob) -> str:
    """What stands for the folder in which `blob` lies, wherever the target itself is."""
    *outer, last = blob.chain[1:] or blob.chain
    return "\0".join([*(link.name for link in outer), last.name.rpartition("/")[0]])


def _severity(comparison: Comparison, *, has_secret: bool, is_shipped: bool, runs: bool) -> Severity | None:
    """Of stale bytecode: what the interpreter would throw away harms by what it tells, or by who loads it himself."""
    if has_secret:
        return Severity.HIGH
    if runs:
        return None
    is_able = comparison.verdict is Verdict.POISONED
    if is_shipped:
        return Severity.HIGH if is_able else None
    return None if is_able else Severity.LOW


def _explained(comparison: Comparison, match: Match) -> Iterator[Evidence]:
    if comparison.capabilities:
        able = ", ".join(comparison.capabilities)
        yield Evidence("capabilities", f"{able}, by names that the source does not have")
    if match is not Match.UNKNOWN:
        yield Evidence("header", match.value)


def _main(comparison: Comparison, findings: Iterable[Finding]) -> Difference | None:
    """The difference to point at: one on the line of a secret, else the first."""
    lines = {(finding.place.line, finding.place.chain[-1].name) for finding in findings}
    found = [one for one in comparison.differences if (one.line, one.qualname) in lines]
    return next(iter((*found, *comparison.differences)), None)
