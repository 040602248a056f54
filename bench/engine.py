"""The benchmark of the engine: `python bench/engine.py --help`."""

from __future__ import annotations

import argparse
import os
import subprocess
from typing import Any

import corpus
import fakes
import machine
import msgspec
import page
import peers
import workplace
from cases import SAMPLE, Bench, Case, Result
from summary import Same, Start, Summary, is_right

_PLANTED = 20
_JOBS = (1, 2, 8)
_DOCS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "docs")


def main() -> None:
    """Build, run, print, and with `--write` keep. Ends with 1 if findings are missing or depend on the jobs."""
    wanted = _arguments()
    facts = machine.facts()
    with workplace.folder() as work:
        tree = corpus.build(work, wanted.files, wanted.max_megabytes * 1_000_000)
        print(tree, flush=True)
        found = peers.install(work)
        bench = Bench(work, wanted.pitviper, found)
        facts |= {"Pitviper": _version(wanted.pitviper), **dict(zip(peers.PACKAGES, found.versions, strict=True))}
        summary = _measure(bench, tree, facts, wanted)
        print(f"\n{page.figures(summary)}")
        if wanted.write:
            page.write(summary, wanted.write)
        if not is_right(summary):
            raise SystemExit("findings are missing, or depend on the number of jobs")


def _measure(bench: Bench, tree: corpus.Corpus, facts: dict[str, str], wanted: argparse.Namespace) -> Summary:
    planted = fakes.plant(tree, _PLANTED)
    print("same findings?", flush=True)
    same = _same(bench, tree, planted)
    print("the tree", flush=True)
    over_tree = bench.play(_tree_cases(bench, tree), wanted.rounds)
    print("the big file", flush=True)
    size = wanted.big_megabytes * 1_000_000
    name = f"one-{wanted.big_megabytes}.log"
    corpus.big_file(tree, os.path.join(bench.work, name), size, fakes.token())
    over_file = bench.play(_file_cases(bench, name), wanted.rounds)
    print("starting up", flush=True)
    start = _start(bench, wanted.starts)
    finders = _finders(over_file, fakes.token())
    return Summary(facts, tree, wanted.rounds, over_tree, size, over_file, finders, start, same)


def _tree_cases(bench: Bench, tree: corpus.Corpus) -> list[Case]:
    subject = os.path.basename(tree.folder)
    part = corpus.sample(tree, SAMPLE)
    pitviper = [bench.scan(subject, jobs) for jobs in (1, 2)]
    kingfisher = [bench.kingfisher(subject, jobs, lean=lean) for lean in (False, True) for jobs in (1, 2)]
    slow = bench.detect_secrets(os.path.basename(part.folder), scale=tree.bytes / part.bytes, rounds=0)
    return [bench.cat_tree(subject), *pitviper, *kingfisher, slow]


def _file_cases(bench: Bench, name: str) -> list[Case]:
    """Pitviper is asked to show secrets, so that the token can be looked for.

    Kingfisher 2.14 is left out: with `--max-file-size 0` it had not finished one file of 1 GB after four minutes.
    """
    return [bench.cat_file(name), bench.scan(name, 1, "--show-secrets")]


def _start(bench: Bench, runs: int) -> list[Start]:
    """Start-up, with a file that has one token in it."""
    name = "one.py"
    with open(os.path.join(bench.work, name), "w", encoding="utf-8") as file:
        file.write(f"{fakes.token()}\n")
    cases = {
        bench.nothing(): None,
        bench.version(): 0.1,
        bench.scan(name, 1, name="pitviper scan one.py"): 0.2,
        bench.scan(name, 1, name="pitviper scan one.py, the very first, without a cache", cache=False): 0.6,
        bench.kingfisher(name, 1, name="kingfisher scan one.py"): None,
        bench.detect_secrets(name, name="detect-secrets scan one.py"): None,
    }
    return [Start(result, cases[result.case]) for result in bench.play(list(cases), runs)]


def _same(bench: Bench, tree: corpus.Corpus, planted: list[str]) -> Same:
    """Scan the tree with each number of jobs, and compare all that the reports say but for the clock."""
    subject = os.path.basename(tree.folder)
    reports = []
    places: set[str] = set()
    for jobs in _JOBS:
        case = bench.scan(subject, jobs, "--auditor")
        bench.play([case], 0)
        with open(case.report, "rb") as file:
            report: dict[str, Any] = msgspec.json.decode(file.read())
        del report["stats"]["seconds"]
        reports.append(report)
        places = {place["path"] for one in report["findings"] for place in (one["place"], *one["also_at"])}
    return Same(
        jobs=_JOBS,
        equal=all(report == reports[0] for report in reports),
        findings=len(reports[0]["findings"]),
        planted=len(planted),
        found=sum(os.path.join(subject, path) in places for path in planted),
    )


def _finders(results: list[Result], token: str) -> tuple[str, ...]:
    """The names of those whose report has the token of the big file."""
    secret = token.split('"')[1].encode()
    names = []
    for one in results:
        if one.case.report:
            with open(one.case.report, "rb") as file:
                if secret in file.read():
                    names.append(one.case.name)
    return tuple(names)


def _version(program: str) -> str:
    told = subprocess.run([program, "--version"], check=True, capture_output=True, text=True)
    return told.stdout.split()[-1]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare Pitviper with cat, Kingfisher and detect-secrets.")
    parser.add_argument("--files", type=int, default=50_000, help="files in the tree [%(default)s]")
    parser.add_argument("--max-megabytes", type=int, default=1000, help="most that the tree may hold [%(default)s]")
    parser.add_argument("--big-megabytes", type=int, default=1000, help="size of the big file [%(default)s]")
    parser.add_argument("--rounds", type=int, default=5, help="timed runs of each case [%(default)s]")
    parser.add_argument("--starts", type=int, default=20, help="timed runs of each start-up case [%(default)s]")
    parser.add_argument(
        "--write", nargs="?", const=_DOCS, metavar="FOLDER", help="write performance.md and performance.svg [docs]"
    )
    workplace.add_pitviper(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()
