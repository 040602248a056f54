"""`.gitignore`, against what git does (gitignore(5)); and files of it that mean harm."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pitviper.model.gap import Gap, Reason
from pitviper.sources import gitignore
from pitviper.sources.directory import Directory
from pitviper.sources.gitignore import Gitignore, _spec

Tree = dict[str, str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def plant(files: Tree) -> None:
    for name, text in files.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def listed(target: str = ".") -> tuple[set[str], int]:
    """The files that are left, without the ignore files, and how many entries were left out."""
    source = Directory(target, gitignore=True)
    names = {
        part.path(name)
        for part in source.parts()
        if not isinstance(part, Gap)
        for name in part.names
        if name != b".gitignore"
    }
    return names, source.skipped


RULES = [
    ("", ["a", "d/a"], []),
    ("a", ["b"], ["a", "d/a"]),
    ("# a", ["a"], []),
    ("\\#a", ["a"], ["#a"]),
    ("\\!a", ["a"], ["!a"]),
    ("a ", ["b"], ["a"]),
    ("a\\ ", ["a"], ["a "]),
    ("/a", ["d/a"], ["a"]),
    ("d/a", ["a", "e/d/a"], ["d/a"]),
    ("d/", ["e/x", "f/d"], ["d/a", "e/d/b"]),
    ("*.pyc", ["a.py", "d/a.pyc.x"], ["a.pyc", "d/b.pyc"]),
    ("*", [], ["a", "d/a"]),
    ("*.[co]", ["a.py", "a.x"], ["a.c", "a.o"]),
    ("a?c", ["ac", "abbc"], ["abc", "axc"]),
    ("[!a]1", ["a1"], ["b1"]),
    ("**/x", ["y"], ["x", "d/x", "d/e/x"]),
    ("d/**", ["a"], ["d/a", "d/e/b"]),
    ("d/**/x", ["x", "d/y"], ["d/x", "d/e/x", "d/e/f/x"]),
    ("d/*", ["e/d/b"], ["d/a"]),
    ("*.log\n!keep.log", ["keep.log", "d/keep.log"], ["a.log", "d/a.log"]),
    ("!keep.log\n*.log", [], ["keep.log"]),
    ("d/*\n!d/keep", ["d/keep"], ["d/a"]),
    ("d/\n!d/keep", [], ["d/keep"]),  # nothing brings back what lies in a folder that is left out
    ("größe", ["grösse"], ["größe"]),
    ("蛇?", ["蛇"], ["蛇x"]),
    ("a\r\nb", ["c"], ["a", "b"]),
    ("\ufeffa", ["b"], ["a"]),
    ("(a|b)+", ["a", "b"], ["(a|b)+"]),
    (".*", ["a"], [".env", "d/.x"]),
    ("a\nb\n\n\n", ["c"], ["a", "b"]),
]


@pytest.mark.parametrize(("text", "kept", "dropped"), RULES)
def test_lines(text: str, kept: list[str], dropped: list[str]) -> None:
    plant({".gitignore": text, **dict.fromkeys(kept + dropped, "x")})
    assert listed()[0] == set(kept)


class TestCost:
    """A hostile file must not buy time."""

    def test_more_lines_than_anyone_writes(self) -> None:
        text = "".join(f"x{number}\n" for number in range(1200))
        plant({".gitignore": text, "x0": "x", "x999": "x", "x1000": "x"})
        assert listed() == ({"x1000"}, 2)

    def test_lines_with_too_many_stars(self) -> None:
        plant({".gitignore": "*a*a*a*a\n**/b*c*\n", "aaaaa": "x", "d/e/bc": "x"})
        assert listed() == ({"aaaaa"}, 1)

    def test_when_patience_ends_nothing_is_left_out_and_a_gap_tells(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(gitignore, "_PATIENCE", 0.0)
        plant({".gitignore": "a", "a": "x"})
        names, gaps = [], []
        for part in Directory(".", gitignore=True).parts():
            if isinstance(part, Gap):
                gaps.append((part.path, part.reason))
            else:
                names += part.names
        assert names == [b".gitignore", b"a"]
        assert gaps == [(".gitignore", Reason.OVER_BUDGET)]


class TestNested:
    def test_the_deepest_that_has_an_opinion_decides(self) -> None:
        plant(
            {
                ".gitignore": "*.log\n!d/b.log\nsecret",
                "d/.gitignore": "!a.log\nb.log\n",
                "d/e/.gitignore": "a.log",
                **dict.fromkeys(["a.log", "d/a.log", "d/b.log", "d/c.log", "d/secret", "d/e/a.log", "d/e/b.log"], "x"),
            }
        )
        assert listed() == ({"d/a.log"}, 6)

    def test_patterns_are_relative_to_their_file(self) -> None:
        plant({"d/.gitignore": "/a\ne/b", **dict.fromkeys(["a", "d/a", "d/d/a", "e/b", "d/e/b"], "x")})
        assert listed()[0] == {"a", "d/d/a", "e/b"}

    def test_those_of_siblings_do_not_count(self) -> None:
        plant({"d/.gitignore": "*", "d/a": "x", "e/a": "x"})
        assert listed()[0] == {"e/a"}


class TestAbove:
    def test_the_files_of_the_repository_around_the_target(self, folder: Path) -> None:
        (folder / "repo" / ".git" / "info").mkdir(parents=True)
        plant(
            {
                ".gitignore": "outside",
                "repo/.git/info/exclude": "excluded\nboth\n",
                "repo/.gitignore": "top\n/anchored\nx/y/deep\n!both\n",
                "repo/x/.gitignore": "mid",
                "repo/x/y/.gitignore": "own",
            }
        )
        names = ["outside", "excluded", "both", "top", "anchored", "deep", "mid", "own", "left"]
        plant({f"repo/x/y/{name}": "x" for name in names})
        wanted = {"outside", "both", "anchored", "left"}
        assert listed("repo/x/y")[0] == {f"repo/x/y/{name}" for name in wanted}
        os.chdir("repo/x/y")
        assert listed(".")[0] == wanted

    def test_the_exclude_file_is_weaker_than_the_one_beside_it(self, folder: Path) -> None:
        (folder / ".git" / "info").mkdir(parents=True)
        plant({".git/info/exclude": "a\nb", ".gitignore": "!a", "a": "x", "b": "x"})
        assert listed()[0] == {"a"}

    def test_without_a_repository_only_those_in_the_target(self) -> None:
        plant({".gitignore": "a", "d/a": "x", "d/b": "x", "d/.gitignore": "b"})
        assert listed("d")[0] == {"d/a"}

    def test_a_worktree_has_a_file_for_its_repository(self) -> None:
        plant({".git": "gitdir: elsewhere", ".gitignore": "a", "d/a": "x", "d/b": "x"})
        assert listed("d")[0] == {"d/b"}


class TestCounting:
    def test_folders_count_once(self) -> None:
        plant({".gitignore": "d/\n*.log", "d/a": "x", "d/b": "x", "a.log": "x", "b": "x"})
        assert listed() == ({"b"}, 2)

    def test_the_repository_itself_is_left_out(self) -> None:
        plant({".git/config": "x", "d/.git": "x", "a": "x"})
        assert listed() == ({"a"}, 2)

    def test_links_and_fifos_that_are_ignored_make_no_gap(self, folder: Path) -> None:
        plant({".gitignore": "link\nfifo\n"})
        (folder / "link").symlink_to("/")
        os.mkfifo(folder / "fifo")
        source = Directory(".", gitignore=True)
        assert [part for part in source.parts() if isinstance(part, Gap)] == []
        assert source.skipped == 2

    def test_a_link_to_a_folder_is_no_folder(self, folder: Path) -> None:
        plant({".gitignore": "d/", "e/a": "x"})
        (folder / "d").symlink_to("e")
        assert listed() == ({"e/a"}, 0)

    def test_measuring_does_not_count(self) -> None:
        plant({".gitignore": "a", "a": "x", "b": "xx"})
        source = Directory(".", gitignore=True)
        assert source.size() == 3
        assert source.skipped == 0
        assert len(list(source.parts())) == 1
        assert source.skipped == 1
        assert source.size() == 3
        assert source.skipped == 1

    def test_nothing_is_left_out_unasked(self) -> None:
        plant({".gitignore": "*", "a": "x"})
        source = Directory(".")
        assert sum(len(part.names) for part in source.parts() if not isinstance(part, Gap)) == 2
        assert source.skipped == 0


class TestHostile:
    @pytest.mark.parametrize(
        "line",
        [
            b"!",
            b"\\",
            b"a\\",
            b"[z-a]",
            b"[",
            b"[[:alpha:]]",
            b"[[a]",
            b"/",
            b"//",
            b"a**b",
            b"\0",
            b"(?x",
            b"{9999999}",
        ],
    )
    def test_a_line_that_makes_no_sense_spoils_no_other(self, line: bytes) -> None:
        plant({"b": "x", "c": "x"})
        Path(".gitignore").write_bytes(b"b\n" + line + b"\n")
        assert listed()[0] == {"c"}

    def test_utf_16_is_not_understood(self) -> None:
        plant({"abc": "x", "axy": "x"})
        Path(".gitignore").write_bytes("abc\r\na*\r\n".encode("utf-16"))
        assert listed()[0] == {"abc", "axy"}

    def test_names_and_lines_that_are_no_utf_8(self) -> None:
        for name in (b"caf\xe9", b"\xff\xfe", b"caf\xe8", b"x\nb"):
            Path(os.fsdecode(name)).write_text("x")
        Path(".gitignore").write_bytes(b"caf\xe9\n\xff*\nb\n")
        assert listed()[0] == {"caf\\xe8", "x\\nb"}

    @pytest.mark.parametrize("kind", ["fifo", "folder", "link", "device"])
    def test_only_regular_files_are_read(self, folder: Path, kind: str) -> None:
        plant({"a": "x", "rules": "a"})
        path = folder / ".gitignore"
        if kind == "fifo":
            os.mkfifo(path)
        elif kind == "folder":
            path.mkdir()
        else:
            path.symlink_to("rules" if kind == "link" else "/dev/zero")
        assert "a" in listed()[0]

    def test_a_fifo_that_somebody_holds_open(self, folder: Path) -> None:
        plant({"a": "x"})
        os.mkfifo(folder / ".gitignore")
        writing = os.open(folder / ".gitignore", os.O_RDWR)
        try:
            assert listed()[0] == {"a"}
        finally:
            os.close(writing)

    def test_stars_cost_no_exponential_time(self) -> None:
        name = "a" * 200
        plant({".gitignore": "*a" * 60 + "*b\n", name: "x"})
        assert listed()[0] == {name}

    @given(st.binary(max_size=60), st.binary(min_size=1, max_size=20))
    @example(b"[[:alpha:]]\n[\xff\n", b"\xff")
    @example(b"!a\na/\n**", b"a")
    def test_no_bytes_raise(self, text: bytes, name: bytes) -> None:
        assert _spec(text).check_file(name.decode("latin-1")).include in (None, True, False)

    def test_the_root_of_the_file_system(self, folder: Path) -> None:
        plant({".gitignore": "*"})
        ignore = Gitignore(b"/")
        ignore.enter(b"")
        assert not ignore.covers(b"etc", is_folder=True)
        assert folder == Path.cwd()
