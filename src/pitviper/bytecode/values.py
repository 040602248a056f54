"""What an evaluation knows of a value: the value itself, or how it is written.

An expression is kept as the parts that it was made of, and becomes text only if a line is told with it: most never are.
`telling` says whether strings stand in it that are worth a line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from pitviper.bytecode.code import Code, Constant, Frozen, Huge, Pairs, Slice

LONGEST = 64 * 1024
"""Characters of an expression that is written in one line; a longer one is told in pieces."""
MOST_ITEMS = 4096
"""Of a display that is kept apart."""
MOST_EITHER = 8
"""Values that one may be."""
_FEW_PIECES = 8
_COUPLE = 2
_PIECE = 16
"""Characters that take as long to write as a piece."""
_MOST_PIECES = 64 * 1024
"""Of a line. Values may share their parts, so that few instructions make endlessly many."""
_NUMBERS = frozenset((int, float, complex, bool, type(None)))
_MOST_SEEN = 512
_MOST_BITS = 256
"""Of an integer that is written out."""


class Known:
    """A value that is known; the name that it was read from, or `at` which offset of the code it stands, if it does."""

    __slots__ = ("at", "name", "telling", "value")

    def __init__(self, value: Constant, telling: bool, name: str = "", at: int = -1) -> None:  # noqa: FBT001 - a hot path
        self.value = value
        self.telling = telling
        self.name = name
        self.at = at

    def parts(self) -> Sequence[Part]:
        """How it is written, if it is no string."""
        if self.name:
            return (self.name,)
        value = self.value
        if isinstance(value, (tuple, list, Frozen)):
            items = value.items if isinstance(value, Frozen) else value
            brackets = "[]" if isinstance(value, list) else "{}" if isinstance(value, Frozen) else "()"
            return _listed(brackets, [_part(one, self.at) for one in items[:MOST_ITEMS]])
        if isinstance(value, Pairs):
            flat = [_part(one, self.at) for pair in value.items[:MOST_ITEMS] for one in pair]
            return _paired(flat)
        if isinstance(value, Code):
            return (value.name,)
        if isinstance(value, (Huge, Slice)) or (isinstance(value, int) and value.bit_length() > _MOST_BITS):
            return ("…",)
        return (repr(value),)


class Name:
    """A name, dotted perhaps, of which nothing more is known."""

    __slots__ = ("text",)
    telling = False

    def __init__(self, text: str) -> None:
        self.text = text

    def parts(self) -> Sequence[Part]:
        """How it is written."""
        return (self.text,)


class Import(Name):
    """What a name stands for that was imported."""

    __slots__ = ()


class Literal:
    """A piece of an f-string."""

    __slots__ = ("at", "value")
    telling = True

    def __init__(self, value: str, at: int) -> None:
        self.value = value
        self.at = at

    def parts(self) -> Sequence[Part]:
        """How it is written: as it is."""
        return (self.value,)


class Attribute:
    """`of.name`."""

    __slots__ = ("name", "of", "telling")

    def __init__(self, of: Value, name: str) -> None:
        self.of = of
        self.name = name
        self.telling: bool = of.telling

    def parts(self) -> Sequence[Part]:
        """How it is written."""
        return (self.of, ".", self.name)


class Expression:
    """Anything else, as its parts."""

    __slots__ = ("pieces", "telling")

    def __init__(self, *pieces: Part) -> None:
        self.pieces = pieces
        self.telling: bool = _are_telling([one for one in pieces if not isinstance(one, str)])

    def parts(self) -> Sequence[Part]:
        """How it is written."""
        return self.pieces


class Call:
    """`function(*arguments, **keywords)`."""

    __slots__ = ("arguments", "function", "keywords", "telling")

    def __init__(self, function: Value, arguments: Sequence[Value], keywords: dict[str, Value] | None) -> None:
        self.function = function
        self.arguments = arguments
        self.keywords = keywords
        self.telling: bool = (
            function.telling or _are_telling(arguments) or (keywords is not None and _are_telling(keywords.values()))
        )

    def parts(self) -> Sequence[Part]:
        """How it is written: a keyword once for each value that it may have."""
        found: list[Part] = [self.function, "("]
        separator = ""
        for one in self.arguments:
            found += (separator, one)
            separator = ", "
        for name, value in (self.keywords or {}).items():
            for one in alternatives(value):
                found += (f"{separator}**" if name == "**" else f"{separator}{name}=", one)
                separator = ", "
        found.append(")")
        return found


class Class(Call):
    """A class as it is made, with its body."""

    __slots__ = ("body",)

    def __init__(self, body: Code, bases: Sequence[Value], keywords: dict[str, Value] | None) -> None:
        super().__init__(Name(f"class {body.name}"), bases, keywords)
        self.body = body


class Display:
    """A tuple, list, set or dict (with keys and values by turns) as it is being made."""

    __slots__ = ("brackets", "items", "telling")

    def __init__(self, brackets: str, items: list[Value]) -> None:
        self.brackets = brackets
        self.items = items
        self.telling: bool = _are_telling(items)

    def add(self, items: Sequence[Value]) -> None:
        """More items."""
        self.items += items
        self.telling = self.telling or _are_telling(items)

    def parts(self) -> Sequence[Part]:
        """How it is written."""
        return _paired(self.items) if self.brackets == "{:}" else _listed(self.brackets, self.items)


class Either:
    """One of several values: what a condition decides."""

    __slots__ = ("telling", "values")

    def __init__(self, values: list[Value]) -> None:
        self.values = values
        self.telling: bool = _are_telling(values)

    def parts(self) -> Sequence[Part]:
        """How it is written."""
        found: list[Part] = []
        for one in alternatives(self):
            found += (" or ", one)
        return found[1:]


class Each(Either):
    """One value after the other: what a loop over known values works on; and the name that it goes by, if it does."""

    __slots__ = ("name",)

    def __init__(self, values: list[Value], name: str = "") -> None:
        super().__init__(values)
        self.name = name

    def parts(self) -> Sequence[Part]:
        """How it is written."""
        return (self.name,) if self.name else super().parts()


def alternatives(value: Value) -> Sequence[Value]:
    """What `value` may be, as far as it is written out."""
    return value.values[:MOST_EITHER] if isinstance(value, Either) else (value,)


Value: TypeAlias = "Known | Name | Literal | Attribute | Expression | Call | Display | Either"
Part: TypeAlias = "str | Value"

UNKNOWN = Name("…")
NULL = Name("")
"""What newer versions push beside a function that is no method."""


def _are_telling(values: Iterable[Value]) -> bool:
    """A loop, for `any` would take twice as long."""
    for one in values:  # noqa: SIM110
        if one.telling:
            return True
    return False


def known(value: Constant, at: int = -1) -> Known:
    """`value`, of which nobody knew before whether it tells anything."""
    return Known(value, has_strings(value), "", at)


def parts_of(value: Known) -> list[Value]:
    """What is in a tuple or a list; empty for anything else."""
    if not isinstance(value.value, (tuple, list)):
        return []
    if not value.telling and not value.name:
        return [Known(one, telling=False) for one in value.value[:MOST_ITEMS]]
    return [_part(one, value.at) for one in value.value[:MOST_ITEMS]]


def _part(value: Constant, at: int) -> Known:
    """Of a constant: whatever has parts again is taken to have strings, for they may share them without end."""
    telling = bool(value) if isinstance(value, (str, bytes)) else isinstance(value, (tuple, list, Frozen, Pairs))
    return Known(value, telling, "", at)


def has_strings(value: Constant) -> bool:
    """Whether there are strings in a constant."""
    if isinstance(value, (str, bytes)):
        return bool(value)
    if not isinstance(value, (tuple, list, Frozen, Pairs)):
        return False
    pending: list[Any] = [value]
    for _ in range(_MOST_SEEN):
        if not pending:
            return False
        one = pending.pop()
        if isinstance(one, (str, bytes)):
            if one:
                return True
        elif isinstance(one, (Frozen, Pairs)):
            pending += one.items[:_MOST_SEEN]
        elif isinstance(one, (tuple, list)) and not _NUMBERS.issuperset(map(type, one[:MOST_ITEMS])):
            pending += one[:_MOST_SEEN]
    return True  # whatever is so big has strings


def _listed(brackets: str, items: Sequence[Value]) -> list[Part]:
    found: list[Part] = [brackets[0]]
    for one in items:
        found += (one, ", ")
    if items:
        found.pop()
    found.append(brackets[1])
    return found


def _paired(items: Sequence[Value]) -> list[Part]:
    """A dict; a key once for each value that it may have, and what `**` brings as it is."""
    found: list[Part] = ["{"]
    for key, value in zip(items[::2], items[1::2], strict=False):
        for one in alternatives(value):
            found += ("**", one, ", ") if key is NULL else (key, ": ", one, ", ")
    if len(found) > 1:
        found.pop()
    found.append("}")
    return found


class Writer:
    """Writes values as source, and remembers the strings that it wrote.

    `plain_bytes`: bytes are text, as in Python 2.
    """

    def __init__(self, *, plain_bytes: bool) -> None:
        self.strings: set[str | bytes] = set()
        self.marks: list[tuple[int, int]] = []
        """Where in the text of the last `write` strings stand, and at which offsets of the code."""
        self.couples: list[Value] = []
        """Tuples and lists of two in the last `write`."""
        self.work = 0
        """Characters of the last `write`, also if it was given up."""
        self._plain_bytes = plain_bytes

    def write(self, parts: Sequence[Part]) -> str | None:
        """The source of `parts`; None if it is too long for a line."""
        out: list[str] = []
        strings: list[str | bytes] = []
        self.marks = marks = []
        self.couples = couples = []
        pending: list[Part] = list(parts[::-1])
        size = pieces = 0
        while pending:
            one = pending.pop()
            if isinstance(one, str):
                text = one
            elif isinstance(one, Known) and not one.name and isinstance(one.value, (str, bytes)):
                strings.append(one.value)
                if one.at >= 0:
                    marks.append((size, one.at))
                text = self._string(one.value)
            elif isinstance(one, Literal):
                strings.append(one.value)
                if one.at >= 0:
                    marks.append((size, one.at))
                text = one.value.replace("\0", r"\0")
            else:
                if isinstance(one, Call):
                    strings += one.keywords or ()
                elif _is_couple(one):
                    couples.append(one)
                parts = one.parts()
                pieces += 1 + len(parts)
                pending += parts[::-1]
                if pieces > _MOST_PIECES or len(pending) > _MOST_PIECES:
                    self.work = size + _PIECE * pieces
                    return None
                continue
            out.append(text)
            size += len(text)
            if size > LONGEST and len(out) > _FEW_PIECES:
                self.work = size + _PIECE * pieces
                return None
        self.strings.update(strings)
        self.work = size + _PIECE * pieces
        return "".join(out)

    def _string(self, value: str | bytes) -> str:
        if isinstance(value, str):
            return quoted(value)
        return quoted_bytes(value, text=True) if self._plain_bytes else "b" + quoted_bytes(value)


def _is_couple(value: Value) -> bool:
    if isinstance(value, Known):
        return isinstance(value.value, (tuple, list)) and len(value.value) == _COUPLE and not value.name
    return isinstance(value, Display) and len(value.items) == _COUPLE and value.brackets in ("()", "[]")


def split(parts: Sequence[Part]) -> list[list[Part]]:
    """`parts` in several groups: what stands between commas and brackets."""
    if len(parts) == 1 and not isinstance(parts[0], str):
        parts = parts[0].parts()
    groups: list[list[Part]] = [[]]
    for one in parts:
        if isinstance(one, str) and one[:1] in ",([{)]}":
            groups.append([])
            one = one.strip(",([{)]} ")  # noqa: PLW2901 - the rest of it
        if one != "":
            groups[-1].append(one)
    if len(groups) == 1 and len(parts) > 1:  # as in `name = value`: the name stays with each of what it may be
        return [[one] for one in parts if not isinstance(one, str)]
    return [group for group in groups if group]


def quoted(text: str) -> str:
    """`text` in quotes that are not in it, if there are such, with nothing escaped but NUL, which no text has."""
    if "\0" in text:
        text = text.replace("\0", r"\0")
    if "\n" in text:
        return f'"""{text}"""'
    return f"'{text}'" if '"' in text and "'" not in text else f'"{text}"'


def quoted_bytes(content: bytes, *, text: bool = False) -> str:
    """`content` in quotes: as text if it is printable, else with escapes, which are decoded like those in source."""
    try:
        decoded = content.decode("utf-8" if text else "ascii")
    except UnicodeDecodeError:
        return repr(content)[1:]
    printable = text or decoded.isprintable() or decoded.translate({9: " ", 10: " ", 13: " "}).isprintable()
    return quoted(decoded) if printable else repr(content)[1:]
