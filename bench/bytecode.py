"""The benchmark of what is seen in compiled Python: `python bench/bytecode.py --help`.

Each shape of `shapes.py` with each kind of secret, compiled by every Python at hand; the compiled files, without their
sources, are scanned by Pitviper and by the others. A finding counts if it is the whole secret; for Pitviper also if it
names the function and the line.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import chart
import interpreters
import machine
import modules
import msgspec
import page
import peers
import shapes
import workplace
from cases import Bench, Case
from modules import Module

_DOCS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "docs")
_PRINTABLE = re.compile(rb"[\t\x20-\x7e]{6,}")
"""What `strings -n 6` prints."""
_TOOLS = ("Pitviper", "Kingfisher", "strings, then Kingfisher", "detect-secrets")
_NEWEST = (3, 14)
_LOOKS = {"Pitviper": "own"}
_PAGE = "performance-bytecode"
_HEAD = """# What is seen in compiled Python

Each of {shapes} ways to write a secret into a line or two of source ([`bench/shapes.py`](../bench/shapes.py)), with
five kinds of tokens that providers issue and three kinds of values that only their names make secrets of; alone, and in
a method of a module. The real interpreter of each version compiles them; the sources are taken away, and the tree of
`.pyc` is scanned. *Seen* is the whole secret, in its file. For Pitviper a finding counts only if it names the function
and the line of the source as well. Of values, those ways count that a reader of the source sees a name in. Made by
`make bench-bytecode`.

![Shares of secrets that Pitviper and others see in compiled Python](performance-bytecode.svg)
"""
_BY_VERSION = """## By version

Per cent of the secrets that are seen: *tokens* of providers, and *values* beside names. *strings* is what
`strings -n 6` prints of each file.
"""
_BY_SHAPE = """## By shape

Per cent, over all versions that have the syntax; of the others tokens and values together. The last column is what
Kingfisher sees in the source itself.
"""


class Outcome(msgspec.Struct):
    """Paths of the modules whose secret a tool saw, and of those where it told all that it must."""

    seen: set[str]
    right: set[str]


class Measured(msgspec.Struct):
    """A version's modules, and what came of them by tool."""

    name: str
    modules: list[Module]
    outcomes: dict[str, Outcome]


def main() -> None:
    """Compile, scan, print, and with `--write` keep. Ends with 1 if Pitviper missed anything."""
    wanted = _arguments()
    with workplace.folder() as work:
        found = peers.install(work)
        bench = Bench(work, wanted.pitviper, found)
        facts = machine.facts() | dict(zip(peers.PACKAGES, found.versions, strict=True))
        measured = [
            _compiled(bench, one, wanted)
            for one in interpreters.at_hand(work)
            if not wanted.only or str(one) in wanted.only
        ]
        source = None if wanted.own else _source(bench)
    missed = list(_missed(measured))
    print(_by_version(measured))
    print("\n".join(missed[: wanted.missed]))
    if wanted.write and source:
        _write(facts, measured, source)
    if missed:
        raise SystemExit(f"{len(missed):,} of {sum(len(one.modules) for one in measured):,} were missed")


def _compiled(bench: Bench, interpreter: interpreters.Interpreter, wanted: argparse.Namespace) -> Measured:
    """What the tools see in the modules of one version."""
    version = interpreter.version
    found = [one for one in modules.modules((version.major, version.minor)) if wanted.shape in one.shape]
    print(f"{version}: {len(found):,} modules", flush=True)
    folder = f"compiled-{version}"
    sources = os.path.join(bench.work, f"sources-{version}")
    target = os.path.join(bench.work, folder)
    for one in (sources, target, f"{target}-strings"):
        shutil.rmtree(one, ignore_errors=True)
    modules.write(found, sources)
    modules.compile_all(interpreter, sources, target)
    outcomes = {"Pitviper": _pitviper(bench, folder, found)}
    if not wanted.own:
        _strings(found, target)
        outcomes |= {
            "Kingfisher": _kingfisher(bench, folder, found),
            "strings, then Kingfisher": _kingfisher(bench, f"{folder}-strings", found),
            "detect-secrets": _detect_secrets(bench, folder, found),
        }
    return Measured(str(version), found, outcomes)


