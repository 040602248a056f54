"""What a benchmark came to: its results, and whether they are what we promise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cases import Result
from corpus import Corpus

TIMES_KINGFISHER = 5.0
"""At least so many times the throughput, with the same number of jobs."""

TIMES_CAT = 1.5
"""At most so many times what `cat` takes."""

MEMORY = 400 * 1024 * 1024
"""Most that a process may hold, in bytes."""


@dataclass(frozen=True, slots=True)
class Same:
    """Whether the number of jobs changes what is found: `found` of `planted` fakes, in reports that are `equal`."""

    jobs: tuple[int, ...]
    equal: bool
    findings: int
    planted: int
    found: int


@dataclass(frozen=True, slots=True)
class Target:
    """A promise, what was measured, and whether it is kept."""

    promise: str
    measured: str
    kept: bool


@dataclass(frozen=True, slots=True)
class Start:
    """A case of starting up, and the longest that it may take in seconds; None for others' programs."""

    result: Result
    limit: float | None


@dataclass(frozen=True, slots=True)
class Summary:
    """All that the page shows. `big` is the size of the big file in bytes, `finders` who found the token in it."""

    facts: dict[str, str]
    corpus: Corpus
    rounds: int
    tree: list[Result]
    big: int
    file: list[Result]
    finders: tuple[str, ...]
    start: list[Start]
    same: Same


def pick(results: Sequence[Result], tool: str, jobs: int) -> Result:
    """The result of `tool` with `jobs`, as it comes."""
    return next(one for one in results if (one.case.tool, one.case.jobs, one.case.lean) == (tool, jobs, False))


def is_right(summary: Summary) -> bool:
    """Whether Pitviper found what was planted, whatever the number of jobs: if not, its times mean nothing."""
    same = summary.same
    return same.equal and same.found == same.planted and pick(summary.file, "pitviper", 1).case.name in summary.finders


def targets(summary: Summary) -> Iterator[Target]:
    """The promises, in the order of the text."""
    cat = pick(summary.tree, "cat", 1)
    for jobs in sorted({one.case.jobs for one in summary.tree if one.case.tool == "pitviper"}):
        ratio = pick(summary.tree, "kingfisher", jobs).wall / pick(summary.tree, "pitviper", jobs).wall
        promise = (
            f"Tree: at least {TIMES_KINGFISHER:.0f} times Kingfisher's throughput, {jobs} job{'s' * (jobs > 1)} each"
        )
        yield Target(promise, f"{ratio:.1f} times", ratio >= TIMES_KINGFISHER)
    ratio = pick(summary.tree, "pitviper", 1).wall / cat.wall
    yield Target(f"Tree: at most {TIMES_CAT} times what `cat` takes, 1 job", f"{ratio:.2f} times", ratio <= TIMES_CAT)
    rate = summary.big / pick(summary.file, "pitviper", 1).wall / 1e9
    allowed = summary.big / pick(summary.file, "cat", 1).wall / 1e9
    promise = "One big file: at least 1 GB/s with 1 job, where `cat` allows it"
    yield Target(promise, f"{rate:.2f} GB/s (`cat` {allowed:.2f})", rate >= min(1.0, allowed))
    own = [one for one in summary.tree + summary.file if one.case.tool == "pitviper"]
    peak = max((one.warm.memory.largest for one in own if one.warm.memory), default=0)
    yield Target("Peak memory of a process: under 400 MiB", f"{peak / 2**20:.0f} MiB", 0 < peak < MEMORY)
    for start in summary.start:
        if start.limit:
            measured = f"{start.result.wall * 1000:.0f} ms"
            promise = f"`{start.result.case.name}`: under {start.limit * 1000:.0f} ms"
            yield Target(promise, measured, start.result.wall < start.limit)
    same = summary.same
    jobs_text = ", ".join(map(str, same.jobs[:-1])) + f" and {same.jobs[-1]}"
    seen = f"{same.findings} findings, {same.found} of {same.planted} planted fakes among them"
    measured = f"the same {seen}" if same.equal else f"DIFFERENT: {seen} with {same.jobs[0]}"
    yield Target(f"Same findings with {jobs_text} jobs", measured, same.equal and same.found == same.planted)
