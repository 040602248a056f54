"""The page and the picture: docs/performance.md between its markers, and docs/performance.svg."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from math import floor, log10

import chart
from cases import Result
from summary import Summary, pick, targets

_BEGIN = "<!-- begin: written by bench/engine.py -->"
_END = "<!-- end: written by bench/engine.py -->"
_LOOKS = {"cat": "floor", "pitviper": "own"}
_MEBI = 1024 * 1024
_NAMED = 3
"""Tables of at most so many columns hold words; wider ones hold figures, which stand to the right."""

_PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "performance.md")
"""The text around the figures, for a folder of documentation that has no such page yet."""


def write(summary: Summary, docs: str) -> None:
    """Put the figures into the page under `docs`, which is made if there is none, and draw the picture beside it."""
    path = os.path.join(docs, "performance.md")
    with open(path if os.path.exists(path) else _PAGE, encoding="utf-8") as file:
        page = file.read()
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise SystemExit(f"{path}: the markers are gone: {_BEGIN} … {_END}")
    picture = "![Throughput of cat, Pitviper, Kingfisher and detect-secrets](performance.svg)"
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{before}{begin}\n\n{picture}\n\n{figures(summary)}\n\n{end}{after}")
    with open(os.path.join(docs, "performance.svg"), "w", encoding="utf-8") as file:
        file.write(picture_of(summary))


def figures(summary: Summary) -> str:
    """Everything that was measured, as Markdown."""
    files, size = summary.corpus.files, summary.corpus.bytes
    kept = ((one.promise, one.measured, _yes(one.kept)) for one in targets(summary))
    big = f"One file of {summary.big / 1e9:.2g} GB, warm"
    parts = [
        _table(("", ""), summary.facts.items()),
        "## What we promise\n",
        _table(
            ("promise", "measured", "kept"), ((one.promise, one.measured, _yes(one.kept)) for one in targets(summary))
        ),
        f"## {files:,} files, {size / 1e9:.2g} GB, warm\n",
        _comparison(summary.tree, size),
        f"## {big}\n",
        _comparison(summary.file, summary.big),
        f"The token in the middle was found by: {'; '.join(summary.finders) or 'nobody'}.\n",
        "## Starting up\n",
        _table(("", "wall, ms", "CPU, ms", "peak MiB"), (_start(one.result) for one in summary.start)),
    ]
    return "\n".join(parts).rstrip()


def picture_of(summary: Summary) -> str:
    """The chart, as SVG."""
    size = summary.corpus.bytes
    note = "Throughput, longer is better. Median of the rounds; the line shows the slowest and the fastest."
    return chart.draw(
        [
            chart.Panel(f"{summary.corpus.files:,} files, {size / 1e9:.2g} GB, warm", note, _bars(summary.tree, size)),
            chart.Panel(f"One file of {summary.big / 1e9:.2g} GB, warm", note, _bars(summary.file, summary.big)),
        ],
        "Throughput of cat, Pitviper and other scanners over a tree of files and over one big file",
    )


def _bars(results: Sequence[Result], size: int) -> list[chart.Bar]:
    bars = []
    for one in results:
        rate, low, high = (size / wall / 1e6 for wall in (one.wall, one.walls[-1], one.walls[0]))
        text = f"{_figure(rate)} MB/s, {_figure(one.wall)} s"
        bars.append(chart.Bar(_name(one), rate, low, high, text, _LOOKS.get(one.case.tool, "peer")))
    return bars


def _comparison(results: Sequence[Result], size: int) -> str:
    head = (
        "",
        "wall, s",
        "CPU, s",
        "MB/s",
        "× cat",
        "× Kingfisher, same jobs",
        "peak MiB (sum)",
        "looked at, MB",
        "findings",
    )
    cat = pick(list(results), "cat", 1).wall
    kingfisher = {one.case.jobs: one.wall for one in results if one.case.tool == "kingfisher" and not one.case.lean}
    return _table(head, (_row(one, size, cat, kingfisher.get(one.case.jobs)) for one in results))


def _row(one: Result, size: int, cat: float, kingfisher: float | None) -> tuple[str, ...]:
    looked = one.found.bytes
    same_jobs = _figure(one.wall / kingfisher) if kingfisher and one.case.tool != "cat" else ""
    return (
        _name(one),
        f"{_figure(one.wall)} ({_figure(one.walls[0])} to {_figure(one.walls[-1])})",
        _figure(one.cpu),
        _figure(size / one.wall / 1e6),
        _figure(one.wall / cat),
        same_jobs,
        _memory(one),
        f"{looked / 1e6:,.0f}" if looked else "",
        f"{one.found.findings:,}" if one.found.findings is not None else "",
    )


def _start(one: Result) -> tuple[str, ...]:
    wall, low, high = (f"{1000 * seconds:.0f}" for seconds in (one.wall, one.walls[0], one.walls[-1]))
    return f"`{one.case.name}`", f"{wall} ({low} to {high})", f"{one.cpu * 1000:.0f}", f"{one.peak / _MEBI:.0f}"


def _memory(one: Result) -> str:
    if one.case.tool == "cat":
        return ""  # less than that of the program which starts it, and that is what would be seen
    total = f" ({one.warm.peak_sum / _MEBI:.0f})" if one.warm.peak_sum else ""
    return f"{one.peak / _MEBI:.0f}{total}"


def _name(one: Result) -> str:
    return f"{one.case.name} (scaled)" if one.case.scale != 1 else one.case.name


def _figure(value: float) -> str:
    """Three digits, or more where there are more before the point."""
    return f"{value:,.{min(3, max(0, 2 - floor(log10(value))))}f}"


def _yes(kept: bool) -> str:  # noqa: FBT001 - the one thing it is about
    return "yes" if kept else "**no**"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    right = len(head) > _NAMED
    lines = [head, ["---", *["---:" if right else "---"] * (len(head) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