def _source(bench: Bench) -> Measured:
    """What the tools see in the sources, for comparison."""
    found = list(modules.modules(_NEWEST))
    folder = "sources-all"
    shutil.rmtree(os.path.join(bench.work, folder), ignore_errors=True)
    modules.write(found, os.path.join(bench.work, folder))
    outcomes = {
        "Pitviper": _pitviper(bench, folder, found, is_placed=False),
        "Kingfisher": _kingfisher(bench, folder, found),
        "detect-secrets": _detect_secrets(bench, folder, found),
    }
    return Measured("source", found, outcomes)


def _strings(found: Iterable[Module], target: str) -> None:
    for one in found:
        path = os.path.join(f"{target}-strings", f"{one.path}.txt")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(os.path.join(target, f"{one.path}c"), "rb") as file:
            printable = _PRINTABLE.findall(file.read())
        with open(path, "wb") as file:
            file.write(b"\n".join(printable) + b"\n")


def _report(bench: Bench, case: Case) -> dict[str, Any]:
    bench.play([case], 0)
    with open(case.report, "rb") as file:
        report: dict[str, Any] = msgspec.json.decode(file.read())
    return report


def _key(path: str, folder: str) -> str:
    """The module's path."""
    return re.sub(r"\.py(c|\.txt)$", ".py", os.path.normpath(path).removeprefix(f"{folder}{os.sep}"))


def _pitviper(bench: Bench, folder: str, found: Sequence[Module], *, is_placed: bool = True) -> Outcome:
    """In compiled Python it must name function and line, too."""
    by_path = {one.path: one for one in found}
    outcome = Outcome(set(), set())
    for finding in _report(bench, bench.scan(folder, 1, "--show-secrets"))["findings"]:
        for place in (finding["place"], *finding["also_at"]):
            one = by_path.get(_key(place["path"], folder))
            if one and finding["secret"] and finding["secret"]["value"] == one.secret:
                outcome.seen.add(one.path)
                if not is_placed or (place["line"] in one.lines and _function(place) in one.functions):
                    outcome.right.add(one.path)
    return outcome


def _function(place: dict[str, Any]) -> str:
    """The function that a finding names, without those that have no name in the source."""
    names = [link["name"] for link in place.get("chain", []) if link["kind"] == "code"]
    return ".".join(part for part in ".".join(names).split(".") if part[:1] != "<" and part != "__annotate__")


def _kingfisher(bench: Bench, folder: str, found: Sequence[Module]) -> Outcome:
    report = _report(bench, bench.kingfisher(folder, 1, "--no-dedup"))
    secrets = {one.path: one.secret for one in found}
    told = ((_key(one["finding"]["path"], folder), one["finding"]["snippet"]) for one in report["findings"])
    seen = {path for path, snippet in told if secrets.get(path) == snippet}
    return Outcome(seen, seen)


def _detect_secrets(bench: Bench, folder: str, found: Sequence[Module]) -> Outcome:
    report = _report(bench, bench.detect_secrets(folder))
    hashes = {one.path: hashlib.sha1(one.secret.encode(), usedforsecurity=False).hexdigest() for one in found}
    told = ((_key(path, folder), one) for path, listed in report["results"].items() for one in listed)
    seen = {path for path, one in told if hashes.get(path) == one["hashed_secret"]}
    return Outcome(seen, seen)


def _missed(measured: Sequence[Measured]) -> Iterable[str]:
    """What Pitviper did not see, or not in its place: a line for each shape, kind and whether, with the versions."""
    found: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    for version in measured:
        outcome = version.outcomes["Pitviper"]
        for one in version.modules:
            if one.path not in outcome.right:
                how = "misplaced" if one.path in outcome.seen else "not seen"
                where = "in a method" if one.path.endswith("inside.py") else "alone"
                found[one.shape, one.kind, where, how].append(version.name)
    for key, versions in found.items():
        yield f"- {', '.join(key)}: {' '.join(versions)}"


def _share(found: Iterable[Module], seen: set[str]) -> str:
    paths = [one.path for one in found]
    return f"{100 * sum(path in seen for path in paths) / len(paths):.4g}" if paths else ""


