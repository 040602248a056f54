"""What a worker does with the parts of a target: read them, search them, judge what it sees."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, cast

import msgspec

from pitviper.engine import text
from pitviper.engine.boundary import is_bytecode
from pitviper.engine.matcher import Match, Matcher, Seen
from pitviper.engine.pack import BUFFER, Free, Pack
from pitviper.engine.prefilter import Hit
from pitviper.findings.allow import allowed
from pitviper.hygiene.pair import half_of_a_pair
from pitviper.model.blob import Blob, Inner, Memory, Span
from pitviper.model.finding import Evidence, Finding
from pitviper.model.gap import Gap, Reason
from pitviper.model.place import Link, Place
from pitviper.model.report import Hidden, Ignored
from pitviper.opening import opened
from pitviper.rules.schema import RuleSet
from pitviper.secrets.judge import Judge
from pitviper.secrets.positions import Positions
from pitviper.sources.ahead import ahead
from pitviper.sources.directory import Files, read
from pitviper.sources.interface import Flow, Whole
from pitviper.unpack.interface import Options

if TYPE_CHECKING:
    from pitviper.bytecode.reading import Reader
    from pitviper.bytecode.render import Rendering
    from pitviper.engine.decode import Budget, Decoder, Revealed
    from pitviper.hygiene.bytecode import Bytecode
    from pitviper.hygiene.held import Told

MAX_FINDINGS = 2_000
"""Findings of one blob; a file made of nothing but fakes must not fill the memory, or the time: a short secret costs
1 ms (see `pitviper.findings.fingerprint`). What is beyond becomes a Gap."""

PATIENCE = 30.0
"""Seconds for confirming candidates in one blob; ordinary ones take microseconds each. What is beyond becomes a Gap."""

_USUAL_GROWTH = 4
"""How many times its own size may come out of a blob's encoded runs at no cost to the artefact: text packs so well."""


class Outcome(msgspec.Struct):
    """What came of some parts."""

    findings: list[Finding] = []
    ignored: list[Ignored] = []
    gaps: list[Gap] = []
    hidden: Hidden = msgspec.field(default_factory=Hidden)
    blobs: int = 0
    bytes: int = 0
    expanded_bytes: int = 0

    def add(self, other: Outcome) -> None:
        """Add what came of later parts."""
        self.findings += other.findings
        self.ignored += other.ignored
        self.gaps += other.gaps
        self.hidden.add(other.hidden)
        self.blobs += other.blobs
        self.bytes += other.bytes
        self.expanded_bytes += other.expanded_bytes

    def hear(self, told: Told) -> None:
        """Add what was told of compiled Python."""
        self.add(Outcome(findings=told.findings, gaps=told.gaps, hidden=told.hidden))


