"""A git history: every object once, then the names of those in which something is.

To know where in the history an object lies, all trees of all commits have to be compared; to search it, only its bytes
are needed. So the objects are searched under their ids first (`History`), and only for those that have something to say
the history is walked, and they are read a second time, each under all names it had (`Chapter`): in which commit it
first came under that path, and in which it went. What no branch, tag or stash reaches any more has no name, and counts
only if the user asked for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice

import msgspec
from msgspec.structs import replace

from pitviper.engine.pack import Free, Pack
from pitviper.errors import TargetError, UsageError
from pitviper.model.blob import Blob, Inner
from pitviper.model.finding import Finding
from pitviper.model.gap import Gap, Reason
from pitviper.model.place import Link
from pitviper.sources.git import Git, lines, shown
from pitviper.sources.git_objects import Named, Object, Unnamed, every, objects, packed
from pitviper.sources.git_removal import Versions, absent, removals

_NAMES = 16
"""Paths of one object that are told; a file that was copied into hundreds of folders is no more found by the rest."""

_SHORT = 12
"""Digits of a commit that are shown: unique in a repository as big as Linux."""

_NOW = 3
"""Seconds: git takes a date that it does not understand for the present time."""

_LINK = b"160000"
"""Mode of a submodule, whose commit is not in this repository."""

_WORDS = ("--raw", "-z", "--root", "--no-abbrev", "--no-renames", "--no-ext-diff", "--no-textconv")
_LOG = (
    *("log", "--date-order", "--reverse", "--encoding=UTF-8", "--no-show-signature", "--no-notes", "--no-decorate"),
    *("--no-color", "--no-mailmap", "--ignore-missing", "--stdin", *_WORDS),
)
"""Each commit after its parents, with what it changed."""
_BRIEF = ("-c", "--format=%H %at %an <%ae>")
"""Of a merge, what none of its parents has."""

_REFS = "%(objectname)%00%(*objectname)%00%(refname:lstrip=1)%00%(taggername) %(taggeremail)%00%(taggerdate:unix)"

_MESSAGE, _HEADER = "(message)", "(header)"


class Which(msgspec.Struct, frozen=True):
    """What of a history is wanted: see the fields of the same names in `pitviper.config.Settings`."""

    unreachable: bool = False
    since: str | None = None
    branch: tuple[str, ...] = ()

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out but for what is unreachable."""
        return self.since is None and not self.branch


class Commit(msgspec.Struct, frozen=True):
    """A commit, and which of those that were walked it is."""

    id: str
    author: str
    date: str | None
    number: int

    @property
    def link(self) -> Link:
        """The commit as a step of a way."""
        return Link("commit", self.id[:_SHORT], id=self.id, author=self.author, date=self.date)


class Stay(msgspec.Struct):
    """An object under one path: since when; and until when, as far as the commits tell that changed it themselves."""

    path: bytes
    content: bytes
    came: Commit
    went: Commit | None = None


