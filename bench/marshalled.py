"""Read what every interpreter at hand makes of its standard library, compare with what it says of it, and time it.

`python bench/marshalled.py [COMMAND...]`: by default all Python interpreters under ~/.pyenv. A COMMAND may have words:
`'node tools/pyodide.mjs FOLDER'` stands for CPython 3.14 or 3.15, with FOLDER an unpacked npm package of pyodide.
"""

from __future__ import annotations

import argparse
import base64
import glob
import hashlib
import os
import shlex
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from types import EllipsisType
from typing import Any

import msgspec

from pitviper.bytecode.code import Code, Frozen, Huge, Slice, Version
from pitviper.bytecode.lines import Lines, handlers
from pitviper.bytecode.marshal import load

_TRUTH = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tools", "digests.py")
_WHO = (
    "import os, platform, sys; print('%d %d' % sys.version_info[:2]); "
    "print(platform.python_implementation().lower()); print(os.path.dirname(os.__file__))"
)
_RUNS = 3
"""Of which the fastest counts, file by file: other work on the machine disturbs some, and never all."""


class Tally(msgspec.Struct):
    """What came of one interpreter's files."""

    files: int = 0
    bytes: int = 0
    seconds: float = 0.0
    wrong: list[str] = []


def main() -> None:
    """A line for each interpreter."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "command", nargs="*", default=sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/*/bin/python")))
    )
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every N-th file")
    parser.add_argument("--sources", metavar="FOLDER", help="of the standard library, where the interpreter has none")
    wanted = parser.parse_args()
    print("| version | files | MB | MB/s | other than the interpreter says |\n|---|---|---|---|---|")
    for command in wanted.command:
        version, folder = _who(shlex.split(command))
        paths = sorted(glob.glob(os.path.join(wanted.sources or folder, "**", "*.py"), recursive=True))
        paths = [path for path in paths if "/site-packages/" not in path and "/dist-packages/" not in path]
        tally = Tally()
        for path, digest, data in _truth(shlex.split(command), paths[:: wanted.every]):
            _compare(path, digest, data, version, tally)
        speed = tally.bytes / 1e6 / tally.seconds if tally.seconds else 0
        print(
            f"| {version} | {tally.files:,} | {tally.bytes / 1e6:.0f} | {speed:.0f} | {len(tally.wrong)} |", flush=True
        )
        for told in tally.wrong:
            print(f"    {told}")


def _who(command: list[str]) -> tuple[Version, str]:
    told = subprocess.run([*command, "-c", _WHO], check=True, capture_output=True, text=True).stdout.splitlines()
    major, minor = map(int, told[0].split())
    return Version(major, minor, told[1]), told[2]


def _truth(command: list[str], paths: list[str]) -> Iterator[tuple[str, str, bytes]]:
    """Of each file that compiles: its path, the digest of what the interpreter says, and its code."""
    told = subprocess.run(
        [*command, "-W", "ignore", _TRUTH], input="\n".join(paths), check=True, capture_output=True, text=True
    )
    for path, line in zip(paths, told.stdout.splitlines(), strict=True):
        if len(line) > 1:
            yield path, line[:64], base64.b64decode(line[64:])


def _compare(path: str, digest: str, data: bytes, version: Version, tally: Tally) -> None:
    loaded = load(data, 0, version)
    fastest = float("inf")
    for _ in range(_RUNS):
        started = time.perf_counter()
        load(data, 0, version)
        fastest = min(fastest, time.perf_counter() - started)
    tally.files += 1
    tally.bytes += len(data)
    tally.seconds += fastest
    found = hashlib.sha256()
    _tell(loaded.value, found.update)
    if loaded.problem or loaded.end != len(data) or found.hexdigest() != digest:
        tally.wrong.append(f"{path}: {loaded.problem or 'another digest'}")


def _tell(value: Any, put: Callable[[bytes], object]) -> None:  # noqa: C901, PLR0912 - a type each
    """All of `value`, as `told` of digests.py writes it."""
    if value is None or isinstance(value, (bool, EllipsisType)):
        put(str(value).encode())
    elif isinstance(value, int):
        put(b"i%x" % value if value >= 0 else b"i-%x" % -value)
    elif isinstance(value, Huge):
        digits = struct.unpack(f"<{len(value.digits) // 2}H", value.digits)
        number = int("".join(f"{digit:015b}" for digit in reversed(digits)), 2)
        _tell(-number if value.negative else number, put)
    elif isinstance(value, float):
        put(b"f" + struct.pack("<d", value))
    elif isinstance(value, complex):
        put(b"c" + struct.pack("<2d", value.real, value.imag))
    elif isinstance(value, (str, bytes)):
        content = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
        put((b"u" if isinstance(value, str) else b"s") + b"%d:" % len(content) + content)
    elif isinstance(value, (tuple, list)):
        put(b"(%d" % len(value))
        for one in value:
            _tell(one, put)
    elif isinstance(value, Frozen):
        parts = []
        for one in value.items:
            inner = bytearray()
            _tell(one, inner.extend)
            parts.append(bytes(inner))
        put(b"<" + b"".join(sorted(parts)))
    elif isinstance(value, Slice):
        put(b"/")
        _tell((value.start, value.stop, value.step), put)
    elif isinstance(value, Code):
        put(b"code")
        for one in _fields(value):
            _tell(one, put)
    else:
        put(repr(value).encode())


def _fields(code: Code) -> Iterator[Any]:
    def names(of: tuple[str, ...]) -> list[bytes]:
        return [name.encode("utf-8", "surrogatepass") for name in of]

    numbers = (code.argcount, code.posonlyargcount, code.kwonlyargcount)
    yield numbers, code.flags, code.firstlineno, code.code
    yield from map(names, (code.names, code.varnames, code.freevars, code.cellvars))
    yield tuple(names((code.filename, code.name)))
    yield names((code.qualname,))[0]
    lines = list(Lines(code))
    lines = [pair for number, pair in enumerate(lines) if not number or lines[number - 1][1] != pair[1]]
    found = [(one.start, one.end, one.target, one.depth, int(one.with_offset)) for one in handlers(code)]
    yield lines, found
    yield code.consts


if __name__ == "__main__":
    main()
