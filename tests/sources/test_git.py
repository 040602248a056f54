from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Never

import pytest

from pitviper import look_at_git
from pitviper.config import Settings
from pitviper.engine.pack import BUFFER
from pitviper.errors import TargetError, UsageError
from pitviper.model.finding import Finding
from pitviper.model.gap import Reason
from pitviper.model.place import Place
from pitviper.model.report import Report
from pitviper.scanning import Scan
from pitviper.sources import git, git_objects
from pitviper.sources.git_history import History, _commits

Token = Callable[[str], str]

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


class Repository:
    """A repository to plant things in; each commit is a day after the one before."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.folder = folder
        self.day = 0
        folder.mkdir()
        self.git("init", "-q", "-b", "main", *words)

    def git(self, *words: str, given: bytes | None = None, **extra: str) -> str:
        date = f"2026-01-{self.day + 1:02}T12:00:00+0100"
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_AUTHOR_NAME": "A U Thor",
            "GIT_AUTHOR_EMAIL": "a@example.org",
            "GIT_COMMITTER_NAME": "C O Mitter",
            "GIT_COMMITTER_EMAIL": "c@example.org",
            "GIT_AUTHOR_DATE": date,
            "GIT_COMMITTER_DATE": date,
            **extra,
        }
        done = subprocess.run(["git", *words], cwd=self.folder, input=given, capture_output=True, env=environment)  # noqa: PLW1510
        assert done.returncode == 0, done.stderr
        return done.stdout.decode().strip()

    def write(self, name: str, content: str | bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        self.git("add", "-f", "--", name)

    def commit(self, message: str = "a change", **files: str | bytes | None) -> str:
        """Commit `files` (None: removed), whose names have `__` for a slash and `_` for a dot."""
        for name, content in files.items():
            path = name.replace("__", "/").replace("_", ".")
            if content is None:
                self.git("rm", "-q", path)
            else:
                self.write(path, content)
        self.day += 1
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "shop")


def scan(target: object, **settings: Any) -> Report:
    return Scan([str(target)], Settings(**settings)).report()


def history(repository: Repository, **settings: Any) -> Report:
    return scan(f"git:{repository.folder}", **settings)


def only(report: Report) -> Finding:
    assert report.gaps == ()
    assert len(report.findings) == 1, report.findings
    return report.findings[0]


def places(finding: Finding) -> list[Place]:
    return [finding.place, *finding.also_at]


def where(report: Report) -> list[str]:
    """The places of all findings, without the repository and the name of the commit."""
    return sorted(place.path.rpartition("!/")[2] for one in report.findings for place in places(one))


class TestWhoBroughtIt:
    def test_first_commit_and_the_one_that_removed_it(self, repository: Repository, token: Token) -> None:
        first = repository.commit(app_py="clean\n")
        brought = repository.commit(src__app_py=f'\nTOKEN = "{token("a")}"\n')
        repository.commit(src__app_py=f'\n\nTOKEN = "{token("a")}"\n')
        removed = repository.commit(src__app_py="\n")
        repository.commit(src__app_py="x = 1\n")
        place = only(history(repository)).place
        assert place.path == f"{repository.folder}!/commit:{brought[:12]}!/src/app.py"
        assert (place.line, place.removed_in) == (2, removed)
        tree, commit, file = place.chain
        assert (tree.kind, tree.name) == ("tree", str(repository.folder))
        assert (commit.kind, commit.name, commit.id) == ("commit", brought[:12], brought)
        assert (commit.author, commit.date) == ("A U Thor <a@example.org>", "2026-01-03T11:00:00+00:00")
        assert (file.kind, file.name) == ("file", "src/app.py")
        assert brought != first

    def test_what_is_still_there_was_not_removed(self, repository: Repository, token: Token) -> None:
        repository.commit(app_py=f'TOKEN = "{token("a")}"\n')
        repository.commit(app_py=f'TOKEN = "{token("a")}"  # changed\n')
        assert only(history(repository)).place.removed_in is None

    def test_what_came_back_was_not_removed(self, repository: Repository, token: Token) -> None:
        brought = repository.commit(app_py=f'TOKEN = "{token("a")}"\n')
        repository.commit(app_py=None)
        repository.commit(app_py=f'TOKEN = "{token("a")}"\n')
        place = only(history(repository)).place
        assert (place.chain[1].id, place.removed_in) == (brought, None)

    def test_what_another_branch_still_has_was_not_removed(self, repository: Repository, token: Token) -> None:
        repository.commit(app_py=f'TOKEN = "{token("a")}"\n')
        repository.git("branch", "old")
        removed = repository.commit(app_py=None)
        assert only(history(repository)).place.removed_in is None
        assert only(history(repository, branch=("main",))).place.removed_in == removed

    def test_a_renamed_file_has_two_places(self, repository: Repository, token: Token) -> None:
        brought = repository.commit(old_py=f'TOKEN = "{token("a")}"\n')
        repository.git("mv", "old.py", "new.py")
        moved = repository.commit()
        finding = only(history(repository))
        found = [(place.chain[1].id, place.chain[2].name, place.removed_in) for place in places(finding)]
        assert found == [(brought, "old.py", moved), (moved, "new.py", None)]

    def test_a_merge_brings_only_what_none_of_its_parents_has(self, repository: Repository, token: Token) -> None:
        repository.commit(base_py="1\n")
        repository.git("checkout", "-q", "-b", "side")
        brought = repository.commit(side_py=f'TOKEN = "{token("side")}"\n')
        repository.git("checkout", "-q", "main")
        repository.commit(base_py="2\n")
        repository.git("merge", "-q", "--no-commit", "side")
        merge = repository.commit(evil_py=f'TOKEN = "{token("evil")}"\n')
        found = [one.place for one in history(repository).findings]
        assert {place.chain[2].name: place.chain[1].id for place in found} == {"side.py": brought, "evil.py": merge}

    def test_a_secret_in_two_files_is_one_finding_oldest_first(self, repository: Repository, token: Token) -> None:
        line = f'TOKEN = "{token("a")}"\n'
        names = ["z.py", "m.py", "a.py"]
        for number, name in enumerate(names):
            repository.write(name, line + "#" * number)
            repository.commit()
        finding = only(history(repository))
        assert [place.chain[2].name for place in places(finding)] == names

    def test_what_lies_in_tests_is_judged_by_its_name(self, repository: Repository) -> None:
        repository.commit(tests__app_py="password = 'kX9vQ2mZ7pL4wR8t'\n", src__app_py="x\n")
        report = history(repository)
        assert report.findings == ()
        assert report.stats.hidden.auditor == 1
        assert where(history(repository, auditor=True)) == ["tests/app.py"]

    def test_allow_comments_count(self, repository: Repository, token: Token) -> None:
        repository.commit(app_py=f'TOKEN = "{token("a")}"  # pitviper: allow[github-pat] revoked\n')
        report = history(repository)
        assert report.findings == ()
        assert [(one.finding.place.chain[2].name, one.reason) for one in report.ignored] == [("app.py", "revoked")]

    def test_names_are_escaped(self, repository: Repository, token: Token) -> None:
        repository.write("a\x1b\n\u202e.py", f'TOKEN = "{token("a")}"\n')
        (repository.folder / os.fsdecode(b"b\xff.py")).write_text(f'TOKEN = "{token("a")}"\n')
        repository.git("add", "-A")
        repository.day += 1
        repository.git("commit", "-q", "-m", "x", GIT_AUTHOR_NAME="E\x1b[31mve")
        report = history(repository)
        assert where(report) == ["a\\x1b\\n\\u202e.py", "b\\xff.py"]
        assert "\x1b" not in (report.findings[0].place.chain[1].author or "")

    def test_a_token_in_the_name_of_an_author_is_told_to_nobody(self, repository: Repository, token: Token) -> None:
        repository.write("app.py", f'TOKEN = "{token("b")}"\n')
        repository.git("commit", "-q", "-m", "x", GIT_AUTHOR_NAME=token("a"))
        report = history(repository)
        assert where(report) == ["(header)", "app.py"]
        assert token("a") not in repr(report)


class TestWhatIsSearched:
    def test_messages_of_commits_and_tags(self, repository: Repository, token: Token) -> None:
        commit = repository.commit(f"Deploy\n\nwith {token('commit')} as the token")
        repository.git("tag", "-a", "v1", "-m", f"Released with {token('tag')}")
        report = history(repository)
        assert where(report) == ["(message)", "(tag v1)"]
        (message, tag) = sorted((one.place for one in report.findings), key=lambda place: place.path.endswith("v1)"))
        assert (message.chain[1].id, message.line) == (commit, 3)
        assert tag.chain[1].author == "C O Mitter <c@example.org>"

    def test_every_ref(self, repository: Repository, token: Token) -> None:
        repository.commit(base_py="1\n")
        for kind in ("heads/other", "tags/light", "remotes/origin/main", "notes/commits", "pull/1/head"):
            name = kind.replace("/", "-")
            repository.git("checkout", "-q", "--detach", "main")
            repository.write(f"{name}.py", f'TOKEN = "{token(name)}"\n')
            repository.commit()
            repository.git("update-ref", f"refs/{kind}", "HEAD")
        repository.git("checkout", "-q", "--detach", "main")
        repository.commit(detached_py=f'TOKEN = "{token("detached")}"\n')
        found = ["detached.py", "heads-other.py", "notes-commits.py", "pull-1-head.py", "remotes-origin-main.py"]
        assert where(history(repository)) == [*found, "tags-light.py"]

    def test_every_stash(self, repository: Repository, token: Token) -> None:
        repository.commit(app_py="1\n")
        for name in ("first", "second"):
            repository.write("app.py", f'{name} = "{token(name)}"\n')
            repository.git("stash", "-q")
            repository.day += 1
        assert len(history(repository).findings) == 2

    def test_a_tagged_content(self, repository: Repository, token: Token) -> None:
        repository.commit()
        blob = repository.git("hash-object", "-w", "--stdin", given=f"{token('a')}\n".encode())
        repository.git("tag", "key", blob)
        assert where(history(repository)) == ["(tag key)"]

    def test_unreachable_ones_if_asked_for(self, repository: Repository, token: Token) -> None:
        repository.commit(app_py="1\n")
        repository.commit(gone_py=f'TOKEN = "{token("commit")}"\n')
        repository.git("reset", "-q", "--hard", "HEAD~1")
        blob = repository.git("hash-object", "-w", "--stdin", given=f"{token('blob')}\n".encode())
        assert history(repository).findings == ()
        assert where(history(repository, unreachable=True)) == [f"(blob {blob[:12]})", "gone.py"]

    def test_a_wheel_is_opened(self, repository: Repository, token: Token) -> None:
        with zipfile.ZipFile(repository.folder / "shop.whl", "w", zipfile.ZIP_DEFLATED) as wheel:
            wheel.writestr("shop/app.py", f'TOKEN = "{token("a")}"\n')
        repository.git("add", ".")
        brought = repository.commit()
        repository.git("rm", "-q", "shop.whl")
        removed = repository.commit()
        place = only(history(repository)).place
        assert place.path == f"{repository.folder}!/commit:{brought[:12]}!/shop.whl!/shop/app.py"
        assert place.removed_in == removed

    def test_big_contents(self, repository: Repository, token: Token) -> None:
        with zipfile.ZipFile(repository.folder / "big.zip", "w") as archive:
            archive.writestr("noise", os.urandom(2 * BUFFER))
            archive.writestr("app.py", f'TOKEN = "{token("zip")}"\n')
        repository.git("add", ".")
        big = b"x = 1\n" * BUFFER + f'TOKEN = "{token("big")}"\n'.encode()
        repository.commit(big_py=big, copy_py=big, small_py=f'TOKEN = "{token("small")}"\n')
        report = history(repository)
        assert where(report) == ["app.py", "big.py", "copy.py", "small.py"]
        assert {one.place.line for one in report.findings} == {1, BUFFER + 1}

    def test_a_container_that_cannot_be_opened_is_told_by_its_name(self, repository: Repository) -> None:
        brought = repository.commit(old_rar=b"Rar!\x1a\x07\x01" + bytes(64))
        assert [(gap.path, gap.reason) for gap in history(repository).gaps] == [
            (f"{repository.folder}!/commit:{brought[:12]}!/old.rar", Reason.UNSUPPORTED)
        ]

    def test_encoded_text_is_decoded(self, repository: Repository, token: Token) -> None:
        encoded = base64.b64encode(f'TOKEN = "{token("a")}"'.encode()).decode()
        brought = repository.commit(app_py=f'blob = "{encoded}"\n')
        place = only(history(repository)).place
        assert place.path.startswith(f"{repository.folder}!/commit:{brought[:12]}!/app.py")

    def test_numbers_are_those_of_the_objects(self, repository: Repository, token: Token) -> None:
        repository.commit("x", app_py=f'TOKEN = "{token("a")}"\n')
        stats = history(repository).stats
        assert stats.blobs == 2
        assert stats.bytes == len(f'TOKEN = "{token("a")}"\n') + len(repository.git("cat-file", "commit", "HEAD")) + 1

    def test_a_repository_with_sha_256(self, tmp_path: Path, token: Token) -> None:
        repository = Repository(tmp_path / "long", "--object-format=sha256")
        brought = repository.commit(app_py=f'TOKEN = "{token("a")}"\n')
        assert len(brought) == 64
        removed = repository.commit(app_py=None)
        place = only(history(repository)).place
        assert (place.chain[1].id, place.removed_in) == (brought, removed)

    def test_an_empty_repository(self, repository: Repository) -> None:
        report = history(repository)
        assert (report.findings, report.gaps, report.stats.blobs) == ((), (), 0)

    def test_a_bare_repository_a_worktree_a_subfolder(self, repository: Repository, token: Token) -> None:
        repository.commit(src__app_py=f'TOKEN = "{token("a")}"\n')
        repository.git("clone", "-q", "--bare", ".", "../bare.git")
        repository.git("worktree", "add", "-q", "../further")
        for name in ("bare.git", "further", "further/src", "shop/src", "shop/.git"):
            assert where(scan(f"git:{repository.folder.parent / name}")) == ["src/app.py"], name


class TestChoice:
    def test_since(self, repository: Repository, token: Token) -> None:
        for name in ("old", "new"):
            repository.commit(**{f"{name}_py": f'TOKEN = "{token(name)}"\n'})
            repository.day += 5
        assert where(history(repository, since="2026-01-04")) == ["new.py"]
        with pytest.raises(UsageError, match="since: 'gestern' is no date"):
            history(repository, since="gestern")

    def test_branch(self, repository: Repository, token: Token) -> None:
        repository.commit(base_py=f'TOKEN = "{token("base")}"\n')
        for name in ("one", "two", "three"):
            repository.git("checkout", "-q", "-b", name, "main")
            repository.commit(**{f"{name}_py": f'TOKEN = "{token(name)}"\n'})
        assert where(history(repository, branch=("one", "three"))) == ["base.py", "one.py", "three.py"]

    @pytest.mark.parametrize("name", ["nix", "--output=x", "-x", "a b", ""])
    def test_no_such_branch(self, repository: Repository, name: str) -> None:
        repository.commit()
        scan = Scan([f"git:{repository.folder}"], Settings(branch=(name,)))
        assert "no branch" in str(scan.unreadable[0])
        assert not list(repository.folder.glob("x"))

    def test_folder_with_its_history(self, repository: Repository, token: Token) -> None:
        repository.commit(gone_py=f'TOKEN = "{token("gone")}"\n')
        repository.commit(gone_py=None, here_py=f'TOKEN = "{token("here")}"\n')
        report = scan(repository.folder, git_history=True)
        here, gone = sorted(report.findings, key=lambda one: "gone" in one.place.path)
        assert here.place.path == str(repository.folder / "here.py")
        assert any(place.chain[1].kind == "commit" for place in here.also_at)
        assert "gone.py" in gone.place.path

    def test_packs_that_were_read_are_no_gaps(self, repository: Repository) -> None:
        repository.commit(one_py="x = 1\n")
        repository.git("gc", "-q")
        (alone,) = scan(repository.folder).gaps
        assert "scan its repository with --git-history" in alone.detail
        assert scan(repository.folder, git_history=True).gaps == ()

    def test_no_repository(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "app.py").touch()
        for target, message in ((tmp_path, "not a git repository"), (tmp_path / "nix", "no such folder")):
            assert [message in str(error) for error in Scan([f"git:{target}"]).unreadable] == [True]
        monkeypatch.setenv("PATH", "")
        with pytest.raises(TargetError, match="git is not on the PATH"):
            git.Git(str(tmp_path))


class TestStaged:
    def test_only_added_lines(self, repository: Repository, token: Token) -> None:
        repository.commit(old_py=f'1\nOLD = "{token("old")}"\n', same_py=f'SAME = "{token("same")}"\n')
        repository.write("old.py", f'1\n2\nOLD = "{token("old")}"\nNEW = "{token("new")}"\n')
        repository.write("src/new.py", f'TOKEN = "{token("file")}"\n')
        (repository.folder / "unstaged.py").write_text(f'TOKEN = "{token("unstaged")}"\n')
        report = scan(repository.folder, staged=True)
        assert report.gaps == ()
        assert (report.stats.blobs, report.stats.expanded_bytes) == (2, 0)
        found = {one.place.path: one.place.line for one in report.findings}
        assert found == {f"{repository.folder}/old.py": 4, f"{repository.folder}/src/new.py": 1}
        assert where(scan(repository.folder / "src", staged=True)) == [f"{repository.folder}/src/new.py"]

    def test_relative_path(self, repository: Repository, token: Token, monkeypatch: pytest.MonkeyPatch) -> None:
        repository.write("app.py", f'TOKEN = "{token("a")}"\n')
        monkeypatch.chdir(repository.folder)
        assert only(scan(".", staged=True)).place.path == "app.py"

    def test_binary_counts_as_a_whole(self, repository: Repository, token: Token) -> None:
        repository.commit(app_bin=b"\0\0" + token("a").encode() + b"\0")
        repository.write("app.bin", b"\0\0\0" + token("a").encode() + b"\0")
        assert where(scan(repository.folder, staged=True)) == [f"{repository.folder}/app.bin"]

    def test_nothing_staged(self, repository: Repository) -> None:
        repository.commit(app_py="1\n")
        report = scan(repository.folder, staged=True)
        assert (report.findings, report.gaps, report.stats.blobs) == ((), (), 0)

    @pytest.mark.parametrize("words", [("-a",), ("app.py",)])
    def test_what_a_commit_stages_itself(self, repository: Repository, token: Token, words: tuple[str, ...]) -> None:
        repository.commit(app_py="1\n")
        (repository.folder / "app.py").write_text(f'TOKEN = "{token("a")}"\n')
        hook = repository.folder / ".git" / "hooks" / "pre-commit"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\n{sys.executable} -P -m pitviper scan --staged . -o json:report.json || true\n")
        hook.chmod(0o755)
        assert scan(repository.folder, staged=True).findings == ()
        repository.git("commit", "-m", "x", *words)
        assert b"github-pat" in (repository.folder / "report.json").read_bytes()

    def test_the_index_of_another_repository_is_not_read(
        self, repository: Repository, tmp_path: Path, token: Token, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        repository.write("app.py", f'TOKEN = "{token("a")}"\n')
        other = Repository(tmp_path / "other")
        other.write("app.py", "1\n")
        monkeypatch.setenv("GIT_INDEX_FILE", str(other.folder / ".git" / "index"))
        assert where(scan(repository.folder, staged=True)) == [f"{repository.folder}/app.py"]

    def test_bare(self, repository: Repository) -> None:
        repository.git("clone", "-q", "--bare", ".", "../bare.git")
        errors = Scan([f"git:{repository.folder.parent / 'bare.git'}"], Settings(staged=True)).unreadable
        assert "a bare repository stages nothing" in str(errors[0])


class TestInterrupted:
    @pytest.mark.parametrize(("owner", "name"), [(look_at_git._Noting, "findings"), (History, "walk")])
    def test_what_was_found_is_told_under_the_ids_of_objects(
        self, repository: Repository, token: Token, owner: type, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        repository.commit(app_py=f'TOKEN = "{token("a")}"\n')
        real = getattr(owner, name)

        def interrupted(*words: object) -> Never:
            real(*words)
            raise KeyboardInterrupt

        monkeypatch.setattr(owner, name, interrupted)
        running = Scan([f"git:{repository.folder}"])
        with pytest.raises(KeyboardInterrupt):
            list(running)
        running.stop()
        report = running.report()
        assert report.interrupted
        assert where(report) == [f"(blob {repository.git('rev-parse', 'HEAD:app.py')[:12]})"]


def loose(repository: Repository, name: str) -> Path:
    return repository.folder / ".git" / "objects" / name[:2] / name[2:]


class TestDamage:
    def test_a_damaged_object_is_a_gap(self, repository: Repository, token: Token) -> None:
        names = [f"f{number}_py" for number in range(20)]
        commit = repository.commit(**{name: f'TOKEN = "{token(name)}"\n' for name in names})
        for number in (3, 7):
            path = loose(repository, repository.git("rev-parse", f"HEAD:f{number}.py"))
            path.chmod(0o644)
            path.write_bytes(path.read_bytes()[:20] + b"garbage" * 9)
        report = history(repository)
        assert len(report.findings) == 18
        root = f"{repository.folder}!/commit:{commit[:12]}"
        assert [(gap.path, gap.reason) for gap in report.gaps] == [
            (f"{root}!/f3.py", Reason.DAMAGED),
            (f"{root}!/f7.py", Reason.DAMAGED),
        ]

    def test_a_damaged_pack_is_many_gaps(self, repository: Repository, token: Token) -> None:
        for number in range(20):
            repository.commit(**{f"f{number}_py": f'TOKEN = "{token(str(number))}"\n'})
        repository.git("repack", "-adq")
        (pack,) = (repository.folder / ".git" / "objects" / "pack").glob("*.pack")
        pack.chmod(0o644)
        data = bytearray(pack.read_bytes())
        data[len(data) // 2 : len(data) // 2 + 40] = b"\xff" * 40
        pack.write_bytes(data)
        repository.commit(after_py=f'TOKEN = "{token("after")}"\n')
        report = history(repository)
        assert report.gaps
        assert len(report.findings) > 10

    def test_a_tree_that_is_missing_takes_no_finding_away(self, repository: Repository, token: Token) -> None:
        repository.commit(app_py=f'TOKEN = "{token("a")}"\n')
        blob = repository.git("rev-parse", "HEAD:app.py")
        loose(repository, repository.git("rev-parse", "HEAD^{tree}")).unlink()
        report = history(repository)
        assert where(report) == [f"(blob {blob[:12]})"]
        assert "could not be walked" in report.gaps[0].detail

    def test_git_that_gives_up(self, repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(git_objects, "_PATIENCE", 1)
        repository.commit(a_py="a\n")
        path = loose(repository, repository.git("rev-parse", "HEAD:a.py"))
        path.chmod(0o644)
        path.write_bytes(b"garbage")
        assert history(repository).gaps

    def test_a_shallow_clone_says_so(self, repository: Repository, token: Token) -> None:
        repository.commit(app_py=f'TOKEN = "{token("a")}"\n')
        repository.commit(app_py="1\n")
        repository.git("clone", "-q", "--depth=1", f"file://{repository.folder}", "../shallow")
        report = scan(f"git:{repository.folder.parent / 'shallow'}")
        assert "shallow" in report.gaps[0].detail

    def test_one_that_only_says_so_hides_nothing(self, repository: Repository, token: Token) -> None:
        repository.commit(app_py=f'TOKEN = "{token("a")}"\n')
        last = repository.commit(app_py="1\n")
        (repository.folder / ".git" / "shallow").write_text(f"{last}\n")
        report = history(repository)
        assert len(report.findings) == 1
        assert "shallow" in report.gaps[0].detail

    def test_dates_that_no_calendar_has(self) -> None:
        ((commit, _),) = _commits([b"ab 99999999999999999999 A <a>"])
        assert commit.date is None


class TestHostile:
    @pytest.fixture
    def canary(self, tmp_path: Path) -> Path:
        """A program that leaves a trace when it runs."""
        path = tmp_path / "canary"
        path.write_text(f'#!/bin/sh\necho "$0 $*" >> {tmp_path}/sang\ncat\nexit 0\n')
        path.chmod(0o755)
        return path

    def test_nothing_of_the_repository_runs(
        self, repository: Repository, canary: Path, tmp_path: Path, token: Token
    ) -> None:
        repository.commit(app_py=f'TOKEN = "{token("a")}"\n')
        repository.write(".gitattributes", "* diff=evil filter=evil merge=evil\n")
        repository.git("commit", "-q", "-m", "x")
        repository.write("new.py", f'TOKEN = "{token("new")}"\n')
        missing = repository.git("rev-parse", "HEAD:.gitattributes")
        loose(repository, missing).unlink()
        self._poison(repository.folder / ".git", canary)
        for settings in ({}, {"unreachable": True}, {"since": "2020-01-01"}, {"branch": ("main",)}, {"staged": True}):
            report = history(repository, **settings)
            assert len(report.findings) == (2 if "unreachable" in settings else 1)
        assert len(scan(repository.folder, git_history=True).findings) == 2
        assert not (tmp_path / "sang").exists()

    def test_a_working_tree_that_is_somewhere_else_hides_nothing(self, repository: Repository, token: Token) -> None:
        repository.commit(src__app_py=f'TOKEN = "{token("a")}"\n')
        removed = repository.commit(src__app_py=None)
        repository.write("new.py", f'TOKEN = "{token("new")}"\n')
        for name, value in {"core.worktree": "..", "diff.relative": "true"}.items():
            repository.git("config", name, value)
        place = only(history(repository)).place
        assert (place.chain[2].name, place.removed_in) == ("src/app.py", removed)
        assert where(scan(repository.folder, staged=True)) == [f"{repository.folder}/new.py"]

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="POSIX has FIFOs")
    @pytest.mark.parametrize("name", ["refs/heads/other", "objects/pack/pack-1.idx", "packed-refs", "config", "linked"])
    def test_nothing_is_waited_for(self, repository: Repository, tmp_path: Path, name: str) -> None:
        repository.commit(app_py="1\n")
        repository.git("worktree", "add", "-q", "../further")
        path = repository.folder / ".git" / name
        path.unlink(missing_ok=True)
        if name == "linked":
            os.mkfifo(tmp_path / "fifo")
            path.symlink_to(tmp_path / "fifo")
        else:
            os.mkfifo(path)
        for folder in (repository.folder, tmp_path / "further"):
            with pytest.raises(TargetError, match=f"{name} git would wait for ever"):
                git.Git(str(folder))

    def test_the_canary_sings(self, repository: Repository, canary: Path, tmp_path: Path) -> None:
        """Proves the test above: git run carelessly does run it."""
        repository.commit(app_py="1\n")
        self._poison(repository.folder / ".git", canary)
        (repository.folder / "app.py").write_text("2\n")
        subprocess.run(["git", "diff"], cwd=repository.folder, capture_output=True, check=False)
        assert (tmp_path / "sang").exists()

    def _poison(self, folder: Path, canary: Path) -> None:
        config: Mapping[str, str] = {
            "core.fsmonitor": f"{canary}",
            "core.sshCommand": f"{canary}",
            "core.pager": f"{canary}",
            "core.editor": f"{canary}",
            "core.askPass": f"{canary}",
            "core.gitProxy": f"{canary}",
            "core.alternateRefsCommand": f"{canary}",
            "pager.log": f"{canary}",
            "pager.diff": f"{canary}",
            "diff.external": f"{canary}",
            "diff.evil.textconv": f"{canary}",
            "diff.evil.command": f"{canary}",
            "filter.evil.smudge": f"{canary}",
            "filter.evil.clean": f"{canary}",
            "filter.evil.process": f"{canary}",
            "log.showSignature": "true",
            "gpg.program": f"{canary}",
            "alias.cat-file": f"!{canary}",
            "alias.log": f"!{canary}",
            "credential.helper": f"!{canary}",
            "protocol.allow": "always",
            "protocol.ext.allow": "always",
            "remote.origin.url": f"ext::{canary}",
            "remote.origin.promisor": "true",
            "remote.origin.uploadpack": f"{canary}",
            "remote.origin.partialclonefilter": "blob:none",
            "uploadpack.packObjectsHook": f"{canary}",
            "extensions.partialClone": "origin",
            "core.repositoryFormatVersion": "1",
            "core.hooksPath": f"{folder}/hooks",
        }
        for name, value in config.items():
            subprocess.run(["git", "config", "-f", folder / "config", name, value], check=True)
        (folder / "included").write_text(f"[core]\n\tfsmonitor = {canary}\n[diff]\n\texternal = {canary}\n")
        subprocess.run(["git", "config", "-f", folder / "config", "include.path", "included"], check=True)
        for hook in ("post-index-change", "fsmonitor-watchman", "pre-auto-gc", "reference-transaction"):
            (folder / "hooks").mkdir(exist_ok=True)
            (folder / "hooks" / hook).symlink_to(canary)
