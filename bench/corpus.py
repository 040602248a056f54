"""What is scanned: files of the Python installations on this machine, as they lie there, in a folder of our own."""

from __future__ import annotations

import glob
import os
import re
import shutil
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import msgspec

MAX_FILE = 64 * 1024 * 1024
"""Bytes. Larger files are left out: one library of a gigabyte would be the benchmark. A big file has its own case."""

_SHARED = ("/", "/usr", "/usr/local")
"""Prefixes that hold much that is no Python: of these only `lib/python3*`."""

_MANIFEST = "corpus.json"


@dataclass(frozen=True, slots=True)
class Found:
    """A file of an installation: `path` is its place in the corpus."""

    source: str
    path: str
    size: int


class Taken(msgspec.Struct, frozen=True):
    """What the corpus has of one installation."""

    name: str
    files: int
    bytes: int


class Corpus(msgspec.Struct, frozen=True):
    """A corpus in the folder `folder`: `asked` are the limits that it was built for, files and bytes."""

    folder: str
    asked: tuple[int, int]
    taken: tuple[Taken, ...]

    @property
    def files(self) -> int:
        """How many files, without those that were planted."""
        return sum(taken.files for taken in self.taken)

    @property
    def bytes(self) -> int:
        """How many bytes, without those that were planted."""
        return sum(taken.bytes for taken in self.taken)

    def __str__(self) -> str:
        """One line for each installation."""
        rows = [f"  {taken.name}: {taken.files:,} files, {taken.bytes / 1e6:,.0f} MB" for taken in self.taken]
        return "\n".join([f"corpus: {self.files:,} files, {self.bytes / 1e6:,.0f} MB", *rows])


def build(work: str, files: int, limit: int) -> Corpus:
    """A corpus of about `files` files and at most `limit` bytes under `work`; the one that lies there if it fits.

    Files are hard links where the file system allows it, else copies. The same installations give the same corpus.
    """
    asked = files, limit
    folder = os.path.join(work, "corpus")
    manifest = os.path.join(work, _MANIFEST)
    if os.path.exists(manifest):
        with open(manifest, "rb") as file:
            known = msgspec.json.decode(file.read(), type=Corpus)
        if known.asked == asked and known.folder == folder:
            return known
        os.unlink(manifest)
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder)
    taken = [Taken(name, *_place(found, folder)) for name, found in _choose(files, limit).items()]
    corpus = Corpus(folder, asked, tuple(taken))
    with open(manifest, "wb") as file:
        file.write(msgspec.json.encode(corpus))
    return corpus


def sample(corpus: Corpus, every: int) -> Corpus:
    """One in `every` files of `corpus`, evenly spread, beside it: for tools that would take hours."""
    folder = f"{corpus.folder}-part"
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder)
    found = [Found(path, os.path.relpath(path, corpus.folder), size) for path, size in _walk(corpus.folder)]
    return Corpus(folder, corpus.asked, (Taken(f"1 in {every}", *_place(found[::every], folder)),))


def folders(corpus: Corpus, count: int) -> list[str]:
    """`count` of the corpus's folders, evenly spread."""
    found = sorted(folder for folder, _, names in os.walk(corpus.folder) if names)
    return [found[number * len(found) // count] for number in range(count)]


def big_file(corpus: Corpus, path: str, size: int, planted: str) -> None:
    """Write `size` bytes of corpus files, one after the other, to `path`, with the line `planted` in the middle.

    Does nothing if `path` is there: its name should tell its size.
    """
    if os.path.exists(path):
        return
    unfinished = f"{path}.part"
    with open(unfinished, "wb") as sink:
        sink.write(b"# files, one after the other\n")
        _fill(corpus, sink, size // 2)
        sink.write(f"\n{planted}\n".encode())
        _fill(corpus, sink, size)
    os.rename(unfinished, path)


def _fill(corpus: Corpus, sink: IO[bytes], size: int) -> None:
    """Add files of `corpus` until `sink` has `size` bytes; where they are too few, over and over."""
    while sink.tell() < size:
        for path, _ in _walk(corpus.folder):
            with open(path, "rb") as source:
                shutil.copyfileobj(source, sink)
            if sink.tell() >= size:
                break
    sink.seek(size)
    sink.truncate()


def installations() -> Iterator[str]:
    """Folders that hold a Python, the running one first, then all others that can be found, sorted; none twice."""
    seen: list[str] = []
    for prefix in (sys.base_prefix, sys.prefix, *sorted(_prefixes())):
        for folder in _own(os.path.realpath(prefix)):
            if not any(folder == other or folder.startswith(other + os.sep) for other in seen):
                seen.append(folder)
                yield folder


def _prefixes() -> Iterator[str]:
    """Where Pythons live: version managers' folders, and above what PATH finds."""
    home = os.path.expanduser("~")
    pyenv = os.environ.get("PYENV_ROOT") or os.path.join(home, ".pyenv")
    uv = os.environ.get("UV_PYTHON_INSTALL_DIR") or os.path.join(home, ".local", "share", "uv", "python")
    yield from glob.glob(os.path.join(glob.escape(pyenv), "versions", "*"))
    yield from glob.glob(os.path.join(glob.escape(uv), "*"))
    yield from _SHARED
    for folder in os.get_exec_path():
        if os.path.isdir(folder):
            for name in os.listdir(folder):
                if re.fullmatch(r"python3(\.\d+)?", name):
                    yield os.path.dirname(os.path.dirname(os.path.realpath(os.path.join(folder, name))))


def _own(prefix: str) -> list[str]:
    """The folders of the Python under `prefix`; none if there is no Python."""
    libraries = sorted(glob.glob(os.path.join(glob.escape(prefix), "lib", "python[0-9]*")))
    if not libraries:
        return []
    return [os.path.realpath(library) for library in libraries] if prefix in _SHARED else [prefix]


def _choose(files: int, limit: int) -> dict[str, list[Found]]:
    """About `files` files of as few installations as that takes, evenly spread over them; by installation."""
    found: list[tuple[str, Found]] = []
    for number, folder in enumerate(installations(), 1):
        name = os.path.basename(folder)
        for source, size in _walk(folder):
            path = os.path.join(f"{number}-{name}", os.path.relpath(source, folder))
            found.append((name, Found(source, path, size)))
        if len(found) >= files:
            break
    count = min(files, len(found))
    chosen: dict[str, list[Found]] = {}
    for number in range(count):
        name, item = found[number * len(found) // count]
        limit -= item.size
        if limit < 0:
            break
        chosen.setdefault(name, []).append(item)
    return chosen


def _walk(folder: str) -> Iterator[tuple[str, int]]:
    """(path, bytes) of the readable regular files under `folder`, sorted, that are not too large; follows no links."""
    for parent, names, files in os.walk(folder):
        names.sort()
        for name in sorted(files):
            path = os.path.join(parent, name)
            status = os.lstat(path)
            if stat.S_ISREG(status.st_mode) and status.st_size <= MAX_FILE and os.access(path, os.R_OK):
                yield path, status.st_size


def _place(found: list[Found], folder: str) -> tuple[int, int]:
    """Put files into `folder`; how many files and bytes that were."""
    for item in found:
        path = os.path.join(folder, item.path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        try:
            os.link(item.source, path, follow_symlinks=False)
        except OSError:  # another file system, or the files of another user
            shutil.copyfile(item.source, path, follow_symlinks=False)
    return len(found), sum(item.size for item in found)
