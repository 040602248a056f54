"""The baseline: findings that were accepted once, so that only new ones are reported.

A text file with one finding a line, sorted by a salted fingerprint:

    # pitviper baseline 1
    salt 6f1d…
    0b77… github-pat src/app.py
    c41a… url-credentials docs/setup.md

The fingerprint is of rule and secret alone, so an entry survives moved lines and renamed files; the path is a note for
readers, as of the day of acceptance. New lines fall between old ones at random, so that two branches rarely touch the
same spot; where they do, `merge=union` in `.gitattributes` keeps both, and a file with two salts is valid. It holds no
secret, nor anything that a dictionary could be tried on cheaply (see `fingerprint`).
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable
from hashlib import blake2b

import msgspec

from pitviper import atomic
from pitviper.errors import BaselineError
from pitviper.model.finding import Finding
from pitviper.model.place import escape

_HEAD = "# pitviper baseline 1"
_SALT = re.compile(r"salt ([0-9a-f]{32})")
_ENTRY = re.compile(r"([0-9a-f]{32}) ([a-z0-9-]+)(?: (.*))?")


class Baseline(msgspec.Struct):
    """Accepted findings: `entries` maps a salted fingerprint to the rest of its line."""

    salts: list[str]
    entries: dict[str, str]

    @classmethod
    def new(cls) -> Baseline:
        """An empty baseline with a salt of its own."""
        return cls([secrets.token_hex(16)], {})

    @classmethod
    def load(cls, path: str) -> Baseline:
        """The baseline in the file `path`; raises `BaselineError` with the line that is wrong."""
        try:
            with open(path, encoding="utf-8") as file:
                lines = file.read().split("\n")
        except OSError as error:
            raise BaselineError(
                f"{path}: cannot be read: {error.strerror}", hint=f"Make one with `pitviper baseline {path}`."
            ) from None
        except UnicodeDecodeError as error:
            where = error.object.count(b"\n", 0, error.start) + 1
            raise BaselineError(f"{path}:{where}: no baseline: no UTF-8 ({error.reason})") from None
        if lines[0] != _HEAD:
            raise BaselineError(f"{path}:1: no baseline: the first line is not {_HEAD!r}")
        baseline = cls([], {})
        for number, line in enumerate(lines[1:], 2):
            if salt := _SALT.fullmatch(line):
                baseline.salts.append(salt[1])
            elif entry := _ENTRY.fullmatch(line):
                baseline.entries[entry[1]] = line.partition(" ")[2]
            elif line and not line.startswith("#"):
                hint = "Resolve the merge: keep the lines of both sides." if line[:7] in _CONFLICT else ""
                raise BaselineError(f"{path}:{number}: neither a salt nor an entry", hint=hint)
        if not baseline.salts:
            raise BaselineError(f"{path}: no salt: the file is cut short")
        return baseline

    def holds(self, finding: Finding) -> bool:
        """Whether `finding` was accepted."""
        return any(_salted(salt, finding.id) in self.entries for salt in self.salts)

    def accept(self, findings: Iterable[Finding]) -> int:
        """Add what is not in it yet; how many that were."""
        before = len(self.entries)
        for finding in findings:
            if not self.holds(finding):
                self.entries[_salted(self.salts[0], finding.id)] = f"{finding.rule} {finding.place.path}"
        return len(self.entries) - before

    def prune(self, findings: Iterable[Finding]) -> int:
        """Drop the entries that none of `findings` needs any more; how many that were."""
        needed = {_salted(salt, finding.id) for finding in findings for salt in self.salts}
        gone = [key for key in self.entries if key not in needed]
        for key in gone:
            del self.entries[key]
        return len(gone)

    def save(self, path: str) -> None:
        """Write the file, whole or not at all; raises `BaselineError`."""
        lines = [_HEAD, *(f"salt {salt}" for salt in dict.fromkeys(self.salts))]
        lines += [f"{key} {note}".rstrip() for key, note in sorted(self.entries.items())]
        try:
            atomic.replace(os.path.realpath(path), [("\n".join(lines) + "\n").encode()])
        except OSError as error:
            raise BaselineError(f"{escape(path)}: cannot be written: {error.strerror}") from None


_CONFLICT = ("<<<<<<<", "=======", ">>>>>>>", "|||||||")


def _salted(salt: str, fingerprint: str) -> str:
    return blake2b(fingerprint.encode(), key=bytes.fromhex(salt), digest_size=16).hexdigest()
