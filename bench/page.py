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
_LARGE = 500_000_000
"""Bytes from which on a size is told in GB."""

_NAMED = 3
"""Tables of at most so many columns hold words; wider ones hold figures, which stand to the right."""

_PAGE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "docs", "performance.md")
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
    tree, file = _titles(summary)
    kept = ((one.promise, one.measured, "yes" if one.kept else "**no**") for one in targets(summary))
    parts = [
        table(("", ""), summary.facts.items()),
        "## What we promise\n",
        table(("promise", "measured", "kept"), kept),
        f"## {tree}\n",
        f"Median (shortest to longest) of {summary.rounds} rounds.\n",
        _comparison(summary.tree, summary.corpus.bytes),
        f"## {file}\n",
        _comparison(summary.file, summary.big),
        f"The token in the middle was found by: {'; '.join(summary.finders) or 'nobody'}.\n",
        "## Starting up\n",
        table(("", "wall, ms", "CPU, ms", "peak MiB (sum)"), (_start(one.result) for one in summary.start)),
    ]
    return "\n".join(parts).rstrip()


def picture_of(summary: Summary) -> str:
    """The chart, as SVG."""
    tree, file = _titles(summary)
    note = "Throughput: longer is better. Median of the rounds; the line goes from the slowest to the fastest."
    return chart.draw(
        [
            chart.Panel(tree, note, _bars(summary.tree, summary.corpus.bytes)),
            chart.Panel(file, note, _bars(summary.file, summary.big)),
        ],
        "Throughput of cat, Pitviper and other scanners over a tree of files and over one big file",
    )


def _titles(summary: Summary) -> tuple[str, str]:
    corpus = summary.corpus
    return f"{corpus.files:,} files, {_size(corpus.bytes)}, warm", f"One file of {_size(summary.big)}, warm"


def _bars(results: Sequence[Result], size: int) -> list[chart.Bar]:
    bars = []
    for one in results:
        rate, low, high = (size / wall / 1e6 for wall in (one.wall, one.walls[-1], one.walls[0]))
        text = f"{figure(rate)} MB/s, {figure(one.wall)} s"
        bars.append(chart.Bar(_name(one), rate, low, high, text, _LOOKS.get(one.case.tool, "peer")))
    return bars


def _comparison(results: Sequence[Result], size: int) -> str:
    head = (
        "",
        "wall, s",
        "CPU, s",
        "MB/s",
        "times cat's time",
        "times Kingfisher's speed, same jobs",
        "peak MiB (sum)",
        "looked at, MB",
        "findings",
    )
    cat = pick(results, "cat", 1).wall
    kingfisher = {one.case.jobs: one.wall for one in results if one.case.tool == "kingfisher" and not one.case.lean}
    return table(head, (_row(one, size, cat, kingfisher.get(one.case.jobs)) for one in results))


def _row(one: Result, size: int, cat: float, kingfisher: float | None) -> tuple[str, ...]:
    return (
        _name(one),
        f"{figure(one.wall)} ({figure(one.walls[0])} to {figure(one.walls[-1])})",
        figure(one.cpu),
        figure(size / one.wall / 1e6),
        figure(one.wall / cat),
        figure(kingfisher / one.wall) if kingfisher and one.case.tool != "cat" else "",
        _memory(one),
        f"{one.found.bytes / 1e6:,.0f}" if one.found.bytes else "",
        f"{one.found.findings:,}" if one.found.findings is not None else "",
    )


def _start(one: Result) -> tuple[str, ...]:
    wall, low, high, cpu = (f"{1000 * value:.0f}" for value in (one.wall, one.walls[0], one.walls[-1], one.cpu))
    return f"`{one.case.name}`", f"{wall} ({low} to {high})", cpu, _memory(one)


def _memory(one: Result) -> str:
    memory = one.warm.memory
    return f"{memory.largest / _MEBI:.0f} ({memory.together / _MEBI:.0f})" if memory else ""


def _name(one: Result) -> str:
    return f"{one.case.name}, scaled" if one.case.scale != 1 else one.case.name


def _size(size: int) -> str:
    return f"{size / 1e9:.2g} GB" if size >= _LARGE else f"{size / 1e6:,.0f} MB"


def figure(value: float) -> str:
    """Three digits, or more where there are more before the point."""
    return f"{value:,.{min(3, max(0, 2 - floor(log10(value))))}f}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    right = len(head) > _NAMED
    lines = [head, ["---", *["---:" if right else "---"] * (len(head) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
