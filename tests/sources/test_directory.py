"""Listing: what is there, what is not looked into and why, and how names are shown."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from pitviper.model.gap import Gap, Reason
from pitviper.sources.directory import Directory, FileBlob, Files

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links, FIFOs and byte names are POSIX")


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory; the tree is `t` in it."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "t"
    path.mkdir()
    return path


def listed(target: str = "t") -> tuple[list[str], list[Gap]]:
    """The files of a folder as they are shown, and the gaps."""
    names: list[str] = []
    gaps: list[Gap] = []
    for part in Directory(target).parts():
        if isinstance(part, Gap):
            gaps.append(part)
        else:
            names += map(part.path, part.names)
    return names, gaps


def parts(target: str = "t") -> list[Files]:
    return [part for part in Directory(target).parts() if isinstance(part, Files)]


class TestOrder:
    def test_by_name_folder_by_folder(self, tree: Path) -> None:
        for name in ("b/z.py", "b/a/c.py", "a.py", "c.py", "b-.py", "B/x.py", "b/a.py"):
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_text("a")
        names, gaps = listed()
        assert names == ["t/a.py", "t/b-.py", "t/c.py", "t/B/x.py", "t/b/a.py", "t/b/z.py", "t/b/a/c.py"]
        assert gaps == []

    def test_empty_folders(self, tree: Path) -> None:
        (tree / "a" / "b").mkdir(parents=True)
        assert listed() == ([], [])
        assert parts() == []

    def test_nothing_is_left_out(self, tree: Path) -> None:
        names = [".git/config", ".hidden", "__pycache__/a.pyc", "node_modules/a.js", "tests/a.py", "x.dist-info/RECORD"]
        for name in names:
            (tree / name).parent.mkdir(exist_ok=True)
            (tree / name).write_text("a")
        assert sorted(listed()[0]) == sorted(f"t/{name}" for name in names)


class TestSize:
    def test_of_all_files(self, tree: Path) -> None:
        (tree / "a").write_bytes(bytes(10))
        (tree / "b").mkdir()
        (tree / "b" / "c").write_bytes(bytes(5))
        (tree / "link").symlink_to("a")
        assert Directory("t").size() == 15
        assert Directory("t/a").size() == 10

    def test_what_vanishes_has_none(self, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tree / "a").write_bytes(bytes(10))
        (tree / "b").write_bytes(bytes(5))
        lstat = os.lstat

        def gone(path: bytes) -> os.stat_result:
            if path.endswith(b"a"):
                raise FileNotFoundError
            return lstat(path)

        monkeypatch.setattr(os, "lstat", gone)
        assert Directory("t").size() == 5


class TestLinks:
    @pytest.mark.parametrize(
        ("link", "reason", "detail"),
        [
            ("a.py", None, ""),
            ("sub", None, ""),
            (".", None, ""),
            ("sub/../a.py", None, ""),
            ("{folder}/t/a.py", None, ""),
            ("{folder}/t", None, ""),
            ("other", None, ""),
            ("../outside.py", Reason.OUTSIDE_SYMLINK, "points to {folder}/outside.py"),
            ("..", Reason.OUTSIDE_SYMLINK, "points to {folder}"),
            ("/", Reason.OUTSIDE_SYMLINK, "points to /"),
            ("{folder}/t-2", Reason.OUTSIDE_SYMLINK, "points to {folder}/t-2"),
            ("sub/out", Reason.OUTSIDE_SYMLINK, "points to {folder}/outside.py"),
            ("nowhere", Reason.BROKEN_SYMLINK, "No such file or directory"),
            ("a.py/below", Reason.BROKEN_SYMLINK, "Not a directory"),
            ("link", Reason.BROKEN_SYMLINK, "Too many levels of symbolic links"),
        ],
    )
    def test_are_never_followed(self, tree: Path, link: str, reason: Reason | None, detail: str) -> None:
        folder = os.path.realpath(tree.parent)
        for name in ("t/a.py", "outside.py"):
            (tree.parent / name).write_text("a")
        (tree.parent / "t-2").mkdir()
        (tree / "sub").mkdir()
        (tree / "sub" / "b.py").write_text("b")
        if link == "sub/out":
            (tree / "sub" / "out").symlink_to("../../outside.py")
        if link == "other":
            (tree / "other").symlink_to("a.py")
        (tree / "link").symlink_to(link.format(folder=folder))
        names, gaps = listed()
        assert names == ["t/a.py", "t/sub/b.py"]
        wanted = [] if reason is None else [Gap("t/link", reason, detail.format(folder=folder))]
        assert [gap for gap in gaps if gap.path == "t/link"] == wanted

    def test_two_that_point_to_each_other(self, tree: Path) -> None:
        (tree / "a").symlink_to("b")
        (tree / "b").symlink_to("a")
        names, gaps = listed()
        assert names == []
        assert [(gap.path, gap.reason) for gap in gaps] == [
            ("t/a", Reason.BROKEN_SYMLINK),
            ("t/b", Reason.BROKEN_SYMLINK),
        ]

    def test_the_target_may_be_one(self, tree: Path) -> None:
        (tree / "a.py").write_text("a")
        (tree / "inside").symlink_to("a.py")
        (tree.parent / "link").symlink_to("t")
        assert listed("link") == (["link/a.py"], [])

    def test_where_they_point_is_escaped(self, tree: Path) -> None:
        (tree.parent / "\x1b[2J").write_text("a")
        (tree / "link").symlink_to("../\x1b[2J")
        _, (gap,) = listed()
        assert gap.detail == f"points to {os.path.realpath(tree.parent)}/\\x1b[2J"


class TestSpecialFiles:
    def test_are_not_opened(self, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        os.mkfifo(tree / "fifo")
        monkeypatch.chdir(tree)
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind("socket")
            names, gaps = listed(".")
        assert names == []
        detail = "a FIFO, socket or device"
        assert gaps == [Gap("fifo", Reason.SPECIAL_FILE, detail), Gap("socket", Reason.SPECIAL_FILE, detail)]

    def test_links_to_them(self, tree: Path) -> None:
        os.mkfifo(tree / "fifo")
        (tree / "inside").symlink_to("fifo")
        (tree / "outside").symlink_to(os.devnull)
        _, gaps = listed()
        assert [(gap.path, gap.reason) for gap in gaps] == [
            ("t/fifo", Reason.SPECIAL_FILE),
            ("t/outside", Reason.OUTSIDE_SYMLINK),
        ]

    def test_a_device(self, tree: Path) -> None:
        try:
            os.mknod(tree / "device", 0o600 | 0o020000, os.makedev(1, 3))
        except PermissionError:
            pytest.skip("only root makes devices, and not everywhere")
        assert listed() == ([], [Gap("t/device", Reason.SPECIAL_FILE, "a FIFO, socket or device")])


class TestUnreadable:
    """Simulated, because tests may run as root, who may read all."""

    def test_a_folder(self, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("a/x.py", "b/y.py", "c/z.py"):
            (tree / name).parent.mkdir()
            (tree / name).write_text("a")
        scandir = os.scandir

        def refuse(path: bytes) -> os._ScandirIterator[bytes]:
            if path.endswith(b"/b"):
                raise PermissionError(13, "Permission denied")
            return scandir(path)

        monkeypatch.setattr(os, "scandir", refuse)
        assert listed() == (["t/a/x.py", "t/c/z.py"], [Gap("t/b/", Reason.UNREADABLE, "Permission denied")])

    def test_the_target_itself_once_it_was_opened(self, tree: Path) -> None:
        source = Directory(".")
        (tree / "a").write_text("a")
        shutil.rmtree(tree)
        os.rmdir(tree.parent)
        try:
            assert list(source.parts()) == [Gap(".", Reason.UNREADABLE, "No such file or directory")]
        finally:
            tree.parent.mkdir()
            os.chdir(tree.parent)

    def test_an_entry_whose_type_nobody_tells(self, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Some file systems list names alone; then the type is asked for, which may be refused."""

        class Nameless:
            def __init__(self, name: bytes) -> None:
                self.name = name

            def is_file(self, *, follow_symlinks: bool) -> bool:
                assert not follow_symlinks
                raise PermissionError(13, "Permission denied")

            is_dir = is_file

        scandir = os.scandir

        class Listing:
            def __enter__(self) -> Iterator[os.DirEntry[bytes]]:
                with scandir(os.fsencode(tree)) as entries:
                    return iter([cast("os.DirEntry[bytes]", Nameless(b"b")), *entries])

            def __exit__(self, *_: object) -> None:
                pass

            def close(self) -> None:
                pass

        (tree / "a").write_text("a")
        (tree / "c").write_text("c")
        monkeypatch.setattr(os, "scandir", lambda _: Listing())
        for gitignore in (False, True):
            names = []
            gaps = []
            for part in Directory("t", gitignore=gitignore).parts():
                if isinstance(part, Gap):
                    gaps.append(part)
                else:
                    names += part.names
            assert names == [b"a", b"c"]
            assert gaps == [Gap("t/b", Reason.UNREADABLE, "Permission denied")]