def _by_version(measured: Sequence[Measured]) -> str:
    tools = [tool for tool in _TOOLS if tool in measured[0].outcomes]
    head = ("", "modules", *(f"{what}: {tool}" for what in ("tokens", "values") for tool in tools))
    rows = []
    for one in measured:
        tokens = [each for each in one.modules if each.is_token]
        values = [each for each in one.modules if not each.is_token]
        shares = [
            _share(each, one.outcomes[tool].right) if tool in one.outcomes else ""
            for each in (tokens, values)
            for tool in tools
        ]
        rows.append((one.name, f"{len(one.modules):,}", *shares))
    return page.table(head, rows)


def _by_shape(measured: Sequence[Measured], source: Measured) -> str:
    tools = [tool for tool in _TOOLS if tool in measured[0].outcomes]
    head = ("", "versions", "tokens", "values", *(tool for tool in tools[1:]), "Kingfisher on the source")
    rows = []
    for name in shapes.SHAPES:
        parts = [(version, [one for one in version.modules if one.shape == name]) for version in measured]
        parts = [(version, found) for version, found in parts if found]
        rows.append(
            (
                name,
                f"{len(parts)}",
                _mean(parts, "Pitviper", is_token=True),
                _mean(parts, "Pitviper", is_token=False),
                *(_mean(parts, tool) for tool in tools[1:]),
                _mean([(source, [one for one in source.modules if one.shape == name])], "Kingfisher"),
            )
        )
    return page.table(head, rows)


def _write(facts: dict[str, str], measured: Sequence[Measured], source: Measured) -> None:
    """The page and its picture."""
    parts = [
        _HEAD.format(shapes=len(shapes.SHAPES)),
        page.table(("", ""), facts.items()),
        _BY_VERSION,
        _by_version([*measured, source]),
        _BY_SHAPE,
        _by_shape(measured, source),
    ]
    with open(os.path.join(_DOCS, f"{_PAGE}.md"), "w", encoding="utf-8") as file:
        file.write("\n".join(parts).rstrip() + "\n")
    with open(os.path.join(_DOCS, f"{_PAGE}.svg"), "w", encoding="utf-8") as file:
        file.write(_picture(measured))


def _picture(measured: Sequence[Measured]) -> str:
    versions = f"{measured[0].name} to {measured[-1].name}"
    panels = []
    for is_token, title in ((True, "Providers' tokens in compiled Python"), (False, "Values beside names")):
        bars = []
        for tool in _TOOLS:
            shares = [_of_kind(one, tool, is_token=is_token) for one in measured]
            mean = sum(shares) / len(shares)
            look = _LOOKS.get(tool, "peer")
            bars.append(chart.Bar(tool, mean, min(shares), max(shares), f"{mean:.3g} %", look))
        note = f"Per cent that are seen, {versions}: mean; the line goes from the lowest to the highest."
        panels.append(chart.Panel(title, note, bars))
    return chart.draw(panels, "Shares of secrets that Pitviper and others see in compiled Python")


def _of_kind(measured: Measured, tool: str, *, is_token: bool) -> float:
    paths = [one.path for one in measured.modules if one.is_token == is_token]
    return 100 * len(measured.outcomes[tool].right.intersection(paths)) / len(paths)


def _mean(parts: Sequence[tuple[Measured, list[Module]]], tool: str, *, is_token: bool | None = None) -> str:
    seen = total = 0
    for version, found in parts:
        right = version.outcomes[tool].right
        paths = [one.path for one in found if is_token in (None, one.is_token)]
        seen += sum(path in right for path in paths)
        total += len(paths)
    return f"{100 * seen / total:.0f}" if total else ""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What Pitviper and others see in what every Python compiles.")
    parser.add_argument("--only", nargs="+", default=[], metavar="VERSION", help="such as 3.11 [all at hand]")
    parser.add_argument("--shape", default="", metavar="TEXT", help="only the shapes that have this in their name")
    parser.add_argument("--own", action="store_true", help="Pitviper alone")
    parser.add_argument("--missed", type=int, default=50, metavar="N", help="lines of what was missed [%(default)s]")
    parser.add_argument("--write", action="store_true", help="write docs/performance-bytecode.md")
    workplace.add_pitviper(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()
