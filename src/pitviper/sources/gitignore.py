"""`.gitignore` as git reads it: a file in every folder, the deepest that has an opinion decides.

The files are those of the target, and may be hostile: a line that cannot be understood, or that would cost too much,
hides nothing, and only regular files are read. Names and lines are bytes to git; here each byte is one character
(Latin-1).
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import time
import warnings
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from pitviper.sources.interface import OPEN_FILE

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

_LONGEST = 1 << 20
_BOM = b"\xef\xbb\xbf"
_MOST_PATTERNS = 1000
"""Of one file; the longest of GitHub's templates has 400 lines."""
_COSTLY = re.compile(r"(?:[^*/]*\*){4}")
"""More than three `*` in one part of a path: each multiplies the ways to match a name by its length."""
_PATIENCE = 20.0
"""Seconds of matching, over all names; a million names with GitHub's template for Python take less."""


class Gitignore:
    """The ignore files of the repository around `root`, and of the folders below it that were entered."""

    def __init__(self, root: bytes) -> None:
        self._root = os.path.join(root, b"")
        self._left = _PATIENCE
        self._specs: dict[bytes, GitIgnoreSpec] = {}
        top = _repository(root)
        if top:
            self._read(top, os.path.join(top, b".git", b"info", b"exclude"))
            folder = root
            while folder != top:
                folder = os.path.dirname(folder)
                self._read(folder, os.path.join(folder, b".gitignore"))

    @property
    def exhausted(self) -> bool:
        """Whether matching took so long that nothing is ignored any more."""
        return self._left <= 0

    def enter(self, prefix: bytes) -> None:
        """Read the ignore file of the folder `prefix` (b"" or b"a/b/", below the root)."""
        folder = os.path.dirname(self._root + prefix)
        self._read(folder, os.path.join(folder, b".gitignore"))

    def covers(self, path: bytes, *, is_folder: bool) -> bool:
        """Whether `path` (below the root) is ignored. Git itself never looks into `.git`."""
        if path.rpartition(b"/")[2] == b".git":
            return True
        if self.exhausted:
            return False
        started = time.perf_counter()
        try:
            return self._covered(self._root + path, is_folder=is_folder)
        finally:
            self._left -= time.perf_counter() - started

    def _covered(self, full: bytes, *, is_folder: bool) -> bool:
        folder = full
        while (parent := os.path.dirname(folder)) != folder:
            folder = parent
            if spec := self._specs.get(folder):
                relative = full[len(os.path.join(folder, b"")) :] + (b"/" if is_folder else b"")
                include = spec.check_file(relative.decode("latin-1")).include
                if include is not None:
                    return include
        return False

    def _read(self, folder: bytes, path: bytes) -> None:
        try:
            with open(os.open(path, OPEN_FILE), "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    return
                text = file.read(_LONGEST)
        except OSError:
            return
        earlier = self._specs.get(folder)
        spec = _spec(text)
        self._specs[folder] = earlier + spec if earlier else spec


def _spec(text: bytes) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec  # noqa: PLC0415 - only needed with --gitignore

    with warnings.catch_warnings(action="ignore", category=FutureWarning):  # of `re`, for `[[`
        patterns = list(islice(_patterns(text), _MOST_PATTERNS))
    return GitIgnoreSpec(patterns, backend="simple")  # it would use Vectorscan, which takes 3 s to compile 1,000


def _patterns(text: bytes) -> Iterator[GitIgnoreSpecPattern]:
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern  # noqa: PLC0415 - same

    for line in text.removeprefix(_BOM).decode("latin-1").split("\n"):
        if "\0" in line or _COSTLY.search(line):
            continue
        with contextlib.suppress(Exception):  # it raises its own errors and those of `re`
            yield GitIgnoreSpecPattern(line)


def _repository(folder: bytes) -> bytes | None:
    """The nearest folder at or above `folder` that holds `.git`."""
    while not os.path.exists(os.path.join(folder, b".git")):
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent
    return folder
