"""Who brought a secret and who removed it, against an oracle that looks at every commit of random histories."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from pitviper.config import Settings
from pitviper.model.place import Place
from pitviper.scanning import Scan

Token = Callable[[str], str]
Tree = Mapping[str, str]

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

PATHS = ("a.py", "folder/b\nc.py", "folder/d")


class Commit(NamedTuple):
    """A commit to be: its parents by their numbers, its files, and when it was made."""

    parents: tuple[int, ...]
    tree: Tree
    day: int


def grown(random: random.Random, contents: list[str]) -> list[Commit]:
    """A history that branches, merges (also three lines at once), and in which merges do as they please."""
    commits = [Commit((), {}, 0)]
    for number in range(1, random.randrange(4, 24)):
        latest = range(max(0, number - 5), number)
        count = min(len(latest), random.choice((1, 1, 1, 1, 2, 2, 3)))
        parents = tuple(random.sample(latest, count))
        tree = dict(commits[parents[0]].tree)
        for path in PATHS:
            sides = [commits[parent].tree.get(path, "") for parent in parents]
            if len(set(sides)) > 1:
                tree[path] = random.choice(sides)
            if random.random() < (0.4 if count == 1 else 0.15):
                tree[path] = random.choice(["", "", *contents])
        day = max(0, number + random.randrange(-2, 2))
        commits.append(Commit(parents, {path: text for path, text in tree.items() if text}, day))
    return commits


def written(folder: Path, commits: list[Commit], tips: list[int]) -> list[str]:
    """The ids of `commits`, which are now those of a repository in `folder`, in which each of `tips` is a branch."""
    said = bytearray()
    for number, commit in enumerate(commits):
        said += b"commit refs/heads/%d\nmark :%d\n" % (number, number + 1)
        said += b"committer A <a@example.org> %d +0000\ndata 1\n%c\n" % (1_760_000_000 + commit.day * 86_400, 97)
        for word, parent in zip(("from", "merge", "merge"), commit.parents, strict=False):
            said += b"%s :%d\n" % (word.encode(), parent + 1)
        said += b"deleteall\n"
        for path, text in commit.tree.items():
            quoted = path.replace("\n", "\\n")
            said += b'M 100644 inline "%s"\ndata %d\n%s\n' % (quoted.encode(), len(text), text.encode())
    run(folder, "init", "-q", "--bare", ".")
    run(folder, "fast-import", "--quiet", "--export-marks=marks", given=bytes(said))
    marks = dict(line.split() for line in (folder / "marks").read_text().splitlines())
    ids = [marks[f":{number + 1}"] for number in range(len(commits))]
    for number in set(range(len(commits))) - set(tips):
        run(folder, "update-ref", "-d", f"refs/heads/{number}")
    run(folder, "symbolic-ref", "HEAD", f"refs/heads/{tips[0]}")
    return ids


def run(folder: Path, *words: str, given: bytes = b"") -> list[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_GLOBAL": os.devnull}
    done = subprocess.run(["git", *words], cwd=folder, input=given, capture_output=True, env=environment, check=True)
    return done.stdout.decode().split()


class Oracle:
    """What is true of one secret under one path."""

    def __init__(self, commits: list[Commit], path: str, secret: str) -> None:
        self._commits = commits
        self._path = path
        self.has = [secret in commit.tree.get(path, "") for commit in commits]
        self.had = list(self.has)
        for number, commit in enumerate(commits):
            self.had[number] |= any(self.had[parent] for parent in commit.parents)

    def removed(self, number: int) -> bool:
        """Whether a commit itself took the secret away, and did not get it without the secret from a parent."""
        parents = self._commits[number].parents
        if self.has[number] or not any(self.has[parent] for parent in parents):
            return False
        text = self._commits[number].tree.get(self._path)
        differs = all(self._commits[parent].tree.get(self._path) != text for parent in parents)
        return differs or not any(self.had[parent] for parent in parents if not self.has[parent])


@pytest.mark.parametrize("seed", range(int(os.environ.get("SEEDS", "25"))))
def test_random_histories(seed: int, tmp_path: Path, token: Token) -> None:
    chance = random.Random(seed)
    secrets = [token(str(number)) for number in range(2)]
    contents = [f"{word} = '{secret}'\n" for secret in secrets for word in ("x", "y", "z")]
    commits = grown(chance, [*contents, "clean\n", "".join(contents[::3])])
    parents = {parent for commit in commits for parent in commit.parents}
    tips = [number for number in range(len(commits)) if number not in parents]
    tips += chance.sample(range(len(commits)), chance.choice((0, 0, 0, 1)))
    ids = written(tmp_path, commits, tips)
    order = run(tmp_path, "rev-list", "--date-order", "--reverse", "--all")
    report = Scan([f"git:{tmp_path}"], Settings(show_secrets=True)).report()
    assert report.gaps == ()
    told: dict[tuple[str, str | None], Place] = {}
    for finding in report.findings:
        assert finding.secret
        for place in (finding.place, *finding.also_at):
            told[place.chain[-1].name, finding.secret.value] = place
    for path in PATHS:
        for secret in secrets:
            oracle = Oracle(commits, path, secret)
            if not any(oracle.has):
                continue
            place = told.pop((path.replace("\n", "\\n"), secret))
            first = min((ids[number] for number in range(len(ids)) if oracle.has[number]), key=order.index)
            assert place.chain[1].id == first
            still = any(oracle.has[tip] for tip in tips)
            if still:
                assert place.removed_in is None
            else:
                assert place.removed_in is not None
                assert oracle.removed(ids.index(place.removed_in))
    assert not told
