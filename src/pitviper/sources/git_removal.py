"""Which commit took something away that a history had.

What a merge took over from one of its parents, `git log -c` does not tell: that it dropped what another parent had is
seen only beside that one. And what went in one line of a history may live on in another. So what the first walk over a
history cannot decide is looked up here: git compares each commit with each parent, but the paths in question only.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pitviper.sources.git import Git, lines

Versions = frozenset[tuple[bytes, bytes]]
"""A thing in a history: each path and content (id) that it had."""

QUESTIONS = 4_000_000
"""Paths that branches are asked for in all: a minute or two."""

_AT_ONCE = 200
"""Paths that one git is asked for; of 4 KiB each, they are half of what a command line may hold."""

_WORDS = ("--full-history", "--parents", "-m", "--format=%H %P")
_NOTHING: Versions = frozenset()


def absent(git: Git, tips: Sequence[bytes], things: Mapping[int, Versions]) -> dict[int, Versions]:
    """Those of `things` that are in none of the commits `tips`; none at all where that cannot be told, or not soon."""
    left = {number: versions for number, versions in things.items() if all(_is_plain(path) for path, _ in versions)}
    questions = QUESTIONS
    for tip in tips:
        paths = sorted({path for versions in left.values() for path, _ in versions})
        questions -= len(paths)
        here = _in_tree(git, tip, paths) if questions >= 0 else None
        if here is None:
            return {}
        left = {number: versions for number, versions in left.items() if versions.isdisjoint(here)}
    return left


def removals(git: Git, log: Sequence[str], given: bytes, things: Mapping[int, Versions]) -> dict[int, str]:
    """The commit that took each of `things` away for good, where one did; `log` and `given` make git walk."""
    by_path: dict[bytes, list[int]] = defaultdict(list)
    for number, versions in things.items():
        for path in {path for path, _ in versions}:
            by_path[path].append(number)
    found: dict[int, str] = {}
    paths = sorted(by_path)
    for start in range(0, len(paths), _AT_ONCE):
        some = paths[start : start + _AT_ONCE]
        numbers = {number for path in some for number in by_path[path]}
        found |= _removals(_edges(git, log, given, some), {number: things[number] for number in numbers})
    return found


def _in_tree(git: Git, commit: bytes, paths: Sequence[bytes]) -> set[tuple[bytes, bytes]] | None:
    """Those of `paths` that are in `commit`, with their contents; None where git cannot tell."""
    found: set[tuple[bytes, bytes]] = set()
    for start in range(0, len(paths), _AT_ONCE):
        some = map(os.fsdecode, paths[start : start + _AT_ONCE])
        told, said = git.try_("ls-tree", "-z", "--full-tree", "--no-abbrev", commit.decode("ascii"), "--", *some)
        if said is not None:
            return None
        entries = (entry.partition(b"\t") for entry in told.split(b"\0") if entry)
        found |= {(path, head.rpartition(b" ")[2]) for head, _, path in entries}
    return found


def _is_plain(path: bytes) -> bool:
    """Whether git takes `path` for one in a tree, and for no other: trees that no git has made have steps like `..`."""
    return not {b"", b".", b".."} & set(path.split(b"/"))


class _Commit:
    """A commit, those of its parents that matter to the paths in question, and what differs from any of its parents."""

    def __init__(self, header: bytes) -> None:
        self.id, *self.parents = header.split()
        self.new: dict[bytes, bytes] = {}
        self.old: set[tuple[bytes, bytes]] = set()


def _edges(git: Git, log: Sequence[str], given: bytes, paths: Sequence[bytes]) -> Iterator[_Commit]:
    """The commits that matter to `paths`, each after its parents. What git tells of a merge once for each parent."""
    commit: _Commit | None = None
    with git.start(*log, *_WORDS, "--", *map(os.fsdecode, paths), takes=True) as running:
        running.give(iter([given]))
        tokens = (token.strip(b"\n") for some in lines(running.output, b"\0") for token in some)
        for token in tokens:
            if token.startswith(b":") and commit:
                _, _, old, new, _ = token.split(b" ")
                path = next(tokens, b"")
                commit.new[path] = new
                commit.old.add((path, old))
            elif token and not (commit and token.startswith(commit.id)):
                if commit:
                    yield commit
                commit = _Commit(token)
    if commit:
        yield commit


def _removals(commits: Iterable[_Commit], things: Mapping[int, Versions]) -> dict[int, str]:
    """The last commit that took each of `things` away itself: not one that got it without from a parent that had it."""
    wanted = frozenset().union(*things.values())
    numbers: dict[tuple[bytes, bytes], list[int]] = defaultdict(list)
    for number, versions in things.items():
        for version in versions:
            numbers[version].append(number)
    has: dict[bytes, Versions] = {}
    had: dict[bytes, Versions] = {}
    found: dict[int, str] = {}
    for commit in commits:
        for parent in commit.parents:
            if parent not in has:  # older than what is walked
                has[parent] = had[parent] = wanted & commit.old
        before = [has[parent] for parent in commit.parents]
        kept = {version for version in (before[0] if before else _NOTHING) if version[0] not in commit.new}
        now = frozenset(kept | (wanted & commit.new.items()))
        ever = now.union(*(had[parent] for parent in commit.parents))
        has[commit.id] = _same(now, before)
        had[commit.id] = _same(ever, [had[parent] for parent in commit.parents])
        gone = frozenset().union(*before) - now
        for number in {number for version in gone for number in numbers[version]}:
            versions = things[number]
            lacking = [parent for parent in commit.parents if versions.isdisjoint(has[parent])]
            if versions.isdisjoint(now) and all(versions.isdisjoint(had[parent]) for parent in lacking):
                found[number] = commit.id.decode("ascii")
    return found


def _same(versions: Versions, known: Iterable[Versions]) -> Versions:
    """`versions`, as one of those `known` if it equals one: a long history has them a hundred thousand times."""
    return next((one for one in known if one == versions), versions)
