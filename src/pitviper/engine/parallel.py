"""Work spread over processes.

Each worker is a fresh interpreter that speaks over its standard input and output: no fork (threads of the caller,
locks, open files), and nothing of the caller's `__main__` is run again, so a script may call `pitviper.scan` at its top
level. The process that asks works too: `jobs` workers are `jobs - 1` children and the caller.

A worker that dies (a native library crashes, the system is out of memory) takes nothing with it but the one piece of
work that killed it: the pieces it held are split and tried again in a new one. Where no worker can be started, the
caller does it all.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from typing import BinaryIO, Generic, Protocol, TypeVar

_LENGTH = struct.Struct("<I")
_SERVE = "from pitviper.engine.parallel import serve; serve()"

Piece = TypeVar("Piece")
Result = TypeVar("Result")
Result_co = TypeVar("Result_co", covariant=True)


class Work(Protocol[Piece, Result_co]):
    """How pieces and results cross between processes.

    `factory` ("module:function") is called in the child with `config`, and returns a function from an encoded piece to
    encoded results.
    """

    factory: str
    config: bytes

    def encode(self, piece: Piece) -> bytes:
        """A piece as bytes."""

    def decode(self, data: bytes) -> Result_co:
        """A result from bytes."""

    def split(self, piece: Piece) -> list[Piece]:
        """The smallest pieces of `piece`: more than one, or itself."""

    def lost(self, piece: Piece) -> Result_co:
        """What to report of a piece that kills whoever looks at it."""

    def do(self, piece: Piece) -> Iterator[Result_co]:
        """Do it here."""


class Pool(Generic[Piece, Result]):
    """`jobs` workers for one run over pieces of work."""

    def __init__(self, work: Work[Piece, Result], jobs: int) -> None:
        self._work = work
        self._jobs = jobs
        self._lock = threading.Lock()
        self._pieces: Iterator[Piece] = iter(())
        self._results: SimpleQueue[Result | BaseException | None] = SimpleQueue()
        self._returned: SimpleQueue[Piece] = SimpleQueue()
        self._children: list[_Child] = []
        self._feeding = 0
        self._closing = False

    def run(self, pieces: Iterable[Piece]) -> Iterator[Result]:
        """The results of all pieces, as they come. Closing the generator ends the children at once."""
        self._pieces = iter(pieces)
        try:
            for _ in range(self._jobs - 1):
                threading.Thread(target=self._feed, daemon=True).start()
                self._feeding += 1
            yield from self._work_here()
        finally:
            self._closing = True
            for child in self._children:
                child.kill()

    def _work_here(self) -> Iterator[Result]:
        while (piece := self._next()) is not None:
            yield from self._work.do(piece)
            while not self._results.empty():
                yield from self._take()
        while self._feeding:
            yield from self._take()
        while not self._returned.empty():
            yield from self._work.do(self._returned.get())

    def _take(self) -> Iterator[Result]:
        """The next result from a child; none if a thread has ended instead. Raises what one has raised."""
        result = self._results.get()
        if result is None:
            self._feeding -= 1
        elif isinstance(result, BaseException):
            raise result
        else:
            yield result

    def _next(self) -> Piece | None:
        with self._lock:
            return next(self._pieces, None)

    def _feed(self) -> None:
        """Keep one child busy (a thread of its own)."""
        child: _Child | None = None
        try:
            while not self._closing and (piece := self._next()) is not None:
                waiting = [piece]
                failed: list[Piece] = []
                while waiting and not self._closing:
                    child = child or self._start()
                    if child is None:
                        for piece in waiting:
                            self._returned.put(piece)
                        return
                    child = self._do(child, waiting, failed)
        except BaseException as error:  # noqa: BLE001 - raised again by who waits for results
            self._results.put(error)
        finally:
            if child:
                child.kill()
            self._results.put(None)

    def _do(self, child: _Child, waiting: list[Piece], failed: list[Piece]) -> _Child | None:
        """Let `child` do the last of `waiting`; None if it died over it, and what to do again is put back.

        A smallest piece gets a second try: what killed its worker may have been something else (memory ran out).
        """
        piece = waiting.pop()
        parts = self._work.split(piece)
        held: list[Result] = []
        if self._ask(child, piece, held.append if len(parts) > 1 else self._results.put):
            for result in held:
                self._results.put(result)
            return child
        child.kill()
        if len(parts) > 1:
            waiting += reversed(parts)  # what was found in it until then will be found again
        elif piece not in failed:
            failed.append(piece)
            waiting.append(piece)
        elif not self._closing:
            self._results.put(self._work.lost(piece))
        return None

    def _start(self) -> _Child | None:
        """A child that is ready for work; None if there is none to be had."""
        try:
            child = _Child(self._work.factory, self._work.config)
        except OSError:
            return None
        self._children.append(child)
        if self._closing:  # `run` may have gone through the children before
            child.kill()
        try:
            _receive(child.output)
        except (OSError, EOFError, ValueError):
            child.kill()
            return None
        return child

    def _ask(self, child: _Child, piece: Piece, tell: Callable[[Result], None]) -> bool:
        """Pass on what `child` makes of `piece`; false if it died over it."""
        try:
            _send(child.input, self._work.encode(piece))
            while data := _receive(child.output):
                tell(self._work.decode(data))
        except (OSError, EOFError, ValueError):  # ValueError: closed by `kill` from another thread
            return False
        return True


class _Child:
    """A worker process."""

    def __init__(self, factory: str, config: bytes) -> None:
        path = os.pathsep.join(entry for entry in sys.path if entry)
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter, our own code
            [sys.executable, "-P", "-c", _SERVE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
            process_group=0 if sys.platform != "win32" else None,  # Ctrl-C is the caller's to handle
        )
        assert self._process.stdin  # noqa: S101 - PIPE above
        assert self._process.stdout  # noqa: S101 - PIPE above
        self.input: BinaryIO = self._process.stdin  # type: ignore[assignment]
        self.output: BinaryIO = self._process.stdout  # type: ignore[assignment]
        with contextlib.suppress(OSError):  # it died: the first question will tell
            _send(self.input, factory.encode())
            _send(self.input, config)

    def kill(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.wait()
        for stream in (self.input, self.output):
            with contextlib.suppress(OSError):
                stream.close()


def serve() -> None:
    """Live as a child: make the work, then answer pieces until the caller hangs up.

    An empty frame says that the work is made, and ends each answer.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not mix with the answers
    with contextlib.suppress(EOFError, BrokenPipeError):
        module, _, function = _receive(source).decode().partition(":")
        work: Callable[[bytes], Iterator[bytes]] = getattr(importlib.import_module(module), function)(_receive(source))
        _send(sink, b"")
        while True:
            for result in work(_receive(source)):
                _send(sink, result)
            _send(sink, b"")
    os._exit(0)


def _send(stream: BinaryIO, data: bytes) -> None:
    stream.write(_LENGTH.pack(len(data)) + data)
    stream.flush()


def _receive(stream: BinaryIO) -> bytes:
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(head)
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return data
