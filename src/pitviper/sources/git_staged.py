"""What is about to be committed: the contents in git's index that differ from those of the last commit.

A secret that stood in a file before is no news: only findings on lines that were added count.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

import msgspec

from pitviper.engine.pack import Free, Pack
from pitviper.errors import TargetError
from pitviper.model.blob import Blob
from pitviper.model.gap import Gap, Reason
from pitviper.model.place import Link, Place
from pitviper.sources.git import Git, shown
from pitviper.sources.git_objects import Indexed, Object, objects, packed

_WORDS = ("--no-abbrev", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color", "--ignore-submodules=all")
_HUNK = re.compile(rb"@@ -\S+ \+(\d+)(?:,(\d+))? @@")
_LINK = b"160000"


class Entry(msgspec.Struct, frozen=True):
    """A path in the index, with its content, and the one it had before ("" for none)."""

    path: str
    name: str
    old: str
    new: str


class Staged:
    """What is staged in the folder `target`. Raises `TargetError`."""

    whole = None

    def __init__(self, target: str) -> None:
        self._target = target
        self._git = Git(target)
        self._git.use_index_of_commit()
        if not self._git.top:
            raise TargetError(f"{self._git.shown}: a bare repository stages nothing", hint="Name a working tree.")
        self._entries: dict[str, Entry] = {}

    def size(self) -> int:
        """See `Source`."""
        return 0

    def read(self, free: Free) -> Iterator[Pack]:
        """The new contents, under the paths of their files."""
        gaps: list[Gap] = []
        waiting: dict[str, list[Entry]] = defaultdict(list)
        for entry in self._staged(gaps):
            self._entries[entry.path] = entry
            waiting[entry.new].append(entry)
        ids = [[one.encode("ascii") for one, entries in waiting.items() for _ in entries]]

        path = ""

        def lost(one: str, why: str, begun: bool) -> None:  # noqa: FBT001 - see Lost
            gaps.append(Gap(path if begun else waiting[one].pop().path, Reason.DAMAGED, why))

        def name(one: Object) -> tuple[Blob, None]:
            nonlocal path
            entry = waiting[one.id].pop()
            path = entry.path
            chain = Link("tree", self._git.shown), Link("file", entry.name)
            return Indexed(entry.path, chain, one), None

        yield from packed(objects(self._git, ids, lost), name, gaps, free)

    def adds(self, place: Place) -> bool:
        """Whether what is at `place` is new: on a line that was added, or in a file that has no lines."""
        entry = self._entries.get(place.path)
        if entry is None or place.line is None or not entry.old:
            return True
        added = self._added(entry)
        return added is None or any(place.line in some for some in added)

    def _added(self, entry: Entry) -> list[range] | None:
        """The lines that were added to a file; None if git sees no lines in it."""
        told = self._git.ask("diff", "-U0", *_WORDS, entry.old, entry.new)
        if not told:
            return None
        hunks = map(_HUNK.match, told.split(b"\n"))
        found = [(int(hunk[1]), 1 if hunk[2] is None else int(hunk[2])) for hunk in hunks if hunk]
        return [range(start, start + count) for start, count in found] or None

    def _staged(self, gaps: list[Gap]) -> Iterator[Entry]:
        told, said = self._git.try_("diff", "--cached", "--raw", "-z", "--diff-filter=AMT", *_WORDS)
        if said is not None:
            gaps.append(Gap(self._git.shown, Reason.DAMAGED, f"git cannot compare the index: {said}"))
        below = os.path.relpath(os.path.realpath(self._target), self._git.top)
        prefix = b"" if below == "." else os.fsencode(below) + b"/"
        for change, path in _pairs(told.split(b"\0")):
            _, mode, old, new, _ = change.split()
            if path.startswith(prefix) and mode != _LINK:
                name = shown(path.removeprefix(prefix))
                full = os.path.join(self._git.shown, name).removeprefix("./")
                yield Entry(full, name, old.decode("ascii").strip("0") and old.decode("ascii"), new.decode("ascii"))


def _pairs(tokens: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
    rest = iter(tokens)
    for token in rest:
        if token:
            yield token, next(rest, b"")
