"""`.gitignore` as git reads it: a file in every folder, the deepest that has an opinion decides."""

from __future__ import annotations

import os


class Gitignore:
    """The ignore files of the repository around `root`, and of the folders below it that were entered."""

    def __init__(self, root: str) -> None:
        import pathspec  # noqa: PLC0415 - only needed with --gitignore

        self._parse = pathspec.GitIgnoreSpec.from_lines
        self._root = os.path.join(root, "")
        self._specs: dict[str, pathspec.GitIgnoreSpec] = {}
        top = _repository(root)
        if top:
            self._read(top, os.path.join(top, ".git", "info", "exclude"))
            folder = root
            while folder != top:
                folder = os.path.dirname(folder)
                self._read(folder, os.path.join(folder, ".gitignore"))

    def enter(self, prefix: str) -> None:
        """Read the ignore file of the folder `prefix` ("" or "a/b/", below the root)."""
        folder = (self._root + prefix).rstrip("/")
        self._read(folder, os.path.join(folder, ".gitignore"))

    def covers(self, path: str, *, is_folder: bool) -> bool:
        """Whether `path` (below the root) is ignored. Git itself never looks into `.git`."""
        if path.rpartition("/")[2] == ".git":
            return True
        full = self._root + path
        folder = full
        while (parent := os.path.dirname(folder)) != folder:
            folder = parent
            if spec := self._specs.get(folder):
                relative = os.path.relpath(full, folder) + ("/" if is_folder else "")
                include = spec.check_file(relative).include
                if include is not None:
                    return include
        return False

    def _read(self, folder: str, path: str) -> None:
        try:
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                lines = file.read(1 << 20).splitlines()
        except OSError:
            return
        earlier = self._specs.get(folder)
        spec = self._parse(lines)
        self._specs[folder] = earlier + spec if earlier else spec


def _repository(folder: str) -> str | None:
    """The nearest folder at or above `folder` that holds `.git`."""
    while not os.path.exists(os.path.join(folder, ".git")):
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent
    return folder
