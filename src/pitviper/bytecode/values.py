"""What an evaluation knows of a value: the value itself, or how it is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from pitviper.bytecode.code import Code, Constant, Frozen, Huge, Pairs, Slice

LONGEST = 64 * 1024
"""Characters of an expression that is written out; a longer one becomes `…`, and its strings stand alone."""
MOST_ITEMS = 4096
"""Of a display that is kept apart."""
_DEEPEST = 32
_MOST_SHOWN = 500_000
"""Constants that are written out for one file."""


class Known:
    """A value that is known, and the name that it was read from, if it was."""

    __slots__ = ("name", "value")

    def __init__(self, value: Constant, name: str = "") -> None:
        self.value = value
        self.name = name


class Written:
    """A value of which only its source is known. `telling`: there are strings in that."""

    __slots__ = ("telling", "text")

    def __init__(self, text: str, *, telling: bool = False) -> None:
        self.text = text
        self.telling = telling


class Display:
    """A tuple, list, set or dict (with keys and values by turns) as it is being made."""

    __slots__ = ("brackets", "items")

    def __init__(self, brackets: str, items: list[Value]) -> None:
        self.brackets = brackets
        self.items = items


class Either:
    """One of several values: what a condition decides."""

    __slots__ = ("values",)

    def __init__(self, values: list[Value]) -> None:
        self.values = values


Value: TypeAlias = "Known | Written | Display | Either"

UNKNOWN = Written("…")
NULL = Written("")
"""What newer versions push beside a function that is no method."""


class Shown:
    """Writes values as source, and remembers the strings that it wrote."""

    def __init__(self) -> None:
        self.strings: set[str | bytes] = set()
        self._left = _MOST_SHOWN

    def value(self, value: Value, depth: int = 0) -> str:
        """The source of `value`."""
        if isinstance(value, Written):
            return value.text
        if isinstance(value, Known):
            return value.name or self.constant(value.value, depth)
        if depth > _DEEPEST:
            return "…"
        if isinstance(value, Either):
            return " or ".join([self.value(one, depth + 1) for one in value.values])
        items = [self.value(one, depth + 1) for one in value.items]
        if value.brackets == "{:}":
            pairs = zip(items[::2], items[1::2], strict=False)
            return "{" + ", ".join([f"{key}: {one}" for key, one in pairs]) + "}"
        return value.brackets[0] + ", ".join(items) + value.brackets[1]

    def constant(self, value: Constant, depth: int = 0) -> str:  # noqa: PLR0911 - a type each
        """The source of a constant. Strings stand in quotes with all that is in them as it is, to be searched."""
        self._left -= 1
        if self._left < 0:  # a few bytes may stand for tuples of tuples of tuples, all of them one
            return "…"
        if isinstance(value, str):
            self.strings.add(value)
            return quoted(value)
        if isinstance(value, bytes):
            self.strings.add(value)
            return "b" + quoted_bytes(value)
        if isinstance(value, Code):
            return value.name
        if depth > _DEEPEST:
            return "…"
        if isinstance(value, (tuple, list)):
            return "(" + self._all(value, depth) + ")"
        if isinstance(value, Frozen):
            return "{" + self._all(value.items, depth) + "}"
        if isinstance(value, Pairs):
            pairs = [f"{self.constant(key, depth + 1)}: {self.constant(one, depth + 1)}" for key, one in value.items]
            return "{" + ", ".join(pairs) + "}"
        if isinstance(value, (Huge, Slice)) or (isinstance(value, int) and value.bit_length() > 256):  # noqa: PLR2004
            return "…"
        return repr(value)

    def _all(self, values: Sequence[Constant], depth: int) -> str:
        return ", ".join([self.constant(one, depth + 1) for one in values[:MOST_ITEMS]])


def quoted(text: str) -> str:
    """`text` in quotes that are not in it, if there are such, with nothing escaped but NUL, which no text has."""
    text = text.replace("\0", r"\0")
    if "\n" in text:
        return f'"""{text}"""'
    return f"'{text}'" if '"' in text and "'" not in text else f'"{text}"'


def quoted_bytes(content: bytes) -> str:
    """`content` in quotes: as text if it is printable, else with escapes, which are decoded like those in source."""
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError:
        return repr(content)[1:]
    printable = text.isprintable() or text.translate({9: " ", 10: " ", 13: " "}).isprintable()
    return quoted(text) if printable else repr(content)[1:]


def is_telling(value: Value) -> bool:
    """Whether strings stand in the source of `value`."""
    pending: list[Any] = [value]
    for _ in range(MOST_ITEMS):
        if not pending:
            return False
        one = pending.pop()
        if isinstance(one, Known):
            pending += [] if one.name else [one.value]
        elif isinstance(one, Written):
            pending += ["…"] if one.telling else []
        elif isinstance(one, (str, bytes)):
            if one:
                return True
        else:
            pending += _parts(one)
    return True  # whatever is so big has strings


def _parts(value: Any) -> Sequence[Any]:
    if isinstance(value, Either):
        return value.values
    if isinstance(value, (Display, Frozen)):
        return value.items
    if isinstance(value, Pairs):
        return [part for pair in value.items[:MOST_ITEMS] for part in pair]
    return value[:MOST_ITEMS] if isinstance(value, (tuple, list)) else ()