class TestNames:
    @pytest.mark.parametrize(
        ("name", "shown"),
        [
            (b"caf\xe9.py", "caf\\xe9.py"),
            (b"\xff\xfe", "\\xff\\xfe"),
            (b"a\nb.py", "a\\nb.py"),
            (b"a\rb.py", "a\\rb.py"),
            (b"\x1b[2J\x1b]0;title\x07", "\\x1b[2J\\x1b]0;title\\x07"),
            ("cod\u202egpj.exe".encode(), "cod\\u202egpj.exe"),
            ("\u200b".encode(), "\\u200b"),
            ("größe 蛇.py".encode(), "größe 蛇.py"),
            (b" ", " "),
            (b"-rf", "-rf"),
            (b"x" * 255, "x" * 255),
        ],
    )
    def test_are_escaped(self, tree: Path, name: bytes, shown: str) -> None:
        folder = os.path.join(os.fsencode(tree), name)
        os.mkdir(folder)
        with open(os.path.join(folder, name), "wb") as file:
            file.write(b"a")
        assert listed() == ([f"t/{shown}/{shown}"], [])
        (part,) = parts()
        assert part.names == [name]
        blob = FileBlob(part, name)
        assert blob.path == f"t/{shown}/{shown}"
        assert [(link.kind, link.name) for link in blob.chain] == [("tree", "t"), ("file", f"{shown}/{shown}")]

    def test_of_the_target(self, tree: Path) -> None:
        tree.rename(tree.parent / "\x1b")
        (tree.parent / "\x1b" / "a").write_text("a")
        (part,) = parts("\x1b")
        assert part.path(b"a") == "\\x1b/a"
        assert FileBlob(part, b"a").chain[0].name == "\\x1b"

    def test_of_a_file_that_is_the_target(self, tree: Path) -> None:
        (tree / "a.py").write_text("a")
        (part,) = parts("./t/a.py")
        blob = FileBlob(part, part.names[0])
        assert blob.path == "./t/a.py"
        assert [(link.kind, link.name) for link in blob.chain] == [("file", "./t/a.py")]


class TestDepth:
    @pytest.fixture
    def deep(self, tree: Path) -> Iterator[int]:
        """Folders within folders, until their path is too long for the system."""
        name, depth = "d" * 200, 30
        handles = [os.open(tree, os.O_RDONLY)]
        for _ in range(depth):
            os.mkdir(name, dir_fd=handles[-1])
            handles.append(os.open(name, os.O_RDONLY, dir_fd=handles[-1]))
            os.close(os.open("a.py", os.O_CREAT | os.O_WRONLY, dir_fd=handles[-1]))
        yield depth
        for handle in reversed(handles):
            os.close(handle)
        shutil.rmtree(tree)

    def test_beyond_what_the_system_opens(self, deep: int) -> None:
        names, (gap,) = listed()
        assert 10 < len(names) < deep
        assert (gap.reason, gap.detail) == (Reason.UNREADABLE, "File name too long")
        assert gap.path == "t/" + f"{'d' * 200}/" * (len(names) + 1)
