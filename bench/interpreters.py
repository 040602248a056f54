"""The Pythons at hand: CPython of pyenv, PyPy on the path, and, where there is node, the newest as WebAssembly."""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator

import msgspec

from pitviper.bytecode.code import Version

_PYENV = os.path.join(os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv"), "versions", "*", "bin", "python")
_PYODIDE = ("314.0.7", "315.0.0-alpha.2")
"""Releases of the npm package `pyodide`, which is CPython: 3.14.2 and 3.15.0rc1."""
_SCRIPT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tools", "pyodide.mjs")
_WHO = (
    "import os, platform, sys; print('%d %d' % sys.version_info[:2]); "
    "print(platform.python_implementation().lower()); print(os.path.dirname(os.__file__))"
)


class Interpreter(msgspec.Struct, frozen=True):
    """How it is started, what it is, and the folder with the source of its standard library."""

    command: tuple[str, ...]
    version: Version
    library: str

    def __str__(self) -> str:
        return str(self.version)


def at_hand(work: str) -> list[Interpreter]:
    """All, the oldest first; what is not installed anywhere comes into the folder `work`."""
    found = [asked((path,)) for path in glob.glob(_PYENV)]
    if pypy := shutil.which("pypy3"):
        found.append(asked((pypy,)))
    found += _pyodides(work)
    return sorted(found, key=lambda one: (one.version.implementation, one.version.major, one.version.minor))


def asked(command: tuple[str, ...], library: str = "") -> Interpreter:
    """The interpreter that `command` starts, which tells who it is."""
    told = subprocess.run([*command, "-c", _WHO], check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    numbers, implementation, folder = told.stdout.split("\n")[:3]
    major, minor = map(int, numbers.split())
    return Interpreter(command, Version(major, minor, implementation), library or folder)


def _pyodides(work: str) -> Iterator[Interpreter]:
    if not (shutil.which("node") and shutil.which("npm")):
        print("no node, no npm: without 3.14 and 3.15", file=sys.stderr)
        return
    for release in _PYODIDE:
        folder = os.path.join(work, f"pyodide-{release}")
        package, library = os.path.join(folder, "package"), os.path.join(folder, "library")
        if not os.path.isdir(library):
            os.makedirs(folder, exist_ok=True)
            pack = ("npm", "pack", "--silent", f"pyodide@{release}")
            name = subprocess.run(pack, cwd=folder, check=True, capture_output=True, text=True).stdout.split()[-1]
            subprocess.run(("tar", "xzf", name), cwd=folder, check=True)
            with zipfile.ZipFile(os.path.join(package, "python_stdlib.zip")) as archive:
                archive.extractall(library)
        yield asked(("node", _SCRIPT, package), library)
