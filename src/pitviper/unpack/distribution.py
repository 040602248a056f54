"""Distributions: zip and tar archives that turn out to be wheels, eggs, sdists or conda packages.

Decided by what is in them, not by what they are called: an archive that names itself a wheel and is none stays an
archive. Sources: the PyPA specifications "Binary distribution format", "Source distribution format" and "Recording
installed projects"; setuptools, "The Internal Structure of Python Eggs"; conda, "Package specification".
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from pitviper.engine import metadata
from pitviper.engine.data import Reader
from pitviper.unpack.interface import Identity

Content = Callable[[str, int], bytes]
"""Gives the first bytes of the member with a name, at most so many; none where it cannot be read."""

_FOLDER = re.compile(r"(.+)-(\d[^/]*)")
"""`NAME-VERSION`: the one folder at the top of an sdist."""
_WHEEL = re.compile(r"(.+)-(.+)\.dist-info")
_CONDA = re.compile(r"info-(.+)-([^-]+)-[^-]+\.tar\.zst")
_PKG_INFO, _EGG_INFO = "PKG-INFO", "EGG-INFO/PKG-INFO"
_OF_PYTHON = frozenset({"pyproject.toml", "setup.py", "setup.cfg"})
_MOST_HEADERS = 20_000
"""Members of a tar archive among which its PKG-INFO is looked for: tools write it first, or last."""


class Distribution(msgspec.Struct):
    """What a zip archive turned out to be. `recorded` are those of its files that RECORD names, if it has one."""

    identity: Identity
    folder: str = ""
    """That of the metadata, in a wheel."""
    recorded: frozenset[str] | None = None

    def facts(self, name: str) -> dict[str, Any]:
        """What is known of the file `name`. RECORD and its signatures need not stand in RECORD."""
        if self.recorded is None or name.endswith("/") or name.startswith(f"{self.folder}/RECORD"):
            return {}
        return {"recorded": name in self.recorded}


def in_zip(names: Sequence[str], content: Content) -> Distribution | None:
    """The distribution that the members of a zip archive make up."""
    known = frozenset(names)
    tops = {name.partition("/")[0] for name in known}
    infos = [top for top in tops if _WHEEL.fullmatch(top) and {f"{top}/METADATA", f"{top}/WHEEL"} <= known]
    if len(infos) == 1:
        return _wheel(infos[0], known, content)
    if _EGG_INFO in known:
        return Distribution(_identity(content(_EGG_INFO, metadata.METADATA)))
    if "metadata.json" in known and (conda := [found for found in map(_CONDA.fullmatch, tops) if found]):
        return Distribution(_told(conda[0][1], conda[0][2]))
    top = tops.pop() if len(tops) == 1 else ""
    if (named := _FOLDER.fullmatch(top)) and f"{top}/{_PKG_INFO}" in known:
        return Distribution(_identity(content(f"{top}/{_PKG_INFO}", metadata.METADATA), named))
    return None


def in_tar(members: Iterable[tuple[str, Reader]]) -> Identity | None:
    """What the members of a tar archive tell, of which there may be only the first. The readers serve once.

    PKG-INFO beside everything else makes an sdist. Where it may come later, the archive is one if it is named so, and
    has what builds a Python project.
    """
    top = ""
    is_python = False
    try:
        for count, (name, read) in enumerate(members):
            first, _, rest = name.removeprefix("./").partition("/")
            top = top or first
            if first != top or count > _MOST_HEADERS or not (named := _FOLDER.fullmatch(top)):
                return None
            if rest == _PKG_INFO:
                return _identity(read(metadata.METADATA), named)
            is_python = is_python or rest in _OF_PYTHON
    except Exception:  # noqa: BLE001 - it ends here, or is damaged: who opens it in earnest will tell
        named = _FOLDER.fullmatch(top) if is_python else None
        return _told(named[1], named[2], top) if named else None
    return None


def _wheel(folder: str, known: frozenset[str], content: Content) -> Distribution:
    identity = _identity(content(f"{folder}/METADATA", metadata.METADATA), _WHEEL.fullmatch(folder))
    record = content(f"{folder}/RECORD", metadata.RECORD)
    if not record or len(record) == metadata.RECORD:  # what it names cannot all be known
        return Distribution(identity)
    try:
        recorded = frozenset(name for name in metadata.recorded(record) if name in known)
    except csv.Error:
        return Distribution(identity)
    return Distribution(identity, folder, recorded)


def _identity(content: bytes, named: re.Match[str] | None = None) -> Identity:
    """A distribution as its metadata tell, else as the folder is named."""
    project, version = metadata.project_and_version(content)
    return _told(project or (named[1] if named else ""), version or (named[2] if named else ""))


def _told(project: str, version: str, only_named: str = "") -> Identity:
    facts = {key: value for key, value in (("project", project), ("version", version)) if value}
    return Identity("distribution", facts, only_named)
