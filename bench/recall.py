"""How many of the names and values that source shows are still seen in its compiled form, for every Python at hand.

Each interpreter parses and compiles its own standard library (`pairs.py`, which executes nothing of it); what `ast`
shows as a name beside a string is searched in Pitviper's rendering of the code. `python bench/recall.py --help`.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import interpreters
import page
import workplace

from pitviper.bytecode.code import Code, Version, walk
from pitviper.bytecode.marshal import load
from pitviper.bytecode.render import render

_TRUTH = os.path.join(os.path.dirname(__file__), "pairs.py")
_PAGE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "docs", "bytecode.md")
_BEGIN, _END = "<!-- begin: written by bench/recall.py -->", "<!-- end: written by bench/recall.py -->"
_FORMS = {
    "name": "{0} = ",
    "subscript": "{0}] = ",
    "keyword": "{0}=",
    "default": "{0}=",
    "item": "{0}: ",
    "equal": "{0} == ",
}
"""How source is searched for; values, and names in quotes, in any quotes, and those of Python 2 with any prefix."""
_QUOTED = ("subscript", "item")


@dataclass(slots=True)
class Tally:
    """Of one interpreter. `missing` are the pairs that were not seen, `silent` the strings that nothing shows."""

    files: int = 0
    pairs: int = 0
    bytes: int = 0
    reading: float = 0.0
    rendering: float = 0.0
    missing: list[tuple[str, ...]] = field(default_factory=list)
    silent: list[tuple[str, str]] = field(default_factory=list)

    @property
    def recall(self) -> float:
        """The share of pairs that were seen."""
        return 1 - len(self.missing) / self.pairs if self.pairs else 0.0


def main() -> None:
    """Print a line for each interpreter, and with `--missing` what it lost; with `--write`, keep them in the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("interpreters", nargs="*", help="commands, or output of pairs.py [all at hand]")
    parser.add_argument("--missing", type=int, default=0, metavar="N", help="show as many of the pairs that are lost")
    parser.add_argument("--write", action="store_true", help="write the table into docs/bytecode.md")
    wanted = parser.parse_args()
    with workplace.folder() as work:
        rows = [_row(version, truth, wanted.missing) for version, truth in _truths(wanted.interpreters, work)]
    head = ("", "files", "pairs", "lost", "seen, %", "read, MB/s", "rendered, MB/s")
    table = page.table(head, rows)
    print(table)
    if wanted.write:
        _write(table)


def _row(version: Version, truth: Iterator[dict[str, Any]], missing: int) -> tuple[str, ...]:
    tally = _measured(version, truth)
    print(f"{version}: {len(tally.missing)} of {tally.pairs:,} lost, {len(tally.silent)} silent", flush=True)
    for one in tally.missing[:missing]:
        print("    lost", *one)
    for silent in tally.silent[:missing]:
        print("    silent", *silent)
    read, rendered = (tally.bytes / 1e6 / max(seconds, 1e-9) for seconds in (tally.reading, tally.rendering))
    seen = f"{100 * tally.recall:.4f}"
    return (
        str(version),
        f"{tally.files:,}",
        f"{tally.pairs:,}",
        f"{len(tally.missing)}",
        seen,
        f"{read:.1f}",
        f"{rendered:.1f}",
    )


def _write(table: str) -> None:
    with open(_PAGE, encoding="utf-8") as file:
        before, _, rest = file.read().partition(_BEGIN)
    with open(_PAGE, "w", encoding="utf-8") as file:
        file.write(f"{before}{_BEGIN}\n\n{table}\n{_END}{rest.partition(_END)[2]}")


def _truths(wanted: Sequence[str], work: str) -> Iterator[tuple[Version, Iterator[dict[str, Any]]]]:
    """The versions, and what `pairs.py` says of the standard library of each interpreter (or said before)."""
    for one in wanted:
        if one.endswith(".jsonl"):
            major, minor = map(int, re.findall(r"\d+", os.path.basename(one))[:2])
            yield Version(major, minor), _lines(one)
    commands = [one for one in wanted if not one.endswith(".jsonl")]
    found = [interpreters.asked(tuple(shlex.split(one))) for one in commands] if wanted else interpreters.at_hand(work)
    for interpreter in found:
        yield interpreter.version, _told([*interpreter.command, "-W", "ignore", _TRUTH, interpreter.library])