class History:
    """The history of the repository that `target` names. Raises `TargetError`, and `UsageError` for a wrong date."""

    whole = None

    def __init__(self, target: str, which: Which | None = None) -> None:
        self.git = Git(target)
        self.which = which or Which()
        self.branches = [self._branch(name) for name in self.which.branch]
        if self.which.since is not None:
            self._check_date(self.which.since)

    def size(self) -> int:
        """See `Source`."""
        return 0

    def read(self, free: Free) -> Iterator[Pack]:
        """All objects but trees, each under its id."""
        gaps: list[Gap] = []
        if lacks := self.git.lacks:
            gaps.append(Gap(self.git.shown, Reason.DAMAGED, lacks))
        ids = every(self.git, gaps) if self.which.is_all else self._chosen(gaps)

        def lost(name: str, why: str, _begun: bool) -> None:  # noqa: FBT001 - see Lost
            gaps.append(Gap(f"{self.git.shown}!/{name}", Reason.DAMAGED, why))

        def name(one: Object) -> tuple[Blob, None]:
            return Unnamed(self.git.shown, one), None

        found = (one for one in objects(self.git, ids, lost) if one.kind != "tree")
        yield from packed(found, name, gaps, free)

    def id_in(self, path: str) -> str | None:
        """The id of the object to which a `path` from `read` leads; None for the repository itself."""
        before = f"{self.git.shown}!/"
        return path[len(before) :].partition("!/")[0] if path.startswith(before) else None

    def chapter(self, wanted: Iterable[str], *, in_haste: bool = False) -> Chapter:
        """The objects `wanted` (ids), with their names; `in_haste` without them."""
        return Chapter(self, tuple(wanted), in_haste=in_haste)

    def walk(self, gaps: list[Gap]) -> Iterator[tuple[Commit, list[Change]]]:
        """Commits, each after its parents, with what they changed."""
        starts = () if self.branches else ("--all",)
        with self.git.start(*_LOG, *_BRIEF, *self._since, *starts, takes=True) as running:
            running.give(iter([_listed(self._starts())]))
            yield from _commits(token for some in lines(running.output, b"\0") for token in some)
            if said := running.failed():
                gaps.append(Gap(self.git.shown, Reason.DAMAGED, f"the history could not be walked to its end: {said}"))

    def tips(self) -> list[bytes]:
        """The commits of all branches, the latest first."""
        if self.branches:
            return self.branches
        words = ("--sort=-committerdate", "--format=%(objectname)", "refs/heads", "refs/remotes")
        listed = self.git.ask("rev-parse", "HEAD").split()[:1] + self.git.ask("for-each-ref", *words).split()
        return list(dict.fromkeys(one for one in listed if one != b"HEAD"))

    def removals(self, things: Mapping[int, Versions], likely: Mapping[int, Commit]) -> dict[int, str]:
        """The commits that took away what no branch has any more: those that are `likely`, or else looked for."""
        tips = self.tips()
        gone = absent(self.git, tips, things)
        unclear = {number: versions for number, versions in gone.items() if number not in likely}
        found = removals(self.git, (*_LOG, *self._since), _listed(tips), unclear) if unclear else {}
        return found | {number: likely[number].id for number in gone if number in likely}

    @property
    def _since(self) -> tuple[str, ...]:
        return () if self.which.since is None else (f"--since={self.which.since}",)

    def _starts(self) -> list[bytes]:
        """Where a walk begins, besides all refs."""
        if self.branches:
            return self.branches
        stashes = self.git.ask("log", "--walk-reflogs", "--format=%H", "refs/stash", "--").split()
        return stashes + (self._commits() if self.which.unreachable else [])

    def _commits(self) -> list[bytes]:
        """All commits, reachable or not."""
        words = ("--batch-all-objects", "--unordered", "--buffer", "--batch-check=%(objecttype) %(objectname)")
        with self.git.start("cat-file", *words) as running:
            return [line[7:] for some in lines(running.output) for line in some if line.startswith(b"commit ")]

    def _chosen(self, gaps: list[Gap]) -> Iterator[list[bytes]]:
        """The commits that the user chose, and the contents that they brought."""
        seen: set[bytes] = set()
        for commit, changes in self.walk(gaps):
            new = [change.new for change in changes if change.new not in seen and change.new.strip(b"0")]
            seen.update(new)
            yield [commit.id.encode("ascii"), *dict.fromkeys(new)]

    def _branch(self, name: str) -> bytes:
        found = b""
        if not name.startswith("-"):
            found = self.git.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}").strip()
        if not found:
            raise TargetError(f"{self.git.shown}: no branch {name!r}", hint="See `git branch --all` for the names.")
        return found

    def _check_date(self, date: str) -> None:
        """Raise `UsageError` if git takes `date` for now, as it does with all that it does not understand."""
        said = self.git.ask("rev-parse", f"--since={date}").strip().removeprefix(b"--max-age=")
        if not said.isdigit() or abs(datetime.now(UTC).timestamp() - int(said)) < _NOW:
            raise UsageError(f"since: {date!r} is no date", hint="Write 2026-01-31, or `2 weeks ago`.")


