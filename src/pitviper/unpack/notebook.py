"""Jupyter notebooks: cells with their sources and outputs, attachments, and whatever else the JSON holds.

Strings are searched unescaped, lines joined, colours of tracebacks removed; nothing of the JSON is left out, not even a
key that stands twice. Source: the notebook format, nbformat 4.5, and its older form with worksheets, nbformat 3.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

from pitviper.engine.data import Data, Memory
from pitviper.model.gap import Reason
from pitviper.model.place import escape
from pitviper.unpack.interface import Format, Item, Member, Options, Refused, Rest, damaged

_MOST = 32 * 1024 * 1024
"""Bytes of a notebook that is parsed; as Python's strings it may take four times as much memory."""
_MOST_MEMORY = 160 * 1024 * 1024
_COSTS = ((b"{", 256), (b"[", 80), (b",", 40))
"""Bytes that an object, a list and an entry of either take in memory, whatever is in it."""
_FIRST_KEY = re.compile(rb'\{\s*"(?:cells|metadata|nbformat|nbformat_minor|orig_nbformat|worksheets)"\s*:')
_MARKS = (b'"nbformat', b'"cell_type"', b'"kernelspec"')
_LAST_KEY = b'nbformat_minor"'
_COLOUR = re.compile(r"\x1b\[[0-9;]{0,20}m")
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]{16,}={0,2}\s*")
_AGAIN = "(again)"
"""Under this key stand the values of keys that an object has twice."""


def begins(head: bytes, tail: bytes) -> bool:
    """An object whose first key is one of a notebook, with another one in sight."""
    if not head.startswith(b"{"):
        return False
    return _LAST_KEY in tail or (_FIRST_KEY.match(head) is not None and any(mark in head for mark in _MARKS))


def members(data: Data, options: Options) -> Iterator[Item]:
    """A member for each cell, for each file in it, and for all that stands outside."""
    del options
    if data.size > _MOST:
        raise Refused(Reason.OVER_BUDGET, f"a notebook of {data.size:,} bytes: searched without being parsed")
    raw = data.read(0, data.size)
    if sum(raw.count(mark) * cost for mark, cost in _COSTS) > _MOST_MEMORY:
        raise Refused(Reason.OVER_BUDGET, "a notebook of too many values: searched without being parsed")
    try:
        book = json.loads(raw.decode("utf-8", "replace"), object_pairs_hook=_object)
    except RecursionError:
        raise damaged("its JSON is nested too deep") from None
    if not isinstance(book, dict) or "nbformat" not in book:
        yield Rest(0, data.size)
        return
    yield from list(_notebook(book))  # all of it, or the raw bytes


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(reversed(pairs))  # the first of a name
    if len(found) < len(pairs):
        seen: set[str] = set()
        found[_AGAIN] = [value for key, value in pairs if key in seen or seen.add(key)]  # type: ignore[func-returns-value]  # adds it
    return found


def _notebook(book: dict[str, Any]) -> Iterator[Member]:
    sheets = book.pop("worksheets", [])
    groups = [book, *(sheet for sheet in _list(sheets) if isinstance(sheet, dict))]
    cells = [cell for group in groups for cell in _list(group.pop("cells", []))]
    for number, cell in enumerate(cells, 1):
        files: list[tuple[str, bytes]] = []
        text = "\n".join(_texts(cell, files))
        yield Member(str(number), data=_held(text), kind="cell")
        for name, content in files:
            yield Member(f"{number}/{escape(name)}", data=Memory(content))
    yield Member("(metadata)", data=_held("\n".join(_texts(groups, []))))


def _texts(root: object, files: list[tuple[str, bytes]]) -> Iterator[str]:
    """All strings below `root`, those of `source` first; what is a file in base64 goes to `files`."""
    stack: list[tuple[str, object]] = [("", root)]
    while stack:
        key, value = stack.pop()
        text = _text(value)
        if text is None:
            stack += reversed(_children(key, value))
        elif "/" in key and (content := _decoded(text)):
            files.append((key.replace("/", "."), content))
        else:
            yield from _shown(key, text)


def _text(value: object) -> str | None:
    """A string, or one that was split into lines."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(line, str) for line in value):
        joint = "" if all(line.endswith("\n") for line in value[:-1]) else "\n"
        return joint.join(value)
    return None


def _children(key: str, value: object) -> list[tuple[str, object]]:
    if isinstance(value, dict):
        pairs = sorted(value.items(), key=lambda pair: pair[0] not in ("source", "input"))
        return [item for name, child in pairs for item in ([("", name)] if _is_wordy(name) else []) + [(name, child)]]
    return [(key, child) for child in value] if isinstance(value, list) else []


def _is_wordy(key: str) -> bool:
    """Whether a key may be more than the name of something."""
    return len(key) > 16  # noqa: PLR2004 - the shortest secret that rules look for


def _shown(key: str, text: str) -> Iterator[str]:
    plain = _COLOUR.sub("", text)
    is_setting = key and key not in ("source", "input", "text", "traceback") and "/" not in key and "\n" not in plain
    yield f'"{key}": "{plain}"' if is_setting else plain.rstrip("\n")


def _decoded(text: str) -> bytes:
    """What is in base64, by its looks."""
    if not _BASE64.fullmatch(text):
        return b""
    try:
        return base64.b64decode(text)
    except ValueError:
        return b""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _held(text: str) -> Memory:
    return Memory(text.encode("utf-8", "replace"))


FORMAT = Format("a Jupyter notebook", b"{", begins, members, kind="file")
