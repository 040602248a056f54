"""The index that pip is configured to use: who says `pypi:NAME` means what `pip install NAME` would fetch.

Source: pip's documentation, "Configuration": the files, their order, and how a command's section goes before `global`.
"""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Iterator

_FILE = "PIP_CONFIG_FILE"
_NAME = "pip.ini" if sys.platform == "win32" else "pip.conf"
_SECTIONS = ("download", "install", "global")
"""The first of these that names an index."""
_KEYS = ("index-url", "index_url")
_LARGEST = 1024 * 1024


def index_url() -> str | None:
    """The index, by the last of the files that names one; None if none does. A file that cannot be read names none."""
    found: dict[str, str] = {}
    for path in _files():
        parser = configparser.RawConfigParser()
        try:
            with open(path, encoding="utf-8") as file:
                parser.read_string(file.read(_LARGEST))
        except (OSError, ValueError, configparser.Error):
            continue
        for section in _SECTIONS:
            for key in _KEYS:
                if value := parser.get(section, key, fallback="").strip():
                    found[section] = value
    return next((found[section] for section in _SECTIONS if section in found), None)


def _files() -> Iterator[str]:
    """For all users, for this user, for the environment, and the one that a variable names: later ones win."""
    named = os.environ.get(_FILE)
    if named == os.devnull:  # pip's way to ask for none at all
        return
    from platformdirs import site_config_path, user_config_dir  # noqa: PLC0415 - 5 ms that only who uses an index pays

    if sys.platform not in ("win32", "darwin"):
        folders = os.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
        yield from (os.path.join(folder, "pip", _NAME) for folder in reversed(folders.split(os.pathsep)))
        yield os.path.join("/etc", _NAME)
    else:
        yield os.path.join(site_config_path("pip", appauthor=False), _NAME)
    yield os.path.join(os.path.expanduser("~"), "pip" if sys.platform == "win32" else ".pip", _NAME)
    yield os.path.join(user_config_dir("pip", appauthor=False, roaming=True), _NAME)
    yield os.path.join(os.environ.get("VIRTUAL_ENV") or sys.prefix, _NAME)
    if named:
        yield named
