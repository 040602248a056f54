"""Reading: small files packed, big ones in windows, and what goes wrong in between."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitviper.engine import pack as packs
from pitviper.model.gap import Gap, Reason
from pitviper.sources import directory, interface
from pitviper.sources.directory import Directory, FileBlob, Files, read

BUFFER, PACK, OVERLAP = 256, 100, 32


@pytest.fixture(autouse=True)
def small_buffers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "PACK", PACK)
    monkeypatch.setattr(packs, "OVERLAP", OVERLAP)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "t"
    path.mkdir()
    return path


def parts(target: str = "t") -> list[Files]:
    return [part for part in Directory(target).parts() if isinstance(part, Files)]


Seen = tuple[dict[bytes, bytes], list[Gap], list[int]]


def seen(listed: Iterable[Files]) -> Seen:
    """The content of each file as its windows own it, the gaps, and how many spans each pack had."""
    buffer = bytearray(b"\xee" * BUFFER)
    content: dict[bytes, bytes] = {}
    gaps: list[Gap] = []
    sizes = []
    for pack in read(listed, lambda: buffer):
        assert pack.filled <= len(buffer)
        for span in pack.spans:
            assert isinstance(span.blob, FileBlob)
            whole = content.setdefault(span.blob.name, b"")
            assert len(whole) == span.base + span.first - span.start
            content[span.blob.name] = whole + bytes(pack.data[span.first : span.last])
        gaps += pack.gaps
        pack.gaps.clear()  # as if it were gone: nothing may be added to it later
        sizes.append(len(pack.spans))
    return content, gaps, sizes


class TestPacks:
    @given(st.lists(st.binary(max_size=700), max_size=8))
    def test_hold_every_byte_once(self, tmp_path_factory: pytest.TempPathFactory, blobs: list[bytes]) -> None:
        folder = tmp_path_factory.mktemp("packs")
        for number, blob in enumerate(blobs):
            (folder / f"{number}").write_bytes(blob)
        content, gaps, _ = seen(parts(str(folder)))
        assert content == {b"%d" % number: blob for number, blob in enumerate(blobs)}
        assert gaps == []

    @pytest.mark.parametrize(
        ("sizes", "packs"),
        [
            ([], [0]),
            ([0], [1]),
            ([1, 1, 1], [3]),
            ([PACK], [1, 0]),  # with its separator it holds more than that
            ([PACK - 1], [1]),
            ([60, 60, 60], [2, 1]),
            ([BUFFER - 1], [1, 0]),
            ([BUFFER], [0, 1, 1, 0, 0]),  # a full buffer may go on
            ([BUFFER + 1], [0, 1, 1, 0, 0]),
            ([50, BUFFER - 52, 50], [2, 1]),
            ([50, BUFFER - 51, 50], [1, 1, 0, 1]),  # no room: alone, in a window
        ],
    )
    def test_are_closed_when_they_are_full(self, tree: Path, sizes: list[int], packs: list[int]) -> None:
        for number, size in enumerate(sizes):
            (tree / f"{number}").write_bytes(b"x" * size)
        content, _, found = seen(parts())
        assert [len(content[b"%d" % number]) for number in range(len(sizes))] == sizes
        assert found == packs

    def test_go_on_across_folders(self, tree: Path) -> None:
        for name in ("a", "b", "c"):
            (tree / name).mkdir()
            (tree / name / name).write_text(name)
        assert seen(parts())[2] == [3]

    def test_separate_files(self, tree: Path) -> None:
        (tree / "a").write_bytes(b"one")
        (tree / "b").write_bytes(b"")
        (tree / "c").write_bytes(b"two")
        buffer = bytearray(BUFFER)
        (pack,) = read(parts(), lambda: buffer)
        assert pack.data[: pack.filled] == b"one\n\ntwo\n"
        assert [(span.start, span.end) for span in pack.spans] == [(0, 3), (4, 4), (5, 8)]

    def test_where_folders_cannot_be_opened(self, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """As on Windows."""
        monkeypatch.setattr(directory, "_HAS_DIR_FD", False)
        (tree / "a").write_bytes(b"one")
        (tree / "b").write_bytes(b"x" * 600)
        assert seen(parts())[0] == {b"a": b"one", b"b": b"x" * 600}


@pytest.mark.skipif(os.name != "posix", reason="links and FIFOs are POSIX")
class TestChanges:
    """What happens between listing and reading."""

    @pytest.fixture
    def listed(self, tree: Path) -> list[Files]:
        for name in ("a", "b", "c"):
            (tree / name).write_text(name)
        return parts()

    def others(self, found: Seen) -> list[Gap]:
        assert found[0] == {b"a": b"a", b"c": b"c"}
        return found[1]

    def test_vanished(self, tree: Path, listed: list[Files]) -> None:
        (tree / "b").unlink()
        assert self.others(seen(listed)) == [Gap("t/b", Reason.VANISHED, "No such file or directory")]

    def test_replaced_by_a_link(self, tree: Path, listed: list[Files]) -> None:
        (tree / "b").unlink()
        (tree / "b").symlink_to("a")
        (gap,) = self.others(seen(listed))
        assert (gap.path, gap.reason) == ("t/b", Reason.VANISHED)

    def test_replaced_by_a_folder(self, tree: Path, listed: list[Files]) -> None:
        (tree / "b").unlink()
        (tree / "b").mkdir()
        assert self.others(seen(listed)) == [Gap("t/b", Reason.UNREADABLE, "Is a directory")]

    def test_replaced_by_a_fifo(self, tree: Path, listed: list[Files]) -> None:
        (tree / "b").unlink()
        os.mkfifo(tree / "b")
        assert seen(listed)[0] == {b"a": b"a", b"b": b"", b"c": b"c"}  # and nobody waits for a writer

    def test_replaced_by_a_fifo_that_is_written_to(self, tree: Path, listed: list[Files]) -> None:
        (tree / "b").unlink()
        os.mkfifo(tree / "b")
        writing = os.open(tree / "b", os.O_RDWR)
        try:
            (gap,) = self.others(seen(listed))
        finally:
            os.close(writing)
        assert (gap.path, gap.reason) == ("t/b", Reason.UNREADABLE)

    def test_the_folder_vanished(self, tree: Path, listed: list[Files]) -> None:
        tree.rename(tree.parent / "elsewhere")
        content, gaps, _ = seen(listed)
        assert content == {}
        assert gaps == [Gap(f"t/{name}", Reason.VANISHED, "No such file or directory") for name in "abc"]

    def test_the_folder_was_replaced_by_a_link(self, tree: Path, listed: list[Files]) -> None:
        tree.rename(tree.parent / "elsewhere")
        tree.symlink_to("elsewhere")
        content, gaps, _ = seen(listed)
        assert content == {}
        assert [gap.path for gap in gaps] == ["t/a", "t/b", "t/c"]

    def test_unreadable(self, listed: list[Files], monkeypatch: pytest.MonkeyPatch) -> None:
        """Simulated, because tests may run as root, who may read all."""
        opened = os.open

        def refuse(path: bytes, flags: int, **where: int) -> int:
            if path == b"b":
                raise PermissionError(13, "Permission denied")
            return opened(path, flags, **where)

        monkeypatch.setattr(os, "open", refuse)
        assert self.others(seen(listed)) == [Gap("t/b", Reason.UNREADABLE, "Permission denied")]

    def test_the_disk_fails(self, listed: list[Files], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(directory, "fill", failing(b"b"))
        assert self.others(seen(listed)) == [Gap("t/b", Reason.UNREADABLE, "Input/output error")]


def failing(content: bytes, calls: int = 0) -> Callable[[int, memoryview], int]:
    """A `fill` that fails after `calls` on files that hold `content`."""
    left = calls

    def fill(handle: int, view: memoryview) -> int:
        nonlocal left
        if os.pread(handle, len(content), 0) == content:
            if not left:
                raise OSError(5, "Input/output error")
            left -= 1
        return interface.fill(handle, view)

    return fill


class TestBigFiles:
    """Four windows: at 0, 192, 384 and 576."""

    SIZE = 700

    @pytest.fixture
    def listed(self, tree: Path) -> list[Files]:
        (tree / "a").write_bytes(b"a" * 20)
        (tree / "b").write_bytes(b"b" * self.SIZE)
        (tree / "c").write_bytes(b"c" * 20)
        return parts()

    def changing(self, monkeypatch: pytest.MonkeyPatch, path: Path, size: int) -> None:
        """Resize `path` when its second window is read."""
        calls: list[int] = []

        def fill(handle: int, view: memoryview) -> int:
            if os.pread(handle, 1, 0) == b"b":
                calls.append(handle)
                if len(calls) == 3:  # the first one sees that it is big
                    os.truncate(path, size)
            return interface.fill(handle, view)

        monkeypatch.setattr(directory, "fill", fill)

    def test_that_keep_still(self, listed: list[Files]) -> None:
        content, gaps, _ = seen(listed)
        assert {name: len(data) for name, data in content.items()} == {b"a": 20, b"b": self.SIZE, b"c": 20}
        assert gaps == []

    def test_that_shrink(self, tree: Path, listed: list[Files], monkeypatch: pytest.MonkeyPatch) -> None:
        self.changing(monkeypatch, tree / "b", 300)
        content, gaps, _ = seen(listed)
        assert {name: len(data) for name, data in content.items()} == {b"a": 20, b"b": 300, b"c": 20}
        assert gaps == [Gap("t/b", Reason.CHANGED, "it shrank by 400 bytes while it was read")]

    def test_that_grow(self, tree: Path, listed: list[Files], monkeypatch: pytest.MonkeyPatch) -> None:
        self.changing(monkeypatch, tree / "b", 5000)
        content, gaps, _ = seen(listed)
        assert {name: len(data) for name, data in content.items()} == {b"a": 20, b"b": self.SIZE, b"c": 20}
        assert gaps == [Gap("t/b", Reason.CHANGED, "it grew by 4300 bytes while it was read")]

    @pytest.mark.parametrize(("calls", "kept"), [(0, None), (1, 0), (2, 256), (3, 448)])
    def test_on_a_disk_that_fails(
        self, listed: list[Files], monkeypatch: pytest.MonkeyPatch, calls: int, kept: int | None
    ) -> None:
        monkeypatch.setattr(directory, "fill", failing(b"b", calls))
        content, gaps, _ = seen(listed)
        sizes = {b"a": 20, b"b": kept, b"c": 20}
        assert {name: len(data) for name, data in content.items()} == {
            name: size for name, size in sizes.items() if size is not None
        }
        assert gaps == [Gap("t/b", Reason.UNREADABLE, "Input/output error")]

    def test_of_no_declared_size(self, listed: list[Files], monkeypatch: pytest.MonkeyPatch) -> None:
        """As in /proc."""
        fstat = os.fstat

        def sizeless(handle: int) -> os.stat_result:
            values = list(fstat(handle))
            values[6] = 0
            return os.stat_result(values)

        monkeypatch.setattr(os, "fstat", sizeless)
        content, gaps, _ = seen(listed)
        assert len(content[b"b"]) == self.SIZE
        assert gaps == []


def test_no_handle_stays_open(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a/x", "a/y", "b/z"):
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).write_bytes(b"x" * 700)
    handles: set[int] = set()
    opened, closed = os.open, os.close

    def opening(path: bytes, flags: int, **where: int) -> int:
        handle = opened(path, flags, **where)
        handles.add(handle)
        return handle

    def closing(handle: int) -> None:
        handles.discard(handle)
        closed(handle)

    listed = parts()
    buffer = bytearray(BUFFER)
    monkeypatch.setattr(os, "open", opening)
    monkeypatch.setattr(os, "close", closing)
    for taken in range(1, 6):
        packs: Iterator[object] = read(listed, lambda: buffer)
        for _ in range(taken):
            next(packs)
        assert handles
        del packs
        assert handles == set()
