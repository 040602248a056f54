"""What Pitviper reports of packages that people install: nearly all of it false, and each a reader's minute.

Scans the contents of all wheels that pip could install without the network, for auditors, and writes a table that a
person can go through: `python bench/alarms.py --help`.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import measure
import msgspec
import wheels
import workplace

_BATCH = 1024 * 1024 * 1024
"""Bytes unpacked at a time: enough to make starting Pitviper cheap, little enough for any temporary folder."""

_SEVERITIES = ("critical", "high", "medium", "low", "info")
_COLUMNS = ("wheel", "path", "line", "rule", "severity", "confidence", "audience", "secret", "evidence", "places")


@dataclass(slots=True)
class Tally:
    """What came of all batches. `findings` are with their wheel; a secret in several batches counts in each."""

    wheels: int = 0
    bytes: int = 0
    left: int = 0
    gaps: int = 0
    seconds: float = 0.0
    findings: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


def main() -> None:
    """Scan, print the counts, and write the table."""
    wanted = _arguments()
    found = wheels.find()[:: wanted.every]
    if not found:
        raise SystemExit("pip is configured for no local folder with wheels: see `pip config list`")
    print(f"{len(found)} wheels", flush=True)
    tally = Tally()
    with workplace.folder() as work:
        for folder, names in _batches(found, os.path.join(work, "wheels"), tally):
            _scan(folder, names, wanted, tally)
            print(f"  {tally.wheels} wheels, {tally.bytes / 1e6:,.0f} MB, {len(tally.findings)} findings", flush=True)
    _print(tally)
    _write(tally, wanted.output)


def _batches(found: Sequence[str], folder: str, tally: Tally) -> Iterator[tuple[str, list[str]]]:
    """Wheels unpacked under `folder`, as many at a time as `_BATCH` allows; the number of a name is that of its folder.

    Folders have numbers, because a name such as `pytest_mock-3.whl` would make a test of all that lies below.
    """
    names: list[str] = []
    size = 0
    for number, wheel in enumerate(found, 1):
        if not names:
            shutil.rmtree(folder, ignore_errors=True)
        target = os.path.join(folder, str(len(names)))
        os.makedirs(target)
        written, left = wheels.unpack(wheel, target)
        names.append(os.path.basename(wheel))
        size += written
        tally.wheels += 1
        tally.bytes += written
        tally.left += left
        if size >= _BATCH or number == len(found):
            yield folder, names
            names, size = [], 0
    shutil.rmtree(folder)


def _scan(folder: str, names: Sequence[str], wanted: argparse.Namespace, tally: Tally) -> None:
    report_file = f"{folder}.json"
    command = (wanted.pitviper, "scan", ".", "--auditor", "--no-allow-comments", "--output", f"json:{report_file}")
    jobs = ("--jobs", str(wanted.jobs)) if wanted.jobs else ()
    run = measure.run((*command, *jobs), cwd=folder, env=os.environ, codes=(0, 1))
    with open(report_file, "rb") as file:
        report: dict[str, Any] = msgspec.json.decode(file.read())
    os.unlink(report_file)
    tally.seconds += run.wall
    tally.gaps += len(report["gaps"])
    for finding in report["findings"]:
        number, _, finding["place"]["path"] = finding["place"]["path"].partition("/")
        tally.findings.append((names[int(number)], finding))


def _print(tally: Tally) -> None:
    """Findings by rule, severity and audience: most first within a severity."""
    kinds = Counter((one["severity"], one["audience"], one["rule"]) for _, one in tally.findings)
    places: Counter[tuple[str, str, str]] = Counter()
    for _, one in tally.findings:
        places[one["severity"], one["audience"], one["rule"]] += 1 + len(one["also_at"])
    print(f"\n{'severity':<10}{'audience':<10}{'rule':<44}{'secrets':>8}{'places':>8}")
    for kind, count in sorted(kinds.items(), key=lambda item: (_SEVERITIES.index(item[0][0]), item[0][1], -item[1])):
        severity, audience, rule = kind
        print(f"{severity:<10}{audience:<10}{rule:<44}{count:>8}{places[kind]:>8}")
    print(
        f"\n{tally.wheels} wheels, {tally.bytes / 1e6:,.0f} MB scanned in {tally.seconds:.1f} s, {tally.gaps} gaps; "
        f"{tally.left} members were left packed"
    )


def _write(tally: Tally, output: str) -> None:
    """All findings of medium and above as a table with tabs, worst and commonest rules first."""
    most = _SEVERITIES.index("medium")
    kept = [(wheel, one) for wheel, one in tally.findings if _SEVERITIES.index(one["severity"]) <= most]
    kept.sort(key=lambda item: (_SEVERITIES.index(item[1]["severity"]), item[1]["audience"], item[1]["rule"], item[0]))
    os.makedirs(os.path.dirname(os.path.abspath(output)), exist_ok=True)
    with open(output, "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, dialect="excel-tab", lineterminator="\n")
        table.writerow(_COLUMNS)
        table.writerows(_row(wheel, one) for wheel, one in kept)
    print(f"{len(kept)} findings of medium and above: {output}")


def _row(wheel: str, one: dict[str, Any]) -> tuple[object, ...]:
    place = one["place"]
    return (
        wheel,
        place["path"],
        place["line"] or f"byte {place['offset']}",
        one["rule"],
        one["severity"],
        one["confidence"],
        one["audience"],
        one["secret"]["redacted"] if one["secret"] else "",
        "; ".join(f"{item['name']}: {item['text']}" for item in one["evidence"]),
        1 + len(one["also_at"]),
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Scan the contents of the wheels that pip could install offline.")
    parser.add_argument("--every", type=int, default=1, help="take one in so many wheels [all]")
    parser.add_argument("--jobs", type=int, help="processes [as many as Pitviper takes]")
    parser.add_argument("--output", default=os.path.join("build", "alarms.tsv"), help="the table [%(default)s]")
    workplace.add_pitviper(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()
