"""Whether a source compiles to exactly the code of a `.pyc`: settles changed logic that uses the same names and values.

Only where the interpreter that runs Pitviper wrote the `.pyc`. Its compiler is started in a child process: `compile()`
executes nothing of the source, but a hostile one may exhaust memory, time, or the C stack.
"""

from __future__ import annotations

import importlib.util
import resource
import subprocess
import sys

from pitviper.bytecode.code import Code, Constant, Frozen, Pairs, Slice
from pitviper.bytecode.marshal import load
from pitviper.bytecode.pyc import Pyc
from pitviper.bytecode.source import MAX_SIZE

_SECONDS = 10
_MEMORY = 1024 * 1024 * 1024
_MOST_VALUES = 1_000_000
_CHILD = """
import marshal, sys, warnings
warnings.simplefilter("ignore")
code = compile(sys.stdin.buffer.read(), "source", "exec", dont_inherit=True, optimize=int(sys.argv[1]))
sys.stdout.buffer.write(marshal.dumps(code))
"""
_LEVELS = (0, 1, 2)
"""Nothing left out; assertions; docstrings too."""


def compiles_to(source: bytes, pyc: Pyc) -> bool | None:
    """Whether `source` compiles to the code in `pyc`, at any level of optimisation. None if that cannot be told."""
    magic = int.from_bytes(importlib.util.MAGIC_NUMBER[:2], "little")
    if pyc.code is None or pyc.version is None or pyc.header is None or pyc.header.magic != magic or pyc.problem:
        return None
    if len(source) > MAX_SIZE:
        return None
    for level in _LEVELS:
        data = _compiled(source, level)
        code = load(data, 0, pyc.version).value if data else None
        if not isinstance(code, Code):
            return None
        if _are_alike(code, pyc.code):
            return True
    return False


def _compiled(source: bytes, level: int) -> bytes | None:
    """The marshalled code of `source`; None if it does not compile within the limits."""
    command = [sys.executable, "-I", "-S", "-X", "utf8", "-c", _CHILD, str(level)]
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter, which compiles and does not execute
            command, input=source, capture_output=True, timeout=_SECONDS, check=False, preexec_fn=_limit
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if not done.returncode else None


def _limit() -> None:
    for kind, most in ((resource.RLIMIT_CPU, _SECONDS), (resource.RLIMIT_AS, _MEMORY), (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(kind, (most, most))


def _are_alike(one: Constant, two: Constant) -> bool:  # noqa: C901 - a case for each type
    """Whether two values are the same, but for the names of files and the order of sets."""
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
    counts = (code.argcount, code.posonlyargcount, code.kwonlyargcount, code.flags, code.firstlineno)
    names = (code.names, code.varnames, code.freevars, code.cellvars, code.slots, code.name, code.qualname)
    return (*counts, *names, code.code, code.lines, code.exceptions)
