"""The distributions that are installed in an environment: its site-packages, and whose file is whose.

Nothing of the environment is run, not even its Python: where packages lie is known from how environments are laid out,
and whose a file is from what installers noted (see `installed`). What that says to lie elsewhere is told, and not
followed: an environment is a stranger's, and must not choose what else is read. Sources: PEP 405 (`pyvenv.cfg`); the
documentation of `site`.
"""

from __future__ import annotations

import glob
import os
import site
import sys
import sysconfig
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from pitviper.errors import TargetError
from pitviper.model.finding import Evidence, Finding
from pitviper.model.gap import Gap, Reason
from pitviper.model.place import Link, escape
from pitviper.sources.directory import Directory, Files
from pitviper.sources.installed import Owners, elsewhere, read

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


class Environment(Directory):
    """The folders `site-packages` of the environment that `target` names. Raises `TargetError` if there is none."""

    def __init__(self, target: str, *, gitignore: bool = False) -> None:
        shown = escape(target)
        path = target.removeprefix(PREFIX)
        try:
            path = path or os.environ.get("VIRTUAL_ENV", "")
            folders = _distinct(_below(path) if path else _own())
        except (OSError, ValueError):
            folders = []
        if not folders:
            raise TargetError(f"{shown}: no folder site-packages is there", hint=_HINT)
        try:
            self._trees = [Directory(folder, gitignore=gitignore) for folder in folders]
        except TargetError as error:
            raise TargetError(f"{shown}: {error}", hint=error.hint) from None
        self.told = f"{shown} is {escape(path or sys.prefix)}"
        """Which environment it is."""
        self.whole = None
        self._folders = {escape(folder): folder for folder in folders}
        self._owners: dict[str, Owners] = {}

    @property
    def skipped(self) -> int:  # type: ignore[override]  # a sum here
        """See `Directory`."""
        return sum(tree.skipped for tree in self._trees)

    def parts(self) -> Iterator[Files | Gap]:
        """See `Source`."""
        for folder, tree in zip(self._folders.values(), self._trees, strict=True):
            yield from tree.parts()
            for one in elsewhere(folder):
                detail = f"it leads to {one.folder}, which is not looked into: name that as a target, too"
                yield Gap(os.path.join(escape(folder), one.name), Reason.ELSEWHERE, detail)

    def size(self) -> int:
        """See `Source`."""
        return sum(tree.size() for tree in self._trees)

    def named(self, finding: Finding) -> Finding:
        """`finding` with the distribution that its file belongs to, or word that it belongs to none."""
        tree, file, *inner = finding.place.chain
        if tree.name in self._folders and tree.name not in self._owners:
            self._owners[tree.name] = Owners(self._folders[tree.name])
        owners = self._owners.get(tree.name)
        if not owners:
            return finding
        if owner := owners.of(file.name):
            link = Link("distribution", owner.project, version=owner.version, project=owner.project)
            return replace(finding, place=replace(finding.place, chain=(tree, link, file, *inner)))
        place = replace(finding.place, chain=(tree, replace(file, recorded=False), *inner))
        return replace(finding, place=place, evidence=(*finding.evidence, Evidence("record", "of no distribution")))


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
    if any(glob.glob(kind, root_dir=path) for kind in ("*.dist-info", "*.egg-info", "*.egg")):
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
    lines = read(os.path.join(root, _CONFIG), _LONGEST_CONFIG).decode("utf-8", "surrogateescape").splitlines()
    pairs = (line.partition("=") for line in lines)
    return {key.strip().lower(): value.strip() for key, _, value in pairs}
