"""Whether a source compiles to the code of a `.pyc`, whatever the lines: settles other logic with the same names.

Only where the interpreter that runs Pitviper wrote the `.pyc`. Its compiler is started in a child process: `compile()`
executes nothing of the source, but a hostile one may exhaust memory, time, or the C stack.
"""

from __future__ import annotations

import contextlib
import importlib.util
import subprocess
import sys

from pitviper.bytecode.code import Code, Constant, Frozen, Pairs, Slice, walk
from pitviper.bytecode.marshal import load
from pitviper.bytecode.pyc import Pyc
from pitviper.bytecode.source import MAX_SIZE

_MOST_VALUES = 1_000_000
_MOST_OUTPUT = 64 * 1024 * 1024
"""Bytes of marshalled code."""
_MOST_DEATHS = 5
"""Sources that ended the child; after that nothing more is compiled: each may take ten seconds."""
_CHILD = """
import marshal, resource, signal, sys, warnings
warnings.simplefilter("ignore")
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
source, target = sys.stdin.buffer, sys.stdout.buffer
while head := source.read(5):
    text = source.read(int.from_bytes(head[1:], "little"))
    signal.alarm(10)
    try:
        data = marshal.dumps(compile(text, "source", "exec", dont_inherit=True, optimize=head[0]))
    except Exception:
        data = b""
    signal.alarm(0)
    target.write(len(data).to_bytes(4, "little") + data)
    target.flush()
"""
"""Sources one after the other, each with its level of optimisation; the alarm ends the process. It needs POSIX: where
that is missing it dies, and nothing is settled."""
_LEVELS = (0, 1, 2)
"""Nothing left out; assertions; docstrings too."""


class Compiler:
    """Compiles sources in one child process for all of them, started with the first. To be closed."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._deaths = 0

    def compiles_to(self, source: bytes, pyc: Pyc, level: int = 0) -> bool | None:
        """Whether `source` compiles to the code in `pyc`, at any level of optimisation; `level` is tried first.

        None if that cannot be told.
        """
        if pyc.code is None or not is_ours(pyc) or pyc.problem or len(source) > MAX_SIZE:
            return None
        for one in sorted(_LEVELS, key=lambda one: one != level):
            data = self._compiled(source, one)
            code = load(data, 0, pyc.version).value if data and pyc.version else None
            if not isinstance(code, Code):
                return None
            if _are_alike(code, pyc.code):
                return True
        return False

    def strange(self, source: bytes, pyc: Pyc, level: int = 0) -> tuple[str, int] | None:
        """The first function of `pyc`, and its line, whose instructions or head `source` does not lead to."""
        data = self._compiled(source, level) if pyc.version else None
        code = load(data, 0, pyc.version).value if data and pyc.version else None
        if not isinstance(code, Code) or pyc.code is None:
            return None
        expected = [_fields(one) for one, _ in walk(code)]
        for number, (one, _) in enumerate(walk(pyc.code)):
            if number >= len(expected) or _fields(one) != expected[number]:
                return one.qualname, one.firstlineno
        return pyc.code.qualname, pyc.code.firstlineno

    def close(self) -> None:
        """End the child."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        for pipe in (child.stdin, child.stdout):
            with contextlib.suppress(OSError):  # what it was still to be told
                if pipe:
                    pipe.close()
        child.wait()

    def _compiled(self, source: bytes, level: int) -> bytes:
        """The marshalled code of `source`; nothing if it does not compile within the limits."""
        if self._deaths >= _MOST_DEATHS or not sys.executable:
            return b""
        try:
            child = self._child = self._child or _started()
            assert child.stdin  # noqa: S101 - they are pipes
            assert child.stdout  # noqa: S101
            child.stdin.write(bytes((level,)) + len(source).to_bytes(4, "little") + source)
            child.stdin.flush()
            head = child.stdout.read(4)
            size = int.from_bytes(head, "little")
            data = child.stdout.read(size) if size <= _MOST_OUTPUT else b""
        except OSError:
            head = data = b""
            size = 1
        if not head or len(data) < size:
            self._deaths += 1
            self.close()
            return b""
        return data


def is_ours(pyc: Pyc) -> bool:
    """Whether the interpreter that runs this reads such files."""
    magic = int.from_bytes(importlib.util.MAGIC_NUMBER[:2], "little")
    return pyc.version is not None and pyc.header is not None and pyc.header.magic == magic


def _started() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-I", "-S", "-X", "utf8", "-c", _CHILD]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)  # noqa: S603 - our own interpreter


def _are_alike(one: Constant, two: Constant) -> bool:  # noqa: C901 - a case for each type
    """Whether two values are the same, but for the names of files, lines and columns, and the order of sets."""
    pending = [(one, two)]
    for _ in range(_MOST_VALUES):
        if not pending:
            return True
        left, right = pending.pop()
        if left.__class__ is not right.__class__:
            return False
        if isinstance(left, Code) and isinstance(right, Code):
            if _fields(left) != _fields(right):
                return False
            pending.append((left.consts, right.consts))
        elif isinstance(left, (tuple, list)) and isinstance(right, (tuple, list)):
            if len(left) != len(right):
                return False
            pending += zip(left, right, strict=True)
        elif isinstance(left, Frozen) and isinstance(right, Frozen):
            pending.append((tuple(sorted(left.items, key=repr)), tuple(sorted(right.items, key=repr))))
        elif isinstance(left, Pairs) and isinstance(right, Pairs):
            pending.append((left.items, right.items))
        elif isinstance(left, Slice) and isinstance(right, Slice):
            pending.append(((left.start, left.stop, left.step), (right.start, right.stop, right.step)))
        elif repr(left) != repr(right):  # not `==`: 0.0 is not -0.0
            return False
    return False


def _fields(code: Code) -> tuple[object, ...]:
    counts = (code.argcount, code.posonlyargcount, code.kwonlyargcount, code.flags)
    names = (code.names, code.varnames, code.freevars, code.cellvars, code.slots, code.name, code.qualname)
    return (*counts, *names, code.code, code.exceptions)
