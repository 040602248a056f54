"""Toy work over real processes: which process gets which piece is fixed, so that every run is the same."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import cast

import pytest

from pitviper.engine import parallel
from pitviper.engine.parallel import Pool

posix = pytest.mark.skipif(os.name != "posix", reason="signals and process groups are POSIX")

PATIENCE = 30
"""Seconds after which something hangs."""

CHILD = """
import os, signal, sys, threading

def factory(config):
    def work(piece):
        for item in piece.decode().split(","):
            if item == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            elif item == "leave":
                os._exit(0)
            elif item == "raise":
                raise ZeroDivisionError
            elif item == "interrupt":
                os.kill(os.getpid(), signal.SIGINT)
            elif item == "print":
                print("noise" * 1000, flush=True)
                os.write(1, b"noise")
                os.write(2, b"noise")
            elif item == "path":
                yield repr(sys.path).encode()
            elif item == "group":
                yield str(os.getpgid(0)).encode()
            yield config + b" " + item.encode()
            if item == "hang":
                threading.Event().wait()
    return work

def broken(config):
    raise ZeroDivisionError
"""

Items = list[str]


class Toy:
    """Pieces are lists of words, and their results words with the name of who said them."""

    config = b"child"

    def __init__(self, factory: str = "pitviper_toy:factory") -> None:
        self.factory = factory

    def encode(self, piece: Items) -> bytes:
        return ",".join(piece).encode()

    def decode(self, data: bytes) -> str:
        return data.decode()

    def split(self, piece: Items) -> list[Items]:
        return [[item] for item in piece]

    def lost(self, piece: Items) -> str:
        return f"lost {','.join(piece)}"

    def do(self, piece: Items) -> Iterator[str]:
        for item in piece:
            if item == "interrupt here":
                raise KeyboardInterrupt
            yield f"here {item}"


class Pieces:
    """An iterator that has some pieces for the thread that made it, and others for the rest."""

    def __init__(self, here: Sequence[Items], there: Sequence[Items | BaseException]) -> None:
        self._here = list(here)
        self._there = list(there)
        self._owner = threading.current_thread()

    def __iter__(self) -> Iterator[Items]:
        return self

    def __next__(self) -> Items:
        pieces = self._here if threading.current_thread() is self._owner else self._there
        if not pieces:
            raise StopIteration
        piece = pieces.pop(0)
        if isinstance(piece, BaseException):
            raise piece
        return piece


@pytest.fixture(autouse=True)
def toy_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The module of the toy, where children find it; and whatever happens, no test waits for ever."""
    folder = tmp_path / "toy"
    folder.mkdir()
    (folder / "pitviper_toy.py").write_text(CHILD)
    monkeypatch.syspath_prepend(folder)
    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, hangs)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def hangs(*_: object) -> None:
    raise TimeoutError("the test hangs")


def run(pool: Pool[Items, str], here: Sequence[Items], there: Sequence[Items | BaseException]) -> list[str]:
    return sorted(pool.run(Pieces(here, there)))


def ended(pool: Pool[Items, str]) -> bool:
    """Whether all children of `pool` are dead."""
    return all(child._process.poll() is not None for child in pool._children)


class TestResults:
    @pytest.mark.parametrize("jobs", [1, 2, 3])
    def test_of_all_pieces(self, jobs: int) -> None:
        there = [["d", "e"], ["f"]] if jobs > 1 else []
        pool = Pool(Toy(), jobs)
        found = run(pool, [["a"], ["b", "c"]], there)
        assert found == [*(f"child {item}" for piece in there for item in piece), "here a", "here b", "here c"]
        assert len(pool._children) <= jobs - 1
        assert ended(pool)

    def test_whoever_does_them(self) -> None:
        pieces = [[f"{piece}.{item}" for item in range(5)] for piece in range(40)]
        found = [result.partition(" ")[2] for result in Pool(Toy(), 3).run(pieces)]
        assert sorted(found) == sorted(item for piece in pieces for item in piece)

    def test_of_no_pieces(self) -> None:
        assert run(Pool(Toy(), 2), [], []) == []

    def test_a_big_one_crosses(self) -> None:
        items = ["x" * 100_000 for _ in range(10)]
        assert run(Pool(Toy(), 2), [], [items]) == [f"child {item}" for item in items]

    def test_what_a_child_prints_is_no_answer(self, capfd: pytest.CaptureFixture[str]) -> None:
        assert run(Pool(Toy(), 2), [], [["a", "print", "b"]]) == ["child a", "child b", "child print"]
        assert capfd.readouterr() == ("", "")


class TestDeaths:
    @pytest.mark.parametrize("death", ["kill", "leave", "raise"])
    def test_only_the_piece_that_kills_is_lost(self, death: str) -> None:
        pool = Pool(Toy(), 2)
        found = run(pool, [["z"]], [["a", "b", death, "c"], ["d"]])
        assert found == ["child a", "child b", "child c", "child d", "here z", f"lost {death}"]
        assert ended(pool)

    def test_what_was_found_before_is_told_once(self) -> None:
        found = list(Pool(Toy(), 2).run(Pieces([], [["a", "b", "kill"]])))
        assert sorted(found) == ["child a", "child b", "lost kill"]

    def test_many_in_a_row_never_reach_the_caller(self) -> None:
        found = run(Pool(Toy(), 2), [], [["kill", "kill", "a", "kill", "kill"], ["kill"], ["b"]])
        assert found == ["child a", "child b", *["lost kill"] * 5]

    def test_every_child_may_die(self) -> None:
        found = run(Pool(Toy(), 3), [["a"]], [["kill", "b"], ["c", "kill"], ["kill"]])
        assert found == ["child b", "child c", "here a", *["lost kill"] * 3]


