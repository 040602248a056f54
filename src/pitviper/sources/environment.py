"""The distributions that are installed in an environment: its site-packages, and whose file is whose.

Nothing of the environment is run, not even its Python: where packages lie is known from how environments are laid out,
and whose a file is from the RECORD of each. Sources: PEP 405 (`pyvenv.cfg`); the PyPA specification "Recording
installed projects"; the documentation of `site`.
"""

from __future__ import annotations

import contextlib
import csv
import glob
import os
import site
import sysconfig
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from msgspec.structs import replace

from pitviper.engine import metadata
from pitviper.engine.data import opened
from pitviper.errors import TargetError
from pitviper.model.finding import Finding
from pitviper.model.gap import Gap
from pitviper.model.place import Link, Place, escape
from pitviper.sources.directory import Directory, Files
from pitviper.sources.interface import OPEN_FILE

PREFIX = "env:"
_LAYOUTS = (
    "lib/python*/site-packages",
    "lib64/python*/site-packages",
    "lib/pypy*/site-packages",
    "lib/python*/dist-packages",
    "local/lib/python*/dist-packages",
    "Lib/site-packages",
    "site-packages",
)
"""Below its prefix: of POSIX, PyPy, Debian, Windows, and PyPy 2."""
_CONFIG = "pyvenv.cfg"
_LONGEST_CONFIG = 64 * 1024
_HINT = f"Name a virtual environment, its Python, or a folder site-packages: {PREFIX}.venv; {PREFIX} alone is this one."


class Owner(NamedTuple):
    """An installed distribution."""

    project: str
    version: str


class Environment(Directory):
    """The folders `site-packages` of the environment that `target` names. Raises `TargetError` if there is none."""

    def __init__(self, target: str, *, gitignore: bool = False) -> None:
        shown = escape(target)
        path = target.removeprefix(PREFIX)
        try:
            folders = _distinct(_below(path) if path else _own())
        except (OSError, ValueError):
            folders = []
        if not folders:
            raise TargetError(f"{shown}: no folder site-packages is there", hint=_HINT)
        try:
            self._trees = [Directory(folder, gitignore=gitignore) for folder in folders]
        except TargetError as error:
            raise TargetError(f"{shown}: {error}", hint=error.hint) from None
        self.whole = None
        self._folders = {escape(folder): folder for folder in folders}
        self._owners: dict[str, dict[str, Owner]] = {}

    @property
    def skipped(self) -> int:  # type: ignore[override]  # a sum here
        """See `Directory`."""
        return sum(tree.skipped for tree in self._trees)

    def parts(self) -> Iterator[Files | Gap]:
        """See `Source`."""
        for tree in self._trees:
            yield from tree.parts()

    def size(self) -> int:
        """See `Source`."""
        return sum(tree.size() for tree in self._trees)

    def named(self, finding: Finding) -> Finding:
        """`finding` with the distribution that its file belongs to, if a RECORD names it."""
        return replace(finding, place=self._place(finding.place))

    def _place(self, place: Place) -> Place:
        tree, file, *inner = place.chain
        if tree.name in self._folders and tree.name not in self._owners:
            self._owners[tree.name] = dict(_owners(self._folders[tree.name]))
        owner = self._owners.get(tree.name, {}).get(file.name)
        if owner is None:
            return place
        link = Link("distribution", owner.project, version=owner.version, project=owner.project)
        return replace(place, chain=(tree, link, file, *inner))


def _own() -> Iterator[str]:
    """Where the Python that runs this finds packages."""
    yield from (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))
    yield from site.getsitepackages()
    if site.ENABLE_USER_SITE:
        yield site.getusersitepackages()


def _below(path: str) -> Iterator[str]:
    """The folders of the environment at `path`: its root, its Python, or one of the folders itself."""
    if os.path.isfile(path):  # never resolved first: the Python of a virtual environment is a link to another one
        root = os.path.dirname(os.path.dirname(path))
        if not _config(root) and not list(_laid_out(root)):
            root = os.path.dirname(os.path.dirname(os.path.realpath(path)))
        path = root or os.curdir
    yield from _laid_out(path)
    if glob.glob("*.dist-info", root_dir=path):
        yield path
    settings = _config(path)
    if settings.get("include-system-site-packages", "").lower() == "true" and settings.get("home"):
        yield from _laid_out(os.path.dirname(settings["home"]))


def _laid_out(root: str) -> Iterator[str]:
    for layout in _LAYOUTS:
        for folder in sorted(glob.glob(layout, root_dir=root)):
            yield os.path.join(root, folder)


def _distinct(folders: Iterable[str]) -> list[str]:
    """Those that are there, each once: `lib64` is often a link to `lib`."""
    known: dict[str, str] = {}
    for folder in folders:
        if os.path.isdir(folder):
            known.setdefault(os.path.realpath(folder), folder)
    return list(known.values())


def _config(root: str) -> dict[str, str]:
    """The settings in `pyvenv.cfg`; none where there is no such file."""
    lines = _read(os.path.join(root, _CONFIG), _LONGEST_CONFIG).decode("utf-8", "surrogateescape").splitlines()
    pairs = (line.partition("=") for line in lines)
    return {key.strip().lower(): value.strip() for key, _, value in pairs}


def _owners(folder: str) -> Iterator[tuple[str, Owner]]:
    """The files below `folder` that RECORDs name, as they are shown, and whose they are."""
    for info in sorted(glob.glob("*.dist-info", root_dir=folder)):
        project, version = metadata.project_and_version(
            _read(os.path.join(folder, info, "METADATA"), metadata.METADATA)
        )
        named, _, numbered = escape(info.removesuffix(".dist-info")).rpartition("-")
        owner = Owner(project or named, version or numbered)
        record = _read(os.path.join(folder, info, "RECORD"), metadata.RECORD)
        with contextlib.suppress(csv.Error):
            for name in metadata.recorded(record):
                yield name, owner


def _read(path: str, most: int) -> bytes:
    """The first bytes of a file; none where it cannot be read."""
    try:
        return opened(os.open(path, OPEN_FILE)).read(0, most)
    except (OSError, ValueError):
        return b""
