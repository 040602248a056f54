"""What is run: the scanners and `cat`, over a tree, over one big file, and over next to nothing."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import measure
import msgspec
from peers import Peers

_CODES = {"cat": (0,), "python": (0,), "pitviper": (0, 1), "kingfisher": (0, 200), "detect-secrets": (0,)}
"""Exit codes of a scan that went well: 1 and 200 say that something was found."""

_KINGFISHER = ("scan", "--no-validate", "--no-update-check", "--format", "json")
_LEAN = ("--turbo", "--no-extract-archives")
"""Kingfisher without archives, base64 and languages."""

SAMPLE = 20
"""detect-secrets scans one in so many files: all of them would take it the better part of an hour."""


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to run: `tool` on `subject` with `jobs` workers; `report` is the file its findings end in.

    `cache`: whether Pitviper finds the cache of the run before. `rounds` caps how often it runs after the warm-up; if
    never, that counts. `scale` is by how much its times are multiplied, because its subject is a part of the others'.
    """

    name: str
    tool: str
    jobs: int
    commands: tuple[tuple[str, ...], ...]
    report: str = ""
    stdout: str = os.devnull
    cache: bool = True
    lean: bool = False
    rounds: int = 1_000_000
    scale: float = 1.0


@dataclass(slots=True)
class Result:
    """What came of a case: its timed `runs`, and from the run before them the memory and what was found."""

    case: Case
    warm: measure.Run
    found: Found
    runs: list[measure.Run] = field(default_factory=list)

    @property
    def walls(self) -> list[float]:
        """Seconds of each run, shortest first; those over a part of the subject scaled to all of it."""
        return sorted(run.wall * self.case.scale for run in self.runs)

    @property
    def wall(self) -> float:
        """The median of `walls`."""
        return median(self.walls)

    @property
    def cpu(self) -> float:
        """The median of processor seconds, scaled as `walls` are."""
        return median(run.cpu * self.case.scale for run in self.runs)


@dataclass(frozen=True, slots=True)
class Found:
    """What a tool says it did: how many findings, and how many bytes it looked at. None where it is silent."""

    findings: int | None = None
    bytes: int | None = None


class Bench:
    """Where it all happens: a folder, the programs, and the environment they run in."""

    def __init__(self, work: str, pitviper: str, peers: Peers) -> None:
        self.work = work
        self.pitviper = pitviper
        self.peers = peers
        self.cache = os.path.join(work, "cache")
        self.env: Mapping[str, str] = {
            **os.environ,
            "PITVIPER_CACHE_DIR": self.cache,
            "KF_RULE_CACHE_DIR": os.path.join(work, "kingfisher-cache"),
        }

    def cat_tree(self, subject: str) -> Case:
        """`find … -print0 | xargs -0 cat`."""
        commands = ("find", subject, "-type", "f", "-print0"), ("xargs", "-0", "cat")
        return Case("cat", "cat", 1, commands)

    def cat_file(self, subject: str) -> Case:
        """`cat FILE`."""
        return Case("cat", "cat", 1, (("cat", subject),))

    def scan(self, subject: str, jobs: int, *flags: str, name: str = "", cache: bool = True) -> Case:
        """Pitviper. `subject` is relative to the work folder, so that where that lies says nothing about a finding."""
        report = self._report("pitviper", subject, str(jobs))
        command = self.pitviper, "scan", subject, "--jobs", str(jobs), "--output", f"json:{report}", *flags
        return Case(name or f"Pitviper, {_jobs(jobs)}", "pitviper", jobs, (command,), report, cache=cache)

    def kingfisher(self, subject: str, jobs: int, *flags: str, name: str = "", lean: bool = False) -> Case:
        """Kingfisher, as it comes but without its network, or `lean`."""
        report = self._report("kingfisher", subject, str(jobs), *["lean"] * lean)
        own = ("--jobs", str(jobs), "--output", report, *(_LEAN if lean else ()), *flags)
        command = (self.peers.kingfisher, *_KINGFISHER, *own, subject)
        shown = name or f"Kingfisher{' (lean)' * lean}, {_jobs(jobs)}"
        return Case(shown, "kingfisher", jobs, (command,), report, stdout=f"{report}.txt", lean=lean)

    def detect_secrets(self, subject: str, *, name: str = "", scale: float = 1.0, rounds: int = 1_000_000) -> Case:
        """detect-secrets in one process, without its network."""
        report = self._report("detect-secrets", subject)
        command = self.peers.detect_secrets, "--cores", "1", "scan", "--no-verify", "--all-files", subject
        shown = name or "detect-secrets, 1 job"
        return Case(shown, "detect-secrets", 1, (command,), report, stdout=report, scale=scale, rounds=rounds)

    def nothing(self) -> Case:
        """What the interpreter takes before it runs a line of ours."""
        return Case("python -c pass", "python", 1, ((sys.executable, "-c", "pass"),))

    def version(self) -> Case:
        """Pitviper says its version and leaves."""
        return Case("pitviper --version", "pitviper", 1, ((self.pitviper, "--version"),))

    def play(self, cases: list[Case], rounds: int) -> list[Result]:
        """Run each case once to warm up and to watch its memory, then all of them round by round.

        So they share whatever else the machine does; each round begins with another case.
        """
        results = [self._warm_up(case) for case in cases]
        for number in range(rounds):
            first = number % len(results)
            for result in results[first:] + results[:first]:
                if number < result.case.rounds:
                    result.runs.append(self._run(result.case, watch=False))
        for result in results:
            result.runs = result.runs or [result.warm]
        return results

    def _warm_up(self, case: Case) -> Result:
        print(f"  {case.name}", flush=True)
        if case.report and os.path.exists(case.report):
            os.unlink(case.report)
        warm = self._run(case, watch=True)
        return Result(case, warm, found(case))

    def _run(self, case: Case, *, watch: bool) -> measure.Run:
        env = dict(self.env)
        if not case.cache:
            env["PITVIPER_CACHE_DIR"] = empty = os.path.join(self.work, "no-cache")
            shutil.rmtree(empty, ignore_errors=True)
        return measure.run(
            *case.commands, cwd=self.work, env=env, stdout=case.stdout, codes=_CODES[case.tool], watch=watch
        )

    def _report(self, *names: str) -> str:
        return os.path.join(self.work, "-".join(names).replace(os.sep, "-") + ".json")


def found(case: Case) -> Found:
    """What the report of `case` says; nothing for a case without one."""
    if not case.report:
        return Found()
    with open(case.report, "rb") as file:
        report: dict[str, Any] = msgspec.json.decode(file.read())
    if case.tool == "pitviper":
        return Found(len(report["findings"]), report["stats"]["bytes"])
    if case.tool == "kingfisher":
        return Found(len(report["findings"]), _told(case.stdout))
    return Found(sum(map(len, report["results"].values())))


def _told(path: str) -> int | None:
    """The bytes that Kingfisher's closing line of JSON tells."""
    with open(path, "rb") as file:
        lines = [line for line in file if line.startswith(b'{"findings":')]
    summary: dict[str, Any] = msgspec.json.decode(lines[-1]) if lines else {}
    return summary.get("bytes_scanned")


def _jobs(count: int) -> str:
    return f"{count} job" if count == 1 else f"{count} jobs"
