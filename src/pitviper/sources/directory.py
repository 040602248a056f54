"""Folders and files of the local file system.

Listing follows no symbolic link out of the target, opens no FIFO, socket or device, and skips nothing silently. Reading
packs small files into the buffer and cuts big ones into windows. Names are bytes that somebody else chose: they are
escaped before anyone sees them.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterable, Iterator
from copy import copy
from typing import ClassVar, Self

import msgspec

from pitviper.engine.data import File, opened
from pitviper.engine.pack import PACK, SEPARATOR, Free, Pack, windows
from pitviper.errors import TargetError
from pitviper.model.blob import Span
from pitviper.model.finding import Finding
from pitviper.model.gap import Gap, Reason
from pitviper.model.place import Link, escape
from pitviper.sources.gitignore import Gitignore
from pitviper.sources.interface import OPEN_FILE, fill

_OPEN_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_HAS_DIR_FD = os.open in os.supports_dir_fd


_LAYOUT = b"oci-layout"
_OF_IMAGE = {_LAYOUT: False, b"index.json": False, b"blobs": True}
"""What makes a folder an image (OCI image spec 1.1, "Image Layout"), and whether it is a folder."""


class Files(msgspec.Struct, frozen=True):
    """Files of one folder: `names`, in order, in the folder that `folder` opens. All as the bytes the system gave us.

    `target` is what the user named, and `prefix` the way from there to the folder: b"" or b"a/b/". A target that is
    itself a file has `tree` false and one name. `image`: the folder is laid out as a container image, and to be read as
    one; the only name stands for all.
    """

    target: bytes
    prefix: bytes
    folder: bytes
    names: list[bytes]
    tree: bool = True
    image: bool = False

    def path(self, name: bytes) -> str:
        """How to show the file `name`: relative to the working directory if the target was."""
        if not self.tree:
            return _shown(self.target)
        path = os.path.join(self.target, self.prefix + name)
        return _shown(path[2:].lstrip(b"/") if path.startswith(b"./") else path) or "."


class FileBlob(msgspec.Struct, frozen=True, gc=False):
    """A file's place."""

    files: Files
    name: bytes

    again: ClassVar = True

    @property
    def path(self) -> str:
        """See `Blob`."""
        return self.files.path(self.name)

    @property
    def chain(self) -> tuple[Link, ...]:
        """See `Blob`."""
        if not self.files.tree:
            return (Link("file", self.path),)
        return Link("tree", _shown(self.files.target)), Link("file", _shown(self.files.prefix + self.name))

    def open(self, head: bytes) -> File:
        """See `Whole`."""
        del head
        return opened(os.open(os.path.join(self.files.folder, self.name), OPEN_FILE))