class TestNoChildren:
    @pytest.mark.parametrize("factory", ["pitviper_toy:broken", "pitviper_toy:missing", "no_such_module_here:factory"])
    def test_that_can_work(self, factory: str) -> None:
        pool = Pool(Toy(factory), 2)
        assert run(pool, [["a"]], [["b", "c"], ["d"]]) == ["here a", "here b", "here c"]
        assert ended(pool)

    def test_what_no_child_took_is_left_to_the_caller(self) -> None:
        pieces = [[f"{number}"] for number in range(20)]
        found = Pool(Toy("pitviper_toy:broken"), 3).run(pieces)
        assert sorted(found) == sorted(f"here {number}" for number in range(20))

    def test_that_can_be_started(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise BlockingIOError("Resource temporarily unavailable")

        monkeypatch.setattr(subprocess, "Popen", refuse)
        assert run(Pool(Toy(), 2), [["a"]], [["b", "c"]]) == ["here a", "here b", "here c"]


class TestListing:
    def test_a_defect_in_a_thread_is_raised_here(self) -> None:
        pool = Pool(Toy(), 2)
        with pytest.raises(ZeroDivisionError):
            run(pool, [], [["a"], ZeroDivisionError()])
        assert ended(pool)

    def test_a_defect_here_is_raised(self) -> None:
        def pieces() -> Iterator[Items]:
            yield ["a"]
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            list(Pool(Toy(), 1).run(pieces()))


class TestEnd:
    def start(self, jobs: int = 2) -> tuple[Pool[Items, str], Generator[str, None, None], list[threading.Thread]]:
        """A pool whose children hang, and the threads that wait for them."""
        pool = Pool(Toy(), jobs)
        before = set(threading.enumerate())
        running = cast("Generator[str, None, None]", pool.run(Pieces([], [["hang"]] * (jobs - 1))))
        for _ in range(jobs - 1):
            assert next(running) == "child hang"
        assert not any(child._process.poll() is not None for child in pool._children)
        return pool, running, [thread for thread in threading.enumerate() if thread not in before]

    def test_closing_ends_the_children(self) -> None:
        pool, running, threads = self.start(3)
        running.close()
        assert ended(pool)
        assert len(threads) == 2
        for thread in threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def test_an_exception_of_the_reader_ends_them(self) -> None:
        pool, running, _ = self.start()
        with pytest.raises(KeyboardInterrupt):
            running.throw(KeyboardInterrupt)
        assert ended(pool)

    def test_an_interruption_here_ends_them(self) -> None:
        pool = Pool(Toy(), 2)
        with pytest.raises(KeyboardInterrupt):
            run(pool, [["a"], ["interrupt here"]], [["hang"]])
        assert ended(pool)

    @posix
    def test_an_interruption_of_who_waits_ends_them(self) -> None:
        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        pool, running, _ = self.start()
        signal.signal(signal.SIGALRM, interrupt)  # the fixture restores it
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(KeyboardInterrupt):
            next(running)
        assert ended(pool)

    def test_no_child_is_started_for_who_has_left(self) -> None:
        pool = Pool(Toy(), 2)
        pool._closing = True
        assert pool._start() is None
        assert len(pool._children) == 1
        assert ended(pool)

    @posix
    def test_ctrl_c_is_for_the_caller(self) -> None:
        said, group, _ = Pool(Toy(), 2).run(Pieces([], [["interrupt", "group"]]))
        assert said == "child interrupt"  # and lives on
        assert int(group) != os.getpgid(0)


class TestChild:
    def test_has_the_path_of_the_caller_but_for_the_working_directory(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.syspath_prepend("")
        path, said = Pool(Toy(), 2).run(Pieces([], [["path"]]))
        assert said == "child path"
        for entry in filter(None, sys.path):
            assert repr(entry) in path
        assert "''" not in path
        assert repr(os.getcwd()) not in path

    def test_hangs_up_with_the_caller(self) -> None:
        child = parallel._Child("pitviper_toy:factory", b"config")
        assert parallel._receive(child.output) == b""
        child.input.close()
        assert child._process.wait(PATIENCE) == 0
        child.kill()


class TestFrames:
    @pytest.mark.parametrize("data", [b"", b"a", b"a" * 100_000, bytes(range(256))])
    def test_come_back(self, data: bytes) -> None:
        stream = io.BytesIO()
        parallel._send(stream, data)
        parallel._send(stream, b"next")
        stream.seek(0)
        assert parallel._receive(stream) == data
        assert parallel._receive(stream) == b"next"
        with pytest.raises(EOFError):
            parallel._receive(stream)

    @pytest.mark.parametrize("kept", range(8))
    def test_cut_short(self, kept: int) -> None:
        stream = io.BytesIO()
        parallel._send(stream, b"data")
        with pytest.raises(EOFError):
            parallel._receive(io.BytesIO(stream.getvalue()[:kept]))
