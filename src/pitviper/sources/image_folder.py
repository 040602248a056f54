"""Container images as folders: OCI layouts, as `skopeo copy … oci:`, `podman save --format oci-dir` and buildx make.

Source: OCI image spec 1.1, "Image Layout". What the manifests say is read where the image is opened; here are only
files, by their names in the folder, and none is left out.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Self

from pitviper.engine.data import File, opened
from pitviper.engine.pack import Free, Pack
from pitviper.errors import TargetError
from pitviper.model.blob import Span
from pitviper.model.gap import Gap, Reason
from pitviper.model.place import Link, escape
from pitviper.sources.directory import Directory, Files
from pitviper.sources.interface import OPEN_FILE

_MARKS = ("oci-layout", "index.json")


def is_image(target: str) -> bool:
    """Whether the folder `target` is laid out as an image."""
    try:
        return all(os.path.isfile(os.path.join(target, name)) for name in _MARKS)
    except ValueError:  # a name with NUL
        return False


class ImageFolder:
    """A folder that is an image, and the Blob that it is."""

    whole: str | None = None

    def __init__(self, target: str) -> None:
        self._target = target
        self._folder: bytes | None = None
        """Where it was when it was listed, and has to be still: else it was replaced by a link."""
        self.path = escape(target)
        self.chain: tuple[Link, ...] = (Link("tree", self.path),)

    @classmethod
    def within(cls, part: Files) -> Self:
        """The one in a folder of more, where `part` stands for it."""
        name = part.prefix.rstrip(b"/")
        image = cls(os.fsdecode(os.path.join(part.target, name)))
        image._folder = part.folder
        image.path = part.path(b"").rstrip("/")
        image.chain = Link("tree", escape(os.fsdecode(part.target))), Link("file", escape(os.fsdecode(name)))
        return image

    def parts(self) -> Iterator[ImageFolder]:
        """See `Source`."""
        yield self

    def size(self) -> int:
        """See `Source`."""
        return Directory(self._target, images=False).size()

    def read(self, free: Free) -> Iterator[Pack]:
        """One pack, with all files on a shelf, and the gaps of the listing."""
        try:
            files = Directory(self._target, images=False)
        except TargetError:
            files = None
        if files is None or self._folder not in (None, os.path.realpath(os.fsencode(self._target))):
            yield Pack(free(), 0, [], [Gap(self.path, Reason.VANISHED, "it was replaced since it was listed")])
            return
        shelf, gaps = _listed(files)
        span = Span(self, 0, 0, 0, 0, opened=True)
        yield Pack(free(), 0, [span], gaps, shelves=[(self, shelf)])


class Folder:
    """The files of a folder: a `Shelf`."""

    def __init__(self) -> None:
        self.size = 0
        self._paths: dict[str, bytes] = {}

    def add(self, name: bytes, path: bytes) -> None:
        """The file at `path` is called `name`."""
        self._paths[os.fsdecode(name)] = path
        with contextlib.suppress(OSError):  # told when it is read
            self.size += os.lstat(path).st_size

    def names(self) -> list[str]:
        """See `Shelf`."""
        return list(self._paths)

    def get(self, name: str) -> File | None:
        """See `Shelf`."""
        path = self._paths.get(name)
        return None if path is None else opened(os.open(path, OPEN_FILE))


def _listed(files: Directory) -> tuple[Folder, list[Gap]]:
    """The files in a folder and the folders in it; and what is no file, or cannot be listed."""
    shelf = Folder()
    gaps: list[Gap] = []
    for part in files.parts():
        if isinstance(part, Gap):
            gaps.append(part)
            continue
        for name in part.names:
            shelf.add(part.prefix + name, os.path.join(part.folder, name))
    return shelf, gaps
