from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from pitviper.errors import TargetError
from pitviper.sources import open_target
from pitviper.sources.directory import Directory, Files
from pitviper.sources.stream import Stream

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX has FIFOs, sockets and devices")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(target: str) -> list[str]:
    """The names of all files in `target`, as they are shown."""
    source = open_target(target)
    assert isinstance(source, Directory)
    return [part.path(name) for part in source.parts() if isinstance(part, Files) for name in part.names]


def test_standard_input() -> None:
    source = open_target("-")
    assert isinstance(source, Stream)
    assert source.path == "<stdin>"
    assert source._handle == 0
    assert source.size() == 0


def test_a_file_called_like_it(folder: Path) -> None:
    (folder / "-").write_text("a")
    assert files("./-") == ["./-"]


@pytest.mark.parametrize(
    ("target", "wanted"),
    [
        (".", ["a.py", "sub/b.py"]),
        ("./", ["a.py", "sub/b.py"]),
        (".//", ["a.py", "sub/b.py"]),
        ("sub", ["sub/b.py"]),
        ("sub/", ["sub/b.py"]),
        ("./sub", ["sub/b.py"]),
        ("sub/..", ["sub/../a.py", "sub/../sub/b.py"]),
        ("../{name}", ["../{name}/a.py", "../{name}/sub/b.py"]),
        ("{folder}", ["{folder}/a.py", "{folder}/sub/b.py"]),
        ("a.py", ["a.py"]),
        ("./a.py", ["./a.py"]),
        ("sub/../a.py", ["sub/../a.py"]),
        ("{folder}/a.py", ["{folder}/a.py"]),
        ("to-sub", ["to-sub/b.py"]),
        ("to-file", ["to-file"]),
        ("to-link", ["to-link"]),
    ],
)
def test_is_shown_as_typed(folder: Path, target: str, wanted: list[str]) -> None:
    (folder / "a.py").write_text("a")
    (folder / "sub").mkdir()
    (folder / "sub" / "b.py").write_text("b")
    around = folder.parent / f"{folder.name}-links"
    around.mkdir()
    (around / "to-sub").symlink_to(folder / "sub")
    (around / "to-file").symlink_to(folder / "a.py")
    (around / "to-link").symlink_to(around / "to-file")
    if target.startswith("to-"):
        os.chdir(around)
    names = {"folder": str(folder), "name": folder.name}
    assert files(target.format(**names)) == [name.format(**names) for name in wanted]


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("missing", "missing: No such file or directory"),
        ("a.py/below", "a.py/below: Not a directory"),
        ("nul\0inside", "nul\\x00inside: no name holds NUL"),
        ("", ": No such file or directory"),
        ("broken", "broken: No such file or directory"),
        ("loop", "loop: Too many levels of symbolic links"),
        ("x" * 5000, "x" * 5000 + ": File name too long"),
        ("\x1b[2J", "\\x1b[2J: No such file or directory"),
        (os.fsdecode(b"\xff"), "\\xff: No such file or directory"),
    ],
)
@posix
def test_what_is_not_there(folder: Path, target: str, why: str) -> None:
    (folder / "a.py").write_text("a")
    (folder / "broken").symlink_to("nowhere")
    (folder / "loop").symlink_to("loop")
    with pytest.raises(TargetError) as caught:
        open_target(target)
    assert str(caught.value) == why
    assert caught.value.hint == "Check the path, and the rights on it."


@posix
class TestSpecial:
    @pytest.fixture(params=["socket", "device"])
    def special(self, request: pytest.FixtureRequest) -> Iterator[str]:
        if request.param == "device":
            yield os.devnull
            return
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind("socket")
            yield "socket"

    def test_is_refused_unopened(self, special: str, monkeypatch: pytest.MonkeyPatch) -> None:
        def opened(*_: object, **__: object) -> int:
            raise AssertionError("a device may do anything when it is opened")

        monkeypatch.setattr(os, "open", opened)
        with pytest.raises(TargetError) as caught:
            open_target(special)
        assert str(caught.value) == f"{special}: neither a file nor a folder"
        assert caught.value.hint == "Pipe it in and scan `-` instead."

    def test_a_fifo_is_a_stream(self, folder: Path) -> None:
        os.mkfifo(folder / "fifo")
        writing = os.open(folder / "fifo", os.O_RDWR)  # Linux lets one end open both
        os.write(writing, b"content")
        source = open_target("fifo")
        os.close(writing)
        assert isinstance(source, Stream)
        assert source.path == "fifo"
        handle = source._handle
        packs = [bytes(pack.data[: pack.filled]) for pack in source.read(lambda: bytearray(1 << 17))]
        assert packs == [b"content", b""]
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(handle)

    def test_a_fifo_that_nobody_may_read(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        os.mkfifo(folder / "fifo")

        def refuse(*_: object, **__: object) -> int:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(os, "open", refuse)
        with pytest.raises(TargetError) as caught:
            open_target("fifo")
        assert str(caught.value) == "fifo: Permission denied"
        assert caught.value.hint == "Check the rights on it."


def test_what_nobody_may_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated, because tests may run as root, who may read all."""
    (folder / "a.py").write_text("a")
    (folder / "sub").mkdir()

    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(os, "scandir", refuse)
    for target in ("a.py", "sub"):
        with pytest.raises(TargetError) as caught:
            open_target(target)
        assert str(caught.value) == f"{target}: Permission denied"
