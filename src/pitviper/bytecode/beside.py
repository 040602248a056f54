"""Which source a file of compiled Python stands for, by its name alone.

Sources: PEP 3147 (`__pycache__/NAME.TAG.pyc`), PEP 488 (`.opt-1`, `.opt-2`), `py_compile` of Python 2 (`NAME.pyc`,
`NAME.pyo` beside the source).
"""

from __future__ import annotations

import re

SUFFIXES = (".pyc", ".pyo")
"""What compiled Python is called."""
SOURCE = ".py"
_CACHE = "__pycache__"
_CACHED = re.compile(r"(?P<stem>.+?)(?:\.[^./]+)?(?:\.opt-(?P<level>\w+))?\.py[co]")
_REWRITTEN = "-pytest-"
"""In tags of what pytest compiled: it rewrites assertions first."""
_LEVELS = {"1": 1, "2": 2}


def source_of(path: str) -> str | None:
    """The path of the source that the compiled file at `path` stands for; None if it does not say, or is pytest's."""
    folder, _, name = path.rpartition("/")
    match = _CACHED.fullmatch(name)
    if match is None:
        return None
    above, _, last = folder.rpartition("/")
    if last != _CACHE:
        return path[:-1]
    if _REWRITTEN in name:
        return None
    stem = f"{match['stem']}{SOURCE}"
    return f"{above}/{stem}" if above or folder.startswith("/") else stem


def level_of(path: str) -> int:
    """At which level of optimisation the compiled file at `path` was made, as its name says."""
    match = _CACHED.fullmatch(path.rpartition("/")[2])
    return _LEVELS.get(match["level"] or "", 0) if match else 0
