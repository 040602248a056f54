"""Sources: where artefacts come from. `interface` says what one is, `open_target` finds the right one.

A source is imported when a target asks for it: most need clients and parsers that a folder does without.
"""

from __future__ import annotations

import os
import stat

from pitviper.config import PLATFORM
from pitviper.errors import TargetError
from pitviper.model.place import escape
from pitviper.sources.directory import Directory
from pitviper.sources.interface import Flow
from pitviper.sources.stream import Stream

_GIT, _IMAGE, _INDEX, _ENVIRONMENT = "git:", "image:", "pypi:", "env:"


def open_target(
    target: str, *, gitignore: bool = False, index_url: str | None = None, most: int = 1 << 36, platform: str = PLATFORM
) -> Directory | Flow:
    """The source that `target` names: `-`, or by its prefix, else a path. Raises `TargetError`."""
    if target == "-":
        return Stream()
    if target.startswith(_INDEX):
        from pitviper.sources.index import Index  # noqa: PLC0415 - see above

        return Index(target, index_url, most)
    if target.startswith(_IMAGE):
        from pitviper.sources.registry_image import Image  # noqa: PLC0415 - see above

        return Image(target, platform, most)
    if target.startswith(_ENVIRONMENT):
        from pitviper.sources.environment import Environment  # noqa: PLC0415 - see above

        return Environment(target, gitignore=gitignore)
    return _path(target, gitignore=gitignore)


def _path(target: str, *, gitignore: bool) -> Directory | Flow:
    try:
        is_stream = stat.S_ISFIFO(os.stat(target).st_mode)
        is_image = os.path.isfile(os.path.join(target, "oci-layout"))
    except (OSError, ValueError):
        return Directory(target, gitignore=gitignore)  # it says what is wrong
    if is_image:
        from pitviper.sources import image_folder  # noqa: PLC0415 - see above

        if image_folder.is_image(target):
            return image_folder.ImageFolder(target)
    if not is_stream:
        return Directory(target, gitignore=gitignore)
    try:
        return Stream(os.open(target, os.O_RDONLY), target)
    except OSError as error:
        raise TargetError(f"{escape(target)}: {error.strerror}", hint="Check the rights on it.") from None


def is_repository(target: str, *, staged: bool) -> bool:
    """Whether `target` means what git keeps, and not the files in a folder."""
    return target.startswith(_GIT) or (staged and os.path.isdir(target))


def has_repository(target: str, *, history: bool, staged: bool) -> bool:
    """Whether what git keeps of `target` is wanted, beside its files or instead."""
    return target.startswith(_GIT) or ((history or staged) and os.path.isdir(target))


def repository(target: str) -> str:
    """The path of the repository that `target` names."""
    return target.removeprefix(_GIT) or "."