class Chapter:
    """Some objects of a history, each under all its names."""

    whole = None

    def __init__(self, history: History, wanted: Sequence[str], *, in_haste: bool = False) -> None:
        self._history = history
        self._in_haste = in_haste
        self._git = history.git
        self._in_order = wanted
        self._wanted = {one.encode("ascii") for one in wanted}
        self._names: dict[str, list[Inner | None]] = defaultdict(list)
        """Id → its names; None where it has none, and is told under its id."""
        self._order: dict[str, int] = {}
        """Id of a commit → which one it is."""
        self._stays: dict[tuple[str, str], list[Stay]] = defaultdict(list)
        """Id of a commit, and a path as it is shown → what came there."""

    def size(self) -> int:
        """See `Source`."""
        return 0

    def read(self, free: Free) -> Iterator[Pack]:
        """The objects, once under each name."""
        gaps: list[Gap] = []
        self._find_names(gaps)
        ids = [[one.encode("ascii") for one in self._in_order for _ in self._names.get(one, ())]]
        waiting = {one: iter(names) for one, names in self._names.items()}
        known = self._root

        def lost(one: str, why: str, begun: bool) -> None:  # noqa: FBT001 - see Lost
            name = known if begun else next(waiting[one]) or self._plain(one, "object")
            gaps.append(Gap(name.path, Reason.DAMAGED, why))

        def name(one: Object) -> tuple[Blob, Blob | None]:
            nonlocal known
            known = next(waiting[one.id]) or self._plain(one.id, one.kind)
            head = _renamed(known, _HEADER) if one.kind in ("commit", "tag") else None
            return Named(known.path, known.chain, known.removed_in, one), head

        yield from packed(objects(self._git, ids, lost), name, gaps, free)

    def joined(self, findings: Iterable[Finding]) -> list[Finding]:
        """One finding for each secret and path: a file that was changed often has it in each of its versions.

        Its place is the one where it came first, and it is gone when it is gone from the last.
        """
        same: dict[tuple[object, ...], list[Finding]] = defaultdict(list)
        for finding in findings:
            same[finding.id, *_path(finding)].append(finding)
        first = [min(some, key=self._came) for some in same.values()]
        stays = [[stay for one in some for stay in self._at(one)] for some in same.values()]
        things = {at: frozenset((stay.path, stay.content) for stay in some) for at, some in enumerate(stays) if some}
        ends = {at: [stay.went for stay in stays[at] if stay.went] for at in things}
        likely = {at: max(ends[at], key=_number) for at in things if len(ends[at]) == len(stays[at])}
        for at, commit in (self._history.removals(things, likely) if things else {}).items():
            first[at] = replace(first[at], place=replace(first[at].place, removed_in=commit))
        return first

    def _at(self, finding: Finding) -> list[Stay]:
        """What `finding` is in."""
        commit, file = finding.place.chain[1:3] if len(finding.place.chain) > 2 else (None, None)  # noqa: PLR2004 - see _path
        return self._stays.get((commit.id or "", file.name), []) if commit and file else []

    def _came(self, finding: Finding) -> int:
        return self._order.get(finding.place.chain[1].id or "", 0) if len(finding.place.chain) > 1 else 0

    def _find_names(self, gaps: list[Gap]) -> None:
        if not self._wanted:
            return
        if self._in_haste:
            self._names.update((one, [None]) for one in self._in_order)
            return
        before = len(gaps)
        for content, paths in self._walked(gaps).items():
            for stay in islice(paths.values(), _NAMES):
                name = shown(stay.path)
                self._names[content.decode("ascii")].append(self._root.inner(stay.came.link).inner(Link("file", name)))
                self._stays[stay.came.id, name].append(stay)
        self._name_refs()
        if self._history.which.unreachable or len(gaps) > before or self._git.lacks:
            for one in self._in_order:
                if one not in self._names:
                    self._names[one].append(None)

    def _walked(self, gaps: list[Gap]) -> dict[bytes, dict[bytes, Stay]]:
        """Id → path → when it was there. Commits that are wanted themselves get their names by the way."""
        wanted = self._wanted
        stays: dict[bytes, dict[bytes, Stay]] = defaultdict(dict)
        for commit, changes in self._history.walk(gaps):
            self._order[commit.id] = commit.number
            if commit.id.encode("ascii") in wanted:
                self._names[commit.id].append(self._root.inner(commit.link).inner(Link("file", _MESSAGE)))
            for change in changes:
                for old in change.olds:
                    if old in wanted and old != change.new and change.path in stays[old]:
                        stays[old][change.path].went = commit
                if change.new in wanted and change.new not in change.olds:
                    stays[change.new].setdefault(change.path, Stay(change.path, change.new, commit)).went = None
        return stays

    def _name_refs(self) -> None:
        """Names for what refs name: notes of tags, and contents that were tagged themselves."""
        for line in self._git.ask("for-each-ref", f"--format={_REFS}").splitlines():
            one, peeled, name, author, date = line.split(b"\0")
            for wanted in {one, peeled} & self._wanted:
                found = wanted.decode("ascii")
                if found not in self._names:
                    link = Link("file", f"({shown(name).replace('tags/', 'tag ', 1)})", id=found)
                    if date:
                        link = replace(link, author=shown(author), date=_date(date))
                    self._names[found].append(self._root.inner(link))

    def _plain(self, one: str, kind: str) -> Inner:
        return self._root.inner(Link("file", f"({kind} {one[:_SHORT]})", id=one))

    @property
    def _root(self) -> Inner:
        return Inner(self._git.shown, (Link("tree", self._git.shown),))