def _lines(path: str) -> Iterator[dict[str, Any]]:
    with open(path, encoding="ascii") as file:
        yield from map(json.loads, file)


def _told(command: Sequence[str]) -> Iterator[dict[str, Any]]:
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        if child.stdout is not None:
            yield from map(json.loads, child.stdout)
    if child.returncode:
        raise SystemExit(f"{command[0]} failed")


def _measured(version: Version, truth: Iterator[dict[str, Any]]) -> Tally:
    tally = Tally()
    for one in truth:
        data = base64.b64decode(one["code"])
        started = time.process_time()
        code = load(data, 0, version).value
        read = time.process_time()
        if not isinstance(code, Code):
            sys.exit(f"{one['path']}: no code")
        rendering = render(code)
        tally.rendering += time.process_time() - read
        tally.reading += read - started
        tally.bytes += len(data)
        tally.files += 1
        tally.pairs += len(one["pairs"])
        text = rendering.text.decode()
        for pair in map(_pair, one["pairs"]):
            if not _is_seen(text, pair, version):
                how, name, (_, value), line = pair
                tally.missing.append((f"{one['path']}:{line}", how, name, repr(value[:60])))
        tally.silent += (
            (one["path"], repr(string)[:80]) for string in _strings(code) if string and not _is_shown(text, string)
        )
    return tally


def _pair(told: list[Any]) -> tuple[str, str, tuple[str, str], int]:
    """What `pairs.py` tells of a pair, with its text as text."""
    how, name, (prefix, value), line = told
    return how, _text(name), (prefix, value if prefix == "b" else _text(value)), line


def _text(told: str) -> str:
    try:
        return told.encode("latin-1").decode("utf-8", "surrogatepass")
    except UnicodeError:  # a name that bytes of Python 2 are
        return told


def _is_seen(text: str, pair: tuple[str, str, tuple[str, str], int], version: Version) -> bool:
    """Whether a line of `text` has the pair, and the name is a whole one."""
    how, name, (prefix, value), _ = pair
    names = [_FORMS[how].format(one) for one in (_written(name) if how in _QUOTED else [name])]
    if how == "item":
        names.append(f"{name}=")  # what `**` brings to a call is written as keywords
    prefixes = ("", "b") if version.major == 2 else ("b",) if prefix == "b" else ("",)  # noqa: PLR2004
    for written in _written(value):
        for before in prefixes:
            for form in names:
                sought = form + before + written
                position = text.find(sought)
                while position >= 0:
                    if (
                        sought[0] in "[\"'"
                        or not position
                        or not (text[position - 1].isalnum() or text[position - 1] == "_")
                    ):
                        return True
                    position = text.find(sought, position + 1)
    return False


def _clean(text: str) -> str:
    return text.replace("\0", "\\0").encode("utf-8", "replace").decode()


def _written(value: str) -> list[str]:
    """The ways that a string may stand in quotes; with escapes only where it is no text."""
    clean = _clean(value)
    ways = [f'"{clean}"', f"'{clean}'", f'"""{clean}"""', repr(value.encode("latin-1", "replace"))[1:]]
    try:
        decoded = _clean(value.encode("latin-1").decode())  # of Python 2
    except UnicodeError:
        return ways
    return [*ways, f'"{decoded}"', f"'{decoded}'", f'"""{decoded}"""']


def _strings(code: Code) -> Iterator[str | bytes]:
    """All strings but the qualified names of functions, which no source has."""
    names = {one.name for one, _ in walk(code)}
    for one, _ in walk(code):
        pending: list[Any] = list(one.consts)
        while pending:
            value = pending.pop()
            if isinstance(value, bytes) or (isinstance(value, str) and value.rpartition(".")[2] not in names):
                yield value
            elif isinstance(value, tuple):
                pending += value


def _is_shown(text: str, string: str | bytes) -> bool:
    if isinstance(string, str):
        return _clean(string) in text
    return any(way[1:-1] in text for way in _written(string.decode("latin-1")))


if __name__ == "__main__":
    main()
