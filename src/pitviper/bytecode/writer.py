"""`Writer`: values as source, in lines that know the strings in them, and where those come from."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from pitviper.bytecode.code import Code
from pitviper.bytecode.lines import Lines
from pitviper.bytecode.values import Call, Display, Known, Literal, Name, Part, Value

LONGEST = 64 * 1024
"""Characters of an expression that is written in one line; a longer one is told in pieces."""
_FEW_PIECES = 8
_PIECE = 16
"""Characters that take as long to write as a piece."""
_MOST_PIECES = 64 * 1024
"""Of a line. Values may share their parts, so that few instructions make endlessly many."""
_COUPLE = 2
_LARGE = 1 << 64
"""Smaller integers are written out at once."""


class Origin:
    """The code object of lines, and the name of its function; its table of lines is read when one is asked for."""

    __slots__ = ("_code", "_lines", "qualname")

    def __init__(self, code: Code, qualname: str) -> None:
        self.qualname = qualname
        self._code = code
        self._lines: Lines | None = None

    def line(self, position: int) -> int | None:
        """The line in the source of the instruction at `position`."""
        if self._lines is None:
            self._lines = Lines(self._code)
        line = self._lines.at(position)
        return self._code.firstlineno if line is None else line


class Line(msgspec.Struct, gc=False):
    """A line of source: what it says, and the instruction that says it.

    `marks` are the places in `text` where strings stand, with the instructions that those are from.
    """

    text: str
    position: int
    origin: Origin
    marks: list[tuple[int, int]]

    @property
    def line(self) -> int | None:
        """The line in the source file."""
        return self.origin.line(self.position)

    @property
    def qualname(self) -> str:
        """The function that it stands in."""
        return self.origin.qualname

    def line_at(self, place: int) -> int | None:
        """The line in the source file of what stands in `text` at `place`."""
        position = self.position
        for start, at in self.marks:
            if start > place:
                break
            position = at
        return self.origin.line(position)


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

    def write(self, parts: Sequence[Part]) -> str | None:  # noqa: C901 - a hot path
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
            elif isinstance(one, Name):
                text = one.text
            elif isinstance(one, Known) and one.name:
                text = one.name
            elif isinstance(one, (Known, Literal)) and isinstance(one.value, (str, bytes)):
                strings.append(one.value)
                if one.at >= 0:
                    marks.append((size, one.at))
                text = one.value.replace("\0", r"\0") if isinstance(one, Literal) else self._string(one.value)
            elif isinstance(one, Known) and isinstance(one.value, int) and -_LARGE < one.value < _LARGE:
                text = repr(one.value)
            else:
                if isinstance(one, Call):
                    strings += one.keywords or ()
                elif _is_couple(one):
                    couples.append(one)
                more = one.parts()[::-1]
                pieces += 1 + len(more)
                pending += more
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
