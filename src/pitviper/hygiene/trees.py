"""Compiled Python in folders of the file system: the source beside it is read where it lies.

It is so in whatever process looks, so that what is told does not depend on how files are spread over processes.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from functools import partial

from pitviper.bytecode.beside import source_of
from pitviper.bytecode.source import MAX_SIZE
from pitviper.engine.data import opened
from pitviper.hygiene.held import Beside, Compiled, Holder, Told, orphaned
from pitviper.hygiene.pair import COMPILED
from pitviper.model.place import escape
from pitviper.sources.directory import FileBlob, Files
from pitviper.sources.interface import OPEN_FILE

_CACHE = b"__pycache__"


class Trees:
    """Holds files in folders against the source in them."""

    def __init__(self, holder: Holder) -> None:
        self._holder = holder
        self._orphans: tuple[bytes, list[bytes]] = b"", []
        """The last folder with compiled files without source, and their names, in order."""

    def look(self, one: Compiled, content: Callable[[], bytes], told: Told) -> None:
        """Hold `one`, whose bytes `content` gives, against the source beside it."""
        blob = one.blob
        assert isinstance(blob, FileBlob)  # noqa: S101 - a pair outside of containers
        path = _source(blob)
        if path is None:
            told.findings += one.findings
            return
        name = escape(os.fsdecode(os.path.basename(path)))
        try:
            found = os.lstat(path)
        except OSError:
            self._tell_orphan(one, blob, name, told)
            return
        if stat.S_ISLNK(found.st_mode):
            path, found = _followed(path, _root(blob.files), found)
        if not stat.S_ISREG(found.st_mode):
            told.findings += one.findings
            return
        source = Beside(name, found.st_size, int(found.st_mtime), partial(_read, path))
        self._holder.hold(one, content, source, told)

    def _tell_orphan(self, one: Compiled, blob: FileBlob, name: str, told: Told) -> None:
        """One finding for a folder, with the first of those that have no source there."""
        told.findings += orphaned(one, name)
        files = blob.files
        if self._orphans[0] != files.folder:
            self._orphans = files.folder, _orphans(files)
        orphans = self._orphans[1]
        if orphans and blob.name == orphans[0]:
            self._holder.tell_orphans(one, name, len(orphans), told)


def _source(blob: FileBlob) -> bytes | None:
    """Where the source of `blob` should lie; None outside of the target, or nowhere."""
    files = blob.files
    if not files.prefix and os.path.basename(files.folder) == _CACHE:
        return None
    name = source_of(os.fsdecode(files.prefix + blob.name))
    return os.path.join(_root(files), os.fsencode(name)) if name else None


def _root(files: Files) -> bytes:
    """The target itself."""
    return files.folder[: len(files.folder) - len(files.prefix) + 1] if files.prefix else files.folder


def _followed(path: bytes, root: bytes, link: os.stat_result) -> tuple[bytes, os.stat_result]:
    """The file that the `link` at `path` leads to, if it lies in `root`."""
    try:
        real = os.path.realpath(path, strict=True)
        if real.startswith(os.path.join(root, b"")):
            return real, os.lstat(real)
    except OSError:
        pass  # told where it is listed
    return path, link


def _orphans(files: Files) -> list[bytes]:
    """The compiled files in a folder whose source is not there, in order."""
    beside: dict[bytes, set[bytes]] = {}
    orphans = []
    try:
        for name in sorted(os.listdir(files.folder)):
            path = _source(FileBlob(files, name)) if name.endswith(COMPILED) else None
            if path is None:
                continue
            folder, source = os.path.split(path)
            if folder not in beside:
                beside[folder] = set(os.listdir(folder))
            if source not in beside[folder]:
                orphans.append(name)
    except OSError:
        pass  # it went away meanwhile, and is told where it is read
    return orphans


def _read(path: bytes) -> bytes:
    """A source, as far as it is read. Raises OSError."""
    return opened(os.open(path, OPEN_FILE)).read(0, MAX_SIZE + 1)