class Change(msgspec.Struct):
    """A path that differs from all parents: their contents there, and the one it has now."""

    path: bytes
    olds: list[bytes]
    new: bytes


def _number(commit: Commit) -> int:
    return commit.number


def _listed(ids: Iterable[bytes]) -> bytes:
    return b"".join(b"%s\n" % one for one in ids)


def _commits(tokens: Iterable[bytes]) -> Iterator[tuple[Commit, list[Change]]]:
    """Commits and changes from what `_LOG` writes: a line for each commit, and behind it pairs of change and path."""
    commit: Commit | None = None
    changes: list[Change] = []
    number = 0
    rest = iter(tokens)
    for token in rest:
        line = token.strip(b"\n")
        if line.startswith(b":"):
            changes.append(_change(line, next(rest, b"")))
        elif line:
            if commit:
                yield commit, changes
            name, date, author = line.split(b" ", 2)
            number += 1
            commit, changes = Commit(name.decode("ascii"), shown(author), _date(date), number), []
    if commit:
        yield commit, changes


def _change(line: bytes, path: bytes) -> Change:
    """The change that `line` tells: a colon and an old mode for each parent, the new mode, then their ids, a letter."""
    parents = line.count(b":")
    words = line[parents:].split(b" ")
    modes, ids = words[: parents + 1], words[parents + 1 : -1]
    olds = [old for old, mode in zip(ids[:-1], modes, strict=False) if mode != _LINK]
    return Change(path, olds, b"" if modes[-1] == _LINK else ids[-1])


def _date(seconds: bytes) -> str | None:
    """A point in time as ISO 8601; None for one that no calendar has."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return None


def _renamed(name: Inner, last: str) -> Inner:
    """The head of the message that has this `name`."""
    *outer, link = name.chain
    before, _, _ = name.path.rpartition("!/")
    link = replace(link, name=last if link.name == _MESSAGE else f"{link.name} {last}")
    return Inner(f"{before}!/{link.name}", (*outer, link))


def _path(finding: Finding) -> tuple[object, ...]:
    """The way to `finding` without the commit; with it for one in a message, which is a thing of its own."""
    chain = finding.place.chain
    is_file = len(chain) > 2 and chain[1].kind == "commit" and chain[2].name not in (_MESSAGE, _HEADER)  # noqa: PLR2004 - repository, commit, file
    return tuple(link.name for link in chain[2 if is_file else 1 :])