class Looker:
    """Looks into parts, one after the other. Not for two threads at once."""

    def __init__(
        self,
        rules: RuleSet,
        judge: Judge | None = None,
        options: Options | None = None,
        *,
        matcher: Matcher | None = None,
    ) -> None:
        self._matcher = matcher or Matcher(rules)
        self._rules = rules.rules
        self._options = options or Options()
        self._judge = judge or Judge()
        self._inside = msgspec.structs.replace(self._judge, allow_comments=False)
        """For decoded layers: comments that accept stand in the file."""
        self._wide: tuple[Blob | None, str | None] = None, None
        """The last blob that might be UTF-16 or UTF-32, and its codec: its later windows have no byte order mark."""
        self._told: tuple[Blob | None, int] = None, 0
        """The last blob with findings, and how many: all its windows have one limit."""
        self._spent: tuple[Blob | None, float] = None, 0.0
        """The last blob with candidates, and the seconds they took."""
        self._decoder: Decoder | None = None
        self._reader: Reader | None = None
        self._bytecode: Bytecode | None = None
        self._budget: tuple[Blob, Budget] | None = None
        """The last blob with something encoded, and what it may still cost."""
        self._growth: tuple[str, int] = "", 0
        """The last artefact with something encoded, and by how much what was decoded of its blobs outgrew them."""

    def look(self, parts: Iterable[Files], *, read_ahead: bool = False) -> Iterator[Outcome]:
        """What came of `parts`, pack by pack, so that an interruption keeps what was found."""
        return self._look(partial(read, parts), read_ahead=read_ahead)

    def look_at_flow(self, flow: Flow) -> Iterator[Outcome]:
        """What came of `flow`, pack by pack."""
        return self._look(flow.read, read_ahead=True)

    def look_at_bytes(self, data: bytes, name: str) -> Outcome:
        """What comes of `data` as if it were a file called `name`."""
        span = Span(Memory(name), 0, len(data), 0, len(data))
        return self._search_pack(Pack(bytearray(data), len(data), [span], []))

    def secrets_in(self, names: Iterable[str]) -> list[bytes]:
        """The secrets that stand in names (of files, of targets), which a report tells of findings and gaps alike."""
        data = bytearray("\n".join(names).encode())
        span = Span(Memory(""), 0, len(data), 0, len(data))
        seen = (
            self._matcher.look(data, span, hits, PATIENCE) for _, hits in self._matcher.hits(data, len(data), [span])
        )
        return [match.secret for one in seen for match in one.matches]

    def _look(self, read: Callable[[Free], Iterator[Pack]], *, read_ahead: bool) -> Iterator[Outcome]:
        opening = partial(opened, read, self._options)
        if read_ahead:
            packs = ahead(opening)
        else:
            buffer = bytearray(BUFFER)
            packs = opening(lambda: buffer)
        try:
            for pack in packs:
                yield self._search_pack(pack)
            yield from self._rest()
        except KeyboardInterrupt:
            yield from self._rest()  # findings in bytecode wait for its source
            raise
        finally:
            if self._bytecode:
                self._bytecode.close()

    def _search_pack(self, pack: Pack) -> Outcome:
        data = pack.data
        outcome = Outcome(gaps=pack.gaps, bytes=pack.read)
        self._search(data, pack.filled, pack.spans, outcome)
        for span in pack.spans:  # runs for every file: keep it short
            if isinstance(span.blob, Inner):
                outcome.expanded_bytes += span.last - span.first
            elif not (span.opened and span.last < span.end):  # of what is big and opened, what is read counts
                outcome.bytes += span.last - span.first
            outcome.blobs += not span.base
            if (span.base or text.may_be_wide(data, span)) and not span.opened:
                self._search_wide(data, span, outcome)
        if pairs := [span for span in pack.spans if half_of_a_pair(span) and not span.opened]:
            self._hold(pack, pairs, outcome)
        return outcome

    def _hold(self, pack: Pack, pairs: list[Span], outcome: Outcome) -> None:
        """Compiled Python is held against the source beside it."""
        if self._bytecode is None:
            from pitviper.hygiene.bytecode import Bytecode  # noqa: PLC0415 - where there is such a file

            self._bytecode = Bytecode(self._rules, self._judge, self.secrets_in, self._findings_in)
        outcome.hear(self._bytecode.look(pack, pairs, outcome.findings))

    def _rest(self) -> Iterator[Outcome]:
        """What is to be told of compiled Python when all is read."""
        if self._bytecode and (told := self._bytecode.rest()):
            outcome = Outcome()
            outcome.hear(told)
            yield outcome

    def _findings_in(self, data: bytes) -> list[Finding]:
        """What the rules find in some bytes of which nothing else is known."""
        outcome = Outcome()
        buffer = bytearray(data)
        self._search(buffer, len(buffer), [Span(Memory(""), 0, len(buffer), 0, len(buffer))], outcome)
        return outcome.findings + [one.finding for one in outcome.ignored]

    def _search_wide(self, data: bytearray, span: Span, outcome: Outcome) -> None:
        """Text in UTF-16 or UTF-32 is searched as the text it is."""
        if not span.base:
            self._wide = span.blob, text.wide(data, span.start, span.end)
        blob, codec = self._wide
        if codec and blob is span.blob:
            decoded, view = text.decoded(data, span, codec)
            self._search(decoded, len(decoded), [view], outcome)

    def _is_wide(self, data: bytearray, span: Span) -> bool:
        """Whether the blob of `span` is UTF-16 or UTF-32 as a whole."""
        if not span.base:
            return text.wide(data, span.start, span.end) is not None
        return self._wide[0] is span.blob and self._wide[1] is not None

    def _search(self, data: bytearray, filled: int, spans: Sequence[Span], outcome: Outcome) -> None:
        compiled = {span.start: span for span in spans if is_bytecode(data, span) and not span.opened}
        for span, hits in self._matcher.hits(data, filled, spans):
            if span.start in compiled:
                self._search_code(data, compiled.pop(span.start), hits, outcome)
            elif not span.opened:
                self._search_span(data, span, hits, outcome)
        for span in compiled.values():
            self._search_code(data, span, [], outcome)

    def _search_span(self, data: bytearray, span: Span, hits: list[Hit], outcome: Outcome) -> bool:
        """Add what is found; whether there was any match, told or not."""
        seen = self._confirm(data, span, hits, outcome)
        try:
            decoded = self._decode(data, seen, hits, outcome) if self._matcher.encoded_among(data, hits) else []
            self._tell(seen.span.blob, self._judge.findings(data, seen, outcome.hidden), outcome)
            self._tell(seen.span.blob, decoded, outcome)
        except Exception as error:  # noqa: BLE001 - a defect on one blob must not end the scan
            seen.defects.add(type(error).__name__)
        for defect in sorted(seen.defects):
            detail = f"a defect in pitviper: {defect}; please report it"
            outcome.gaps.append(Gap(span.blob.path, Reason.FAILED, detail))
        return bool(seen.matches)

    def _search_code(self, data: bytearray, span: Span, hits: list[Hit], outcome: Outcome) -> None:
        """Compiled Python: its bytes first, because most files need no more; then what they stand for.

        What the rendering shows it tells in a function and at a line; what it does not show (names of files, what is
        damaged) stands in the bytes.
        """
        raw = Outcome()
        matched = self._search_span(data, span, hits, raw) if hits else False
        if not span.base:
            worth = matched or raw.findings or raw.ignored or self._bytecode_reader().is_worth(data, span, hits)
            told: AbstractSet[str] = frozenset()
            try:
                told = self._search_lines(data, span, outcome) if worth else told
            except Exception as error:  # noqa: BLE001 - as above; its bytes were searched
                detail = f"a defect in pitviper: {type(error).__name__} in reading bytecode; please report it"
                outcome.gaps.append(Gap(span.blob.path, Reason.FAILED, detail))
            raw.findings = [finding for finding in raw.findings if finding.id not in told]
        outcome.add(raw)

    def _bytecode_reader(self) -> Reader:
        if self._reader is None:
            from pitviper.bytecode.reading import Reader  # noqa: PLC0415 - where there is such a file

            self._reader = Reader(self._matcher, auditor=self._judge.auditor)
        return self._reader

    def _search_lines(self, data: bytearray, span: Span, outcome: Outcome) -> AbstractSet[str]:
        """Search the lines of source that compiled Python stands for; the ids of what is told there."""
        whole = partial(_whole, span.blob) if span.last < span.end else None
        rendering, gaps = self._bytecode_reader().read(span.blob, bytes(data[span.start : span.end]), whole)
        outcome.gaps += gaps
        if rendering is None:
            return frozenset()
        lines = bytearray(rendering.text)
        view = Span(span.blob, 0, len(lines), 0, len(lines))
        inside = Outcome()
        judge, self._judge = self._judge, self._inside
        try:
            for found, hits in self._matcher.hits(lines, len(lines), [view]):
                self._search_span(lines, found, hits, inside)
        finally:
            self._judge = judge
        inside.findings = [_in_code(finding, rendering) for finding in inside.findings]
        outcome.add(inside)
        return {finding.id for finding in inside.findings}

    def _confirm(self, data: bytearray, span: Span, hits: list[Hit], outcome: Outcome) -> Seen:
        started = time.perf_counter()
        spent = self._spent[1] if self._spent[0] is span.blob else 0.0
        seen = self._matcher.look(data, span, hits, PATIENCE - spent)
        if seen.exhausted and spent < PATIENCE:
            detail = f"candidates took more than {PATIENCE:.0f} s to confirm; the others were left out"
            outcome.gaps.append(Gap(span.blob.path, Reason.OVER_BUDGET, detail))
        self._spent = span.blob, spent + time.perf_counter() - started
        return seen

    def _decode(self, data: bytearray, seen: Seen, hits: list[Hit], outcome: Outcome) -> list[Finding | Ignored]:
        """What lies encoded at `hits`. A guess about a run that turns out to hold a secret is taken back."""
        from pitviper.engine.decode import MAX_BYTES, MAX_GROWTH, Budget, Decoder  # noqa: PLC0415 - only where something is encoded

        blob = seen.span.blob
        self._decoder = self._decoder or Decoder(self._matcher)
        if self._budget is None or self._budget[0] is not blob:
            artefact = blob.path.partition("!/")[0]
            self._growth = artefact, self._growth[1] if self._growth[0] == artefact else 0
            self._budget = blob, Budget()
            self._budget[1].room = max(0, min(MAX_BYTES, MAX_GROWTH - self._growth[1]))
        budget = self._budget[1]
        room = budget.room
        before = budget.exceeded
        spent = self._spent[1] if self._spent[0] is blob else 0.0
        if self._is_wide(data, seen.span):  # then the literals stand for text that is searched as such
            hits = [hit for hit in hits if not self._matcher.is_wide_at(hit)]
        started = time.perf_counter()
        revealed = self._decoder.look(data, seen, hits, budget, PATIENCE - spent)
        self._spent = blob, spent + time.perf_counter() - started
        grown = room - budget.room - _USUAL_GROWTH * (seen.span.end - seen.span.start)
        self._growth = self._growth[0], self._growth[1] + max(0, grown)
        if budget.exceeded and not before:
            outcome.gaps.append(Gap(blob.path, Reason.OVER_BUDGET, f"{budget.exceeded}; the others were left out"))
        found: list[tuple[int, Finding, Revealed]] = []
        for one in revealed:
            seen.defects |= one.seen.defects
            inside = [cast("Finding", told) for told in self._inside.findings(one.data, one.seen, outcome.hidden)]
            places = one.layer.places(data, [finding.place.offset or 0 for finding in inside])
            found += ((place, finding, one) for place, finding in zip(places, inside, strict=True))
        positions = Positions(data, seen.span, binary=seen.binary)
        found.sort(key=itemgetter(0))
        told = [self._placed(finding, one, positions.of(place), (data, seen)) for place, finding, one in found]
        runs = [(one.layer.start, one.layer.end) for one in revealed]
        seen.matches = [match for match in seen.matches if not (match.rule.generic and _meets(match, runs))]
        return told

    def _placed(
        self, finding: Finding, one: Revealed, at: tuple[int | None, int | None, int], raw: tuple[bytearray, Seen]
    ) -> Finding | Ignored:
        """`finding` where its encoded run stands, unless a comment there accepts it."""
        name = "+".join(one.layer.how)
        place = Place(finding.place.path, (*finding.place.chain, Link("decoded", name)), *at, finding.place.removed_in)
        evidence = (*finding.evidence, Evidence("encoding", name))
        finding = msgspec.structs.replace(finding, place=place, evidence=evidence)
        data, seen = raw
        run = one.layer.start, one.layer.end
        may_allow = self._judge.allow_comments and not seen.binary
        reason = allowed(data, seen.span, run, finding.rule) if may_allow else None
        return finding if reason is None else Ignored(finding, reason)

    def _tell(self, blob: Blob, findings: Iterable[Finding | Ignored], outcome: Outcome) -> None:
        for finding in findings:
            told = self._told[1] if self._told[0] is blob else 0
            if told == MAX_FINDINGS:
                detail = f"more than {MAX_FINDINGS:,} findings; the first are reported"
                outcome.gaps.append(Gap(blob.path, Reason.OVER_BUDGET, detail))
                return
            self._told = blob, told + 1
            if isinstance(finding, Ignored):
                outcome.ignored.append(finding)
            else:
                outcome.findings.append(finding)


def _in_code(finding: Finding, rendering: Rendering) -> Finding:
    """`finding` in the function and the line of the source that its line in `rendering` comes from."""
    line, function = rendering.at(finding.place.offset or 0)
    place = finding.place
    chain = (*place.chain, Link("code", function))
    return msgspec.structs.replace(finding, place=Place(place.path, chain, line, None, None, place.removed_in))


def _whole(blob: Blob) -> bytes:
    """All bytes of a blob that is too big for one window; none if it can be read once only, or not any more."""
    from pitviper.bytecode.pyc import MAX_SIZE  # noqa: PLC0415 - as above

    if not getattr(blob, "again", False):
        return b""
    try:
        return cast("Whole", blob).open(b"").read(0, MAX_SIZE + 1)
    except OSError:
        return b""


def _meets(match: Match, runs: Iterable[tuple[int, int]]) -> bool:
    """Whether the secret of `match` overlaps one of `runs`."""
    return any(match.secret_start < end and start < match.secret_end for start, end in runs)
