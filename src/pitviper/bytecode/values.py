"""What an evaluation knows of a value: the value itself, or how it is written.

An expression is kept as the parts that it was made of, and becomes text only if a line is told with it: most never are.
`telling` says whether strings stand in it that are worth a line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar, TypeAlias

import msgspec

from pitviper.bytecode.code import Code, Constant, Frozen, Huge, Pairs, Slice

MOST_ITEMS = 4096
"""Of a display that is kept apart."""
MOST_EITHER = 8
"""Values that one may be."""
NUMBERS = frozenset((int, float, complex, bool, type(None)))
_MOST_SEEN = 512
_MOST_BITS = 256
"""Of an integer that is written out."""


class Known(msgspec.Struct, eq=False, gc=False):
    """A value that is known; the name that it was read from, or `at` which offset of the code it stands, if it does."""

    value: Any
    telling: bool
    name: str = ""
    at: int = -1

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


class Name(msgspec.Struct, eq=False, gc=False):
    """A name, dotted perhaps, of which nothing more is known."""

    text: str
    telling: ClassVar[bool] = False

    def parts(self) -> Sequence[Part]:
        """How it is written."""
        return (self.text,)


class Import(Name):
    """What a name stands for that was imported."""


class Literal(msgspec.Struct, eq=False, gc=False):
    """A piece of an f-string."""

    value: str
    at: int
    telling: ClassVar[bool] = True

    def parts(self) -> Sequence[Part]:
        """How it is written: as it is."""
        return (self.value,)


class Attribute(msgspec.Struct, eq=False, gc=False):
    """`of.name`, as telling as that is."""

    of: Value
    name: str
    telling: bool

    def parts(self) -> Sequence[Part]:
        """How it is written."""
        return (self.of, ".", self.name)


class Expression:
    """Anything else, as its parts."""

    __slots__ = ("pieces", "telling")

    def __init__(self, *pieces: Part) -> None:
        self.pieces = pieces
        self.telling = False
        for one in pieces:
            if not isinstance(one, str) and one.telling:
                self.telling = True
                break

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
    kind = value.__class__
    if kind is str or kind is bytes:
        return bool(value)
    if kind in NUMBERS or not isinstance(value, (tuple, list, Frozen, Pairs)):
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
        elif isinstance(one, (tuple, list)) and not NUMBERS.issuperset(map(type, one[:MOST_ITEMS])):
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


def strings_in(constants: Sequence[Constant], most: int) -> Iterator[tuple[int, str | bytes]]:
    """The strings in constants, with their numbers; as many as `most` parts of all of them have."""
    for index, constant in enumerate(constants):
        if constant.__class__ in NUMBERS:
            continue
        pending: list[Any] = [constant]
        while pending and most:
            most -= 1
            one = pending.pop()
            if isinstance(one, (str, bytes)):
                if one:
                    yield index, one
            elif isinstance(one, (Frozen, Pairs)):
                pending += one.items[::-1]
            elif isinstance(one, (tuple, list)):
                pending += one[::-1]


def known_items(value: Display) -> tuple[Any, ...] | list[Any] | Pairs | None:
    """What a list, a tuple or a dict is, if all that is in it is known."""
    if value.brackets == "{}" or len(value.items) > MOST_ITEMS:
        return None
    items = [one.value for one in value.items if isinstance(one, Known)]
    if len(items) < len(value.items):
        return None
    if value.brackets == "{:}":
        return Pairs(tuple(zip(items[::2], items[1::2], strict=False)))
    return items if value.brackets == "[]" else tuple(items)


def merged(one: list[Value], other: list[Value]) -> list[Value]:
    """What two ways bring to the same place: the same but for what either may be.

    Where they bring more and less, one of them is not what it seems, and the first is believed.
    """
    if len(one) != len(other):
        return one[:]
    return [value if value is more else _either(value, more) for value, more in zip(one, other, strict=True)]


def _either(one: Value, other: Value) -> Value:
    values: list[Value] = []
    for value in (one, other):
        for each in value.values if isinstance(value, Either) else [value]:
            if each is not UNKNOWN and each is not NULL and len(values) < MOST_EITHER:
                values.append(each)
    values = list({id(each): each for each in values}.values())
    return Either(values) if len(values) > 1 else values[0] if values else UNKNOWN
