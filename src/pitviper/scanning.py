"""The verb: collect the targets, open them, look into them, and report."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from itertools import chain

from msgspec.structs import replace

from pitviper import __version__
from pitviper.config import Settings
from pitviper.engine.parallel import Pool
from pitviper.errors import TargetError, UsageError
from pitviper.findings.baseline import Baseline
from pitviper.findings.group import group
from pitviper.findings.redact import mask
from pitviper.look import Looker, Outcome
from pitviper.model.finding import Finding
from pitviper.model.gap import Gap, Reason
from pitviper.model.place import Link, Place, escape
from pitviper.model.report import Ignored, Report, Stats, Tool
from pitviper.rules.loading import load
from pitviper.rules.schema import RuleSet
from pitviper.secrets.judge import Judge
from pitviper.sources import has_repository, is_repository, open_target, repository
from pitviper.sources.directory import Directory, Files
from pitviper.sources.interface import Flow
from pitviper.sources.stream import Stream
from pitviper.unpack.interface import Options
from pitviper.work import Config, Work, batches

_IN_PROCESS_FILES = 512
_IN_PROCESS_BYTES = 32 * 1024 * 1024
"""Below both, one process is done before another has started (0.1 s)."""

_PACK = re.compile(r"(?:(.*)/)?\.git/objects/pack/pack-[0-9a-f]+\.pack", re.DOTALL)
"""A pack of the repository in the folder that is the group."""


class Scan:
    """A scan of `targets` (paths, or `-` for standard input). Iterate for findings as they come, or ask for a report.

    Targets that cannot be opened stand in `unreadable`; the others are looked into all the same. Raises `UsageError`
    for rules or a baseline that cannot be loaded. `on_outcome` is told of every bit of progress.
    """

    def __init__(
        self,
        targets: Sequence[str],
        settings: Settings | None = None,
        *,
        on_outcome: Callable[[Outcome], None] | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.targets = tuple(dict.fromkeys(targets))  # one that is named twice is looked into once
        self.rules: RuleSet = load(self.settings.rules, self.settings.disable)
        self.unreadable: list[TargetError] = []
        self.sources: list[Directory | Flow] = []
        self._baseline = Baseline.load(self.settings.baseline) if self.settings.baseline else None
        self._on_outcome = on_outcome
        self._total = Outcome()  # but for findings, which go to one of the two lists below
        self._kept: list[Finding] = []
        self._suppressed: list[Finding] = []
        self._seconds = 0.0
        self._interrupted = False
        wanted = {name: getattr(self.settings, name) for name in Judge.__struct_fields__}
        self.judge = Judge(**wanted)
        self.options = Options(**{name: getattr(self.settings, name) for name in Options.__struct_fields__})
        self.looker = Looker(self.rules, self.judge, self.options)
        self._running: Generator[Finding, None, None] = self._run()
        for target in self.targets:
            self._open(target)

    def __iter__(self) -> Iterator[Finding]:
        """Findings in the order in which they are found; with several jobs that may differ from run to run."""
        return self._running

    def stop(self) -> None:
        """End the scan here; the report will say that it was interrupted."""
        self._interrupted = True
        self._running.close()

    def report(self) -> Report:
        """The whole result, in an order that depends on the targets alone. Looks into what is left first."""
        for _ in self._running:
            pass
        gaps = set(self._total.gaps)
        names = {*map(escape, self.targets), *(gap.path for gap in gaps), *(gap.detail for gap in gaps)}
        hide = partial(_hide, self.looker.secrets_in(names))
        return Report(
            tool=Tool(version=__version__, rules=self.rules.digest),
            targets=tuple(hide(escape(target)) for target in self.targets),
            findings=group(self._kept),
            ignored=tuple(sorted(self._total.ignored, key=lambda item: (item.finding.place.path, item.finding.id))),
            suppressed=group(self._suppressed),
            gaps=tuple(sorted(Gap(hide(gap.path), gap.reason, hide(gap.detail)) for gap in gaps)),
            stats=Stats(
                artifacts=len(self.sources),
                blobs=self._total.blobs,
                bytes=self._total.bytes,
                expanded_bytes=self._total.expanded_bytes,
                seconds=round(self._seconds, 3),
                skipped=sum(source.skipped for source in self.sources if isinstance(source, Directory)),
                hidden=self._total.hidden,
            ),
            interrupted=self._interrupted,
        )

    def _open(self, target: str) -> None:
        wanted = self.settings
        try:
            if not is_repository(target, staged=wanted.staged):
                source = open_target(
                    target,
                    gitignore=wanted.gitignore,
                    index_url=wanted.index_url,
                    most=wanted.max_expanded,
                    platform=wanted.platform,
                )
                self.sources.append(source)
            if has_repository(target, history=wanted.git_history, staged=wanted.staged):
                from pitviper import look_at_git  # noqa: PLC0415 - for such targets only

                self.sources.append(look_at_git.opened(repository(target), wanted))
        except TargetError as error:
            self.unreadable.append(error)
            shown = escape(target)
            self._total.gaps.append(Gap(shown, Reason.UNREADABLE, str(error).removeprefix(f"{shown}: ")))

    def _run(self) -> Generator[Finding, None, None]:
        started = time.perf_counter()
        try:
            for outcome in self._look():
                if self._on_outcome:
                    self._on_outcome(outcome)
                findings, outcome.findings = self._discreet(outcome.findings), []
                accepted = self._discreet([one.finding for one in outcome.ignored])
                outcome.ignored = [
                    Ignored(*pair) for pair in zip(accepted, [one.reason for one in outcome.ignored], strict=True)
                ]
                self._total.add(outcome)
                yield from [finding for finding in findings if self._keep(finding)]  # all are kept before one is told
            self._tell_unread()
        finally:
            self._seconds = time.perf_counter() - started

    def _tell_unread(self) -> None:
        """A target that is one blob and could be opened, but not read, counts as one that could not be opened."""
        whole = {source.whole for source in self.sources}
        for gap in self._total.gaps:
            if gap.path in whole and gap.reason in (Reason.UNREADABLE, Reason.VANISHED):
                self.unreadable.append(
                    TargetError(f"{gap.path}: {gap.detail}", hint="Check the path, and the rights on it.")
                )
        for source in self.sources:
            self.unreadable += getattr(source, "failures", ())  # files of a release that could not be had

    def _look(self) -> Iterator[Outcome]:
        for source in self.sources:
            if isinstance(source, Directory):
                for outcome in self._spread(source):
                    if self.settings.git_history:
                        outcome.gaps = [gap for gap in outcome.gaps if not _is_read_by_git(gap, source)]
                    yield _owned(outcome, source)
            elif isinstance(source, Stream):
                yield from self.looker.look_at_flow(source)
            else:
                from pitviper import look_at_git  # noqa: PLC0415 - see `_open`

                yield from look_at_git.look(source, self.looker, self.rules, self.judge, self.options)

    def _spread(self, source: Directory) -> Iterator[Outcome]:
        """Look into a folder, with as many processes as it is worth."""
        gaps = self._total.gaps
        parts = _files(source.parts(), gaps)
        jobs = self.settings.jobs or _cpus()
        if jobs == 1:
            yield from self.looker.look(parts, read_ahead=_cpus() > 1)
            return
        first, is_all = _take(parts, _IN_PROCESS_FILES)
        if is_all and _size(first, _IN_PROCESS_BYTES) < _IN_PROCESS_BYTES:
            yield from self.looker.look(first)
            return
        if is_all and len(first) == 1 and len(first[0].names) == 1:  # one big file, or archive, is one piece of work
            yield from self.looker.look(first, read_ahead=True)
            return
        pieces = batches(first, 1) if is_all else batches(chain(first, parts))
        config = Config(self.settings.rules, self.settings.disable, self.judge, self.options)
        yield from Pool(Work(self.looker, config), jobs).run(pieces)

    def _discreet(self, findings: list[Finding]) -> list[Finding]:
        """`findings` without the secrets in the paths to them; those that they tell themselves are masked already."""
        names = {finding.place.path for finding in findings}
        names |= {text for finding in findings for link in finding.place.chain for text in _texts(link).values()}
        secrets = self.looker.secrets_in(names) if names else ()
        return (
            [replace(finding, place=_masked(finding.place, secrets)) for finding in findings] if secrets else findings
        )

    def _keep(self, finding: Finding) -> bool:
        """Whether `finding` is new, not one that the baseline accepts."""
        suppressed = self._baseline is not None and self._baseline.holds(finding)
        (self._suppressed if suppressed else self._kept).append(finding)
        return not suppressed


def _masked(place: Place, secrets: Sequence[bytes]) -> Place:
    chain = tuple(
        replace(link, **{name: _hide(secrets, text) for name, text in _texts(link).items()}) for link in place.chain
    )
    return replace(place, path=_hide(secrets, place.path), chain=chain)


def _texts(link: Link) -> dict[str, str]:
    """What `link` says in words that somebody else chose."""
    values = ((name, getattr(link, name)) for name in Link.__struct_fields__ if name != "kind")
    return {name: value for name, value in values if isinstance(value, str)}


def _owned(outcome: Outcome, source: Directory) -> Outcome:
    """`outcome` with the distributions that its files belong to."""
    outcome.findings = [source.named(finding) for finding in outcome.findings]
    outcome.ignored = [replace(one, finding=source.named(one.finding)) for one in outcome.ignored]
    return outcome


def _is_read_by_git(gap: Gap, source: Directory) -> bool:
    """Whether `gap` is a pack of the repository in `source`, whose history is looked into as well."""
    pack = _PACK.fullmatch(gap.path)
    return pack is not None and (pack[1] or ".") == source.shown.rstrip("/")


def _hide(secrets: Sequence[bytes], name: str) -> str:
    for secret in secrets:
        name = mask(name, secret)
    return name


def scan(*targets: str | os.PathLike[str], settings: Settings | None = None) -> Scan:
    """Look into `targets`; iterate over the result for findings, or call its `report()`.

        for finding in pitviper.scan("src"):
            print(finding.severity, finding.place.path, finding.title)

    Raises `TargetError` for a target that does not exist or cannot be read, `UsageError` for none or wrong settings.
    """
    if not targets:
        raise UsageError("no target", hint='Name a file or folder, as in `pitviper.scan(".")`.')
    result = Scan([os.fspath(target) for target in targets], settings)
    if result.unreadable:
        raise result.unreadable[0]
    return result


def _files(parts: Iterator[Files | Gap], gaps: list[Gap]) -> Iterator[Files]:
    for part in parts:
        if isinstance(part, Gap):
            gaps.append(part)
        else:
            yield part


def _take(parts: Iterator[Files], count: int) -> tuple[list[Files], bool]:
    """Parts with at least `count` files, and whether those were all there are."""
    taken: list[Files] = []
    for part in parts:
        taken.append(part)
        count -= len(part.names)
        if count <= 0:
            return taken, False
    return taken, True


def _size(parts: list[Files], enough: int) -> int:
    """Bytes in the files of `parts`; stops counting at `enough`."""
    total = 0
    for part in parts:
        for name in part.names:
            with contextlib.suppress(OSError):  # told when it is read
                total += os.lstat(os.path.join(part.folder, name)).st_size
            if total >= enough:
                return total
    return total


def _cpus() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
