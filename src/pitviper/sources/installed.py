"""What is installed in one folder of packages: whose each file is, and what lies elsewhere.

What installers leave behind is read, and nothing of it is run. Sources: the PyPA specifications "Recording installed
projects" and "Direct URL Origin"; setuptools, "The Internal Structure of Python Eggs" (`.egg`, `.egg-info`,
`.egg-link`); the documentation of `site` (`.pth`).
"""

from __future__ import annotations

import contextlib
import csv
import glob
import os
import posixpath
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname

import msgspec

from pitviper.engine import metadata
from pitviper.engine.data import opened
from pitviper.model.place import escape
from pitviper.sources.interface import OPEN_FILE

_LONGEST = 64 * 1024
"""Bytes of a file that points elsewhere: it holds one path, or some."""
_MOST_LINES = 100


class Owner(NamedTuple):
    """An installed distribution."""

    project: str
    version: str


class Elsewhere(NamedTuple):
    """The name of a file that says that something is installed in `folder`, outside."""

    name: str
    folder: str


class Owners:
    """Whose the files below `folder` are, by their paths from there, as they are shown."""

    def __init__(self, folder: str) -> None:
        self._files: dict[str, Owner] = {}
        self._folders: dict[str, Owner] = {}
        for path, owner in _owned(folder):
            (self._folders if path.endswith("/") else self._files)[path.rstrip("/")] = owner

    def __bool__(self) -> bool:
        return bool(self._files or self._folders)

    def of(self, path: str) -> Owner | None:
        """The distribution that the file at `path` belongs to; compiled, to that of its source."""
        owner = self._files.get(path) or self._files.get(_source(path))
        while owner is None and path:
            path = path.rpartition("/")[0]
            owner = self._folders.get(path)
        return owner


def elsewhere(folder: str) -> Iterator[Elsewhere]:
    """What is installed in `folder`, but lies outside of it: editable installs, and what `.pth` files name."""
    told: set[str] = set()
    for name, path in _pointers(folder):
        real = os.path.realpath(os.path.join(folder, path))
        if real not in told and not f"{real}/".startswith(f"{os.path.realpath(folder)}/") and os.path.isdir(real):
            told.add(real)
            yield Elsewhere(escape(name), escape(real))


def read(path: str, most: int) -> bytes:
    """The first bytes of a file; none where it cannot be read."""
    try:
        return opened(os.open(path, OPEN_FILE)).read(0, most)
    except (OSError, ValueError):
        return b""


class _DirectUrl(msgspec.Struct):
    """`direct_url.json`."""

    url: str
    dir_info: dict[str, object] = {}


def _pointers(folder: str) -> Iterator[tuple[str, str]]:
    """Files in `folder` that point elsewhere, and where."""
    for name in sorted(glob.glob("*.dist-info/direct_url.json", root_dir=folder)):
        with contextlib.suppress(msgspec.DecodeError, RecursionError, ValueError):
            told = msgspec.json.decode(read(os.path.join(folder, name), _LONGEST), type=_DirectUrl)
            url = urlsplit(told.url)
            if told.dir_info.get("editable") is True and url.scheme == "file" and url.netloc in ("", "localhost"):
                yield name, url2pathname(url.path)
    for name in sorted(glob.glob("*.egg-link", root_dir=folder) + glob.glob("*.pth", root_dir=folder)):
        lines = read(os.path.join(folder, name), _LONGEST).decode("utf-8", "surrogateescape").splitlines()
        for line in lines[:_MOST_LINES] if name.endswith(".pth") else lines[:1]:
            if line.strip() and "\0" not in line and not line.startswith(("#", "import ", "import\t")):
                yield name, line.strip()


def _owned(folder: str) -> Iterator[tuple[str, Owner]]:
    """The files below `folder`, and whole folders with a slash behind them, that belong to a distribution."""
    for info in sorted(glob.glob("*.egg", root_dir=folder)):
        if os.path.isdir(os.path.join(folder, info)):
            yield f"{escape(info)}/", _owner(folder, info, "EGG-INFO/PKG-INFO")
    for info in sorted(glob.glob("*.egg-info", root_dir=folder)):
        if os.path.isdir(os.path.join(folder, info)):
            owner = _owner(folder, info, "PKG-INFO")
            yield f"{escape(info)}/", owner
            for path in _of_egg_info(folder, info):
                yield path, owner
    for info in sorted(glob.glob("*.dist-info", root_dir=folder)):
        owner = _owner(folder, info, "METADATA")
        record = read(os.path.join(folder, info, "RECORD"), metadata.RECORD)
        if not record:  # Debian installs none
            yield f"{escape(info)}/", owner
            for path in _tops(folder, info):
                yield path, owner
        with contextlib.suppress(csv.Error):
            for name in metadata.recorded(record):
                yield name, owner


def _of_egg_info(folder: str, info: str) -> Iterator[str]:
    """The files that `installed-files.txt` names; without it, all below the modules at the top."""
    named = _lines(folder, info, "installed-files.txt", metadata.RECORD)
    if named:
        yield from (posixpath.normpath(posixpath.join(escape(info), path)) for path in named)
    else:
        yield from _tops(folder, info)


def _tops(folder: str, info: str) -> Iterator[str]:
    for top in _lines(folder, info, "top_level.txt", _LONGEST):
        yield from (f"{top}/", f"{top}.py")


def _lines(folder: str, info: str, name: str, most: int) -> list[str]:
    """The lines of a file of metadata, as they are shown."""
    text = read(os.path.join(folder, info, name), most).decode("utf-8", "surrogateescape")
    return [escape(line.strip().replace("\\", "/")) for line in text.splitlines() if line.strip()]


def _owner(folder: str, info: str, name: str) -> Owner:
    """The distribution whose metadata lie in the folder `info`, by what they say, else by the folder's name."""
    project, version = metadata.project_and_version(read(os.path.join(folder, info, name), metadata.METADATA))
    stem = escape(os.path.splitext(info)[0])
    named, _, rest = stem.partition("-")  # neither may have a hyphen; behind the version, an egg tells of its Python
    return Owner(project or named, version or rest.partition("-")[0])


def _source(path: str) -> str:
    """The source of which a file in `__pycache__` was compiled."""
    folder, _, name = path.rpartition("/")
    above, _, last = folder.rpartition("/")
    if last != "__pycache__" or not name.endswith(".pyc"):
        return ""
    return f"{above}/{name.partition('.')[0]}.py".lstrip("/")