class Directory:
    """A folder, or one file, that a user named. Raises `TargetError` for a `target` that is neither, or unreadable.

    `images`: folders in it that are laid out as container images are told as such.
    """

    def __init__(self, target: str, *, gitignore: bool = False, images: bool = True) -> None:
        self.skipped = 0
        """Files and folders that `.gitignore` left out, so far."""
        self._target = os.fsencode(target)
        self._gitignore = gitignore
        self.images = images
        self.whole: str | None = None
        """How the one file that it is shows itself; None for a folder."""
        self.shown = Files(self._target, b"", b"", []).path(b"")
        """How a folder shows itself."""
        try:
            mode = os.stat(self._target).st_mode  # first, because to `realpath` no name is the working directory
            self._root = os.path.realpath(self._target, strict=True)
            self._is_file = stat.S_ISREG(mode)
            if self._is_file:
                self.whole = _shown(self._target)
                os.close(os.open(self._root, OPEN_FILE))
            elif stat.S_ISDIR(mode):
                os.scandir(self._root).close()
        except (OSError, ValueError) as error:
            raise TargetError(
                f"{escape(target)}: {_why(error)}", hint="Check the path, and the rights on it."
            ) from None
        if not self._is_file and not stat.S_ISDIR(mode):
            raise TargetError(f"{escape(target)}: neither a file nor a folder", hint="Pipe it in and scan `-` instead.")

    def parts(self) -> Iterator[Files | Gap]:
        """See `Source`."""
        if self._is_file:
            folder, name = os.path.split(self._root)
            yield Files(self._target, b"", folder, [name], tree=False)
            return
        ignore = Gitignore(self._root) if self._gitignore else None
        pending = [b""]
        while pending:
            prefix = pending.pop()
            folder = os.path.join(self._root, prefix).rstrip(b"/") or b"/"  # O_NOFOLLOW follows a link with a slash
            files = Files(self._target, prefix, folder, [])
            try:
                with os.scandir(files.folder) as entries:
                    listed = sorted(entries, key=_name)
            except OSError as error:
                yield Gap(files.path(b""), Reason.UNREADABLE, _why(error))
                continue
            if ignore:
                ignore.enter(prefix)
                listed = [entry for entry in listed if not self._skips(ignore, prefix, entry)]
            if self.images and prefix and _is_image(listed):
                yield msgspec.structs.replace(files, names=[_LAYOUT], image=True)
                continue
            folders: list[bytes] = []
            yield from self._sorted(listed, files, folders)
            if files.names:
                yield files
            pending.extend(reversed(folders))
        if ignore and ignore.exhausted:
            detail = "matching them took too long: not all that they name was left out"
            yield Gap(Files(self._target, b"", self._root, []).path(b".gitignore"), Reason.OVER_BUDGET, detail)

    def _skips(self, ignore: Gitignore, prefix: bytes, entry: os.DirEntry[bytes]) -> bool:
        try:
            is_folder = entry.is_dir(follow_symlinks=False)
        except OSError:
            return False  # `parts` tells
        covered = ignore.covers(prefix + entry.name, is_folder=is_folder)
        self.skipped += covered
        return covered

    def named(self, finding: Finding) -> Finding:
        """`finding` with what the source knows of its file."""
        return finding

    def size(self) -> int:
        """See `Source`."""
        total = 0
        files = copy(self)  # it counts what it skips
        files.images = False
        for part in files.parts():
            if isinstance(part, Files):
                for name in part.names:
                    with contextlib.suppress(OSError):
                        total += os.lstat(os.path.join(part.folder, name)).st_size
        return total

    def _sorted(self, entries: Iterable[os.DirEntry[bytes]], files: Files, folders: list[bytes]) -> Iterator[Gap]:
        """Add `entries` to `files` and `folders`, and tell of those that are neither."""
        for entry in entries:
            try:
                gap = self._sort(entry, files, folders)
            except OSError as error:  # some file systems list names without their types
                gap = _failed(files, entry.name, error)
            if gap:
                yield gap

    def _sort(self, entry: os.DirEntry[bytes], files: Files, folders: list[bytes]) -> Gap | None:
        """Add `entry` to `files` or `folders`, or tell why it is neither."""
        if entry.is_file(follow_symlinks=False):  # first: most are
            files.names.append(entry.name)
        elif entry.is_dir(follow_symlinks=False):
            folders.append(files.prefix + entry.name + b"/")
        else:
            return self._special(entry, files)
        return None

    def _special(self, entry: os.DirEntry[bytes], files: Files) -> Gap | None:
        """The Gap for what is neither folder nor file; None for a link to something in the target."""
        path = files.path(entry.name)
        if not entry.is_symlink():
            return Gap(path, Reason.SPECIAL_FILE, "a FIFO, socket or device")
        try:
            real = os.path.realpath(entry.path, strict=True)
        except OSError as error:
            return Gap(path, Reason.BROKEN_SYMLINK, _why(error))
        if real == self._root or real.startswith(os.path.join(self._root, b"")):
            return None
        return Gap(path, Reason.OUTSIDE_SYMLINK, f"points to {_shown(real)}")


