"""Sources: where artefacts come from. `interface` says what one is, `open_target` finds the right one."""

from __future__ import annotations

import os
import stat

from pitviper.config import PLATFORM
from pitviper.errors import TargetError
from pitviper.model.place import escape
from pitviper.sources import environment, index
from pitviper.sources.directory import Directory
from pitviper.sources.git_history import History, Which
from pitviper.sources.git_staged import Staged
from pitviper.sources.image_folder import ImageFolder, is_image
from pitviper.sources.interface import Flow
from pitviper.sources.stream import Stream

_GIT = "git:"

_IMAGE = "image:"


def open_target(
    target: str, *, gitignore: bool = False, index_url: str | None = None, most: int = 1 << 36, platform: str = PLATFORM
) -> Directory | Flow:
    """The source that `target` names: `-`, `pypi:NAME` and `env:PATH`, else a path. Raises `TargetError`."""
    if target == "-":
        return Stream()
    if target.startswith((_IMAGE, index.PREFIX)):
        return _remote(target, index_url, most, platform)
    if target.startswith(environment.PREFIX):
        return environment.Environment(target, gitignore=gitignore)
    try:
        is_stream = stat.S_ISFIFO(os.stat(target).st_mode)
    except (OSError, ValueError):
        is_stream = False  # `Directory` says what is wrong with it
    if is_image(target):
        return ImageFolder(target)
    if not is_stream:
        return Directory(target, gitignore=gitignore)
    try:
        return Stream(os.open(target, os.O_RDONLY), target)
    except OSError as error:
        raise TargetError(f"{escape(target)}: {error.strerror}", hint="Check the rights on it.") from None


def is_repository(target: str, *, staged: bool) -> bool:
    """Whether `target` means what git keeps, and not the files in a folder."""
    return target.startswith(_GIT) or (staged and os.path.isdir(target))


def open_repository(target: str, which: Which, *, history: bool, staged: bool) -> History | Staged | None:
    """What git keeps of `target`, if it is `git:PATH`, or a folder and its `history` or what is `staged` is wanted.

    Raises `TargetError`.
    """
    if not target.startswith(_GIT) and not ((history or staged) and os.path.isdir(target)):
        return None
    path = target.removeprefix(_GIT) or "."
    return Staged(path) if staged else History(path, which)


def _remote(target: str, index_url: str | None, most: int, platform: str) -> Directory | Flow:
    if target.startswith(index.PREFIX):
        return index.Index(target, index_url, most)
    from pitviper.sources.registry_image import Image  # noqa: PLC0415 - an HTTP client, for this target only

    return Image(target, platform, most)