def read(parts: Iterable[Files], free: Free) -> Iterator[Pack]:
    """The files of `parts`, pack by pack: small ones together, big ones in windows."""
    pack = Pack(free(), 0, [], [])
    room = memoryview(pack.data)
    for part in parts:
        if part.image:
            from pitviper.sources.image_folder import ImageFolder  # noqa: PLC0415 - it lists with what is here

            yield pack
            yield from ImageFolder.within(part).read(free)
            pack = Pack(free(), 0, [], [])
            room = memoryview(pack.data)
            continue
        with _Folder(part, pack.gaps) as folder:
            for name in part.names if folder.opened else ():
                try:
                    handle = folder.open(name)
                except OSError as error:
                    pack.gaps.append(_failed(part, name, error))
                    continue
                try:
                    start = pack.filled
                    end = start + fill(handle, room[start:])
                    if end < len(room):
                        pack.spans.append(Span(FileBlob(part, name), start, end, start, end))
                        room[end] = SEPARATOR
                        pack.filled = end + 1
                    else:
                        yield pack  # even if empty: it gives its buffer back
                        yield from _big(part, name, handle, free)
                        pack = Pack(free(), 0, [], [])
                        room = memoryview(pack.data)
                except OSError as error:
                    pack.gaps.append(_failed(part, name, error))
                finally:
                    os.close(handle)
                if pack.filled > PACK:
                    yield pack
                    pack = Pack(free(), 0, [], [])
                    room = memoryview(pack.data)
    yield pack


class _Folder:
    """An open folder, so that names need no way through the file system; where that cannot be, joined paths."""

    def __init__(self, part: Files, gaps: list[Gap]) -> None:
        self._part = part
        self._handle: int | None = None
        self.opened = True
        if _HAS_DIR_FD:
            try:
                self._handle = os.open(part.folder, _OPEN_FOLDER)
            except OSError as error:
                self.opened = False
                gaps.extend(_failed(part, name, error) for name in part.names)

    def open(self, name: bytes) -> int:
        if self._handle is None:
            return os.open(os.path.join(self._part.folder, name), OPEN_FILE)
        return os.open(name, OPEN_FILE, dir_fd=self._handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._handle is not None:
            os.close(self._handle)


def _big(part: Files, name: bytes, handle: int, free: Free) -> Iterator[Pack]:
    """The windows of a big file, up to the size that it has now: a log that grows must not hold us for ever."""
    os.lseek(handle, 0, os.SEEK_SET)
    left = size = os.fstat(handle).st_size
    gaps: list[Gap] = []

    def fill_window(view: memoryview) -> int:
        nonlocal left
        try:
            count = fill(handle, view[:left] if size else view)
        except OSError as error:
            gaps.append(_failed(part, name, error))
            return 0
        left -= count
        return count

    dropped = False
    for pack in windows(FileBlob(part, name), fill_window, free):
        yield pack
        dropped = pack.dropped
    grown = os.fstat(handle).st_size - size
    if size and (left or grown) and not gaps and not dropped:
        detail = (
            f"it shrank by {left} bytes while it was read" if left else f"it grew by {grown} bytes while it was read"
        )
        gaps.append(Gap(part.path(name), Reason.CHANGED, detail))
    yield Pack(free(), 0, [], gaps)


def _is_image(entries: Iterable[os.DirEntry[bytes]]) -> bool:
    found = {entry.name: entry for entry in entries if entry.name in _OF_IMAGE}
    try:
        return len(found) == len(_OF_IMAGE) and all(
            found[name].is_dir(follow_symlinks=False) if is_folder else found[name].is_file(follow_symlinks=False)
            for name, is_folder in _OF_IMAGE.items()
        )
    except OSError:
        return False


def _failed(part: Files, name: bytes, error: OSError) -> Gap:
    vanished = error.errno in (errno.ENOENT, errno.ELOOP)  # ELOOP: replaced by a link, see O_NOFOLLOW
    return Gap(part.path(name), Reason.VANISHED if vanished else Reason.UNREADABLE, _why(error))


def _why(error: OSError | ValueError) -> str:
    return (error.strerror or escape(str(error))) if isinstance(error, OSError) else "no name holds NUL"


def _name(entry: os.DirEntry[bytes]) -> bytes:
    return entry.name


def _shown(path: bytes) -> str:
    return escape(os.fsdecode(path))
