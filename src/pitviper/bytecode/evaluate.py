"""Symbolic evaluation: what compiled code assigns, calls and compares, as lines of source, without running any of it.

One pass over the instructions, with a stack of what is known of values (see `values`). Where a jump leads, the stack
that it brings is merged with the one that arrives: a conditional expression becomes both of its values. An instruction
that nothing here knows does to the stack what its table says. Sources: CPython, Lib/dis and Python/bytecodes.c (from
3.12 on), Python/ceval.c (before); the facts that differ between versions stand beside the instructions.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from functools import cache
from typing import Any

import msgspec

from pitviper.bytecode.code import MOST_CODES, Code, Frozen, Version
from pitviper.bytecode.lines import Lines, handlers
from pitviper.bytecode.opcodes import UNKNOWN as NO_OPERATION
from pitviper.bytecode.opcodes import Table, table
from pitviper.bytecode.values import (
    LONGEST,
    MOST_ITEMS,
    UNKNOWN,
    Display,
    Either,
    Known,
    Shown,
    Value,
    Written,
    is_telling,
)

MOST_INSTRUCTIONS = 4_000_000
"""In one file."""
MOST_TEXT = 64 * 1024 * 1024
"""Characters of all lines of one file."""
_DEEPEST_STACK = 64 * 1024
_MOST_EITHER = 8
_CONST_TUPLE = 4096


class Line(msgspec.Struct, gc=False):
    """A line of source: what it says, the line in the source file, and the function that it stands in."""

    text: str
    line: int | None
    qualname: str


def evaluate(code: Code, wanted: Container[int] | None = None) -> list[Line]:
    """All lines of `code` and of the code in it; or only of those whose `id` is `wanted`.

    Never raises for what is in them; bounded in every direction.
    """
    whole = _Whole()
    whole.pending.append((code, {}, ""))
    while whole.pending and whole.codes < MOST_CODES:
        one, outer, owner = whole.pending.pop()
        whole.codes += 1
        if whole.size > MOST_TEXT:
            break
        if wanted is None or id(one) in wanted:
            _Evaluation(whole, one, outer, owner).run()
    return whole.lines


class _Whole:
    """What the evaluations of one file have in common."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.size = 0
        self.codes = 0
        self.left = MOST_INSTRUCTIONS
        self.pending: list[tuple[Code, dict[str, Known], str]] = []
        self.globals: dict[str, Known] = {}


_Handler = Callable[["_Evaluation", int], None]


class _Operations(msgspec.Struct, frozen=True):
    """The instructions of a version by number: what to do, inline caches, how they jump, and their names."""

    table: Table
    do: list[_Handler]
    caches: list[int]
    jumps: list[str]
    names: list[str]


class _Evaluation:
    """Of one code object."""

    def __init__(self, whole: _Whole, code: Code, outer: dict[str, Known], owner: str) -> None:
        self.whole = whole
        self.code = code
        self.version = (code.version.major, code.version.minor)
        self.is_pypy = code.version.implementation == "pypy"
        self.qualname = code.qualname if code.qualname not in ("", code.name) else _within(owner, code.name)
        self.is_module = not owner
        self.outer = outer
        self.known: dict[str, Known] = {}
        self.lost: set[str] = set()
        """Variables that were known further out, and are something else here."""
        self.shown = Shown()
        self.stack: list[Value] = []
        self.snapshots: dict[int, list[Value]] = {}
        self.line: int | None = code.firstlineno
        self.keywords: tuple[str, ...] = ()
        self.target = -1
        self.dead = False
        self.operations = _operations(code.version)

    def run(self) -> None:
        """Evaluate all instructions, then tell the strings that no line has shown."""
        for handler in handlers(self.code):
            if handler.depth < _DEEPEST_STACK:
                self.snapshots[handler.target] = [UNKNOWN] * (handler.depth + 1 + handler.with_offset)
        self._instructions()
        self._rest()
        inner = {**self.outer, **self.known} if len(self.outer) < _CONST_TUPLE else self.known
        if self.is_module:
            self.whole.globals = self.known
            inner = {}
        for value in reversed(self.code.consts):
            if isinstance(value, Code):
                self.whole.pending.append((value, inner, self.qualname or "<module>"))

    def _instructions(self) -> None:  # noqa: C901 - the one loop
        code = self.code.code
        operations = self.operations
        do, caches, jumps = operations.do, operations.caches, operations.jumps
        wide = self.version >= (3, 6)
        unit = 2 if self.version >= (3, 10) and not self.is_pypy else 1
        have_argument = operations.table.have_argument
        lines = iter(Lines(self.code))
        next_line = next(lines, None)
        position, size, extended = 0, len(code), 0
        while position < size:
            start = position
            if start in self.snapshots:
                self._arrive(self.snapshots.pop(start))
            elif self.dead:
                self.stack = []
                self.dead = False
            while next_line is not None and next_line[0] <= start:
                self.line = next_line[1] if next_line[1] is not None else self.line
                next_line = next(lines, None)
            number = code[position]
            if wide:
                argument = code[position + 1] | extended if position + 1 < size else 0
                position += 2 + 2 * caches[number]
            elif number >= have_argument:
                argument = int.from_bytes(code[position + 1 : position + 3], "little") | extended
                position += 3
            else:
                argument = 0
                position += 1
            if operations.names[number] == "EXTENDED_ARG":
                extended = (argument << (8 if wide else 16)) & 0xFFFFFFFF
                continue
            extended = 0
            self.whole.left -= 1
            if self.whole.left < 0:
                return
            jump = jumps[number]
            if jump:
                distance = -argument if "BACKWARD" in operations.names[number] else argument
                self.target = argument * unit if jump == "a" else position + distance * unit
            do[number](self, argument)
            if len(self.stack) > _DEEPEST_STACK:
                del self.stack[:-_DEEPEST_STACK]

    # The stack

    def pop(self) -> Value:
        return self.stack.pop() if self.stack else UNKNOWN

    def pops(self, count: int) -> list[Value]:
        """The last `count` values, the deepest first."""
        if count <= 0:
            return []
        if count > len(self.stack):  # of nonsense
            count = min(count, max(len(self.stack), MOST_ITEMS))
        there = self.stack[-count:]
        del self.stack[-count:]
        return [UNKNOWN] * (count - len(there)) + there

    def push(self, value: Value) -> None:
        self.stack.append(value)

    def leave(self) -> None:
        """A jump forward: what is on the stack will be there."""
        if self.target >= 0 and len(self.snapshots) < MOST_ITEMS:
            known = self.snapshots.get(self.target)
            self.snapshots[self.target] = _merged(known, self.stack) if known is not None else list(self.stack)

    def _arrive(self, brought: list[Value]) -> None:
        self.stack = brought if self.dead else _merged(brought, self.stack)
        self.dead = False

    # What is told

    def show(self, value: Value) -> str:
        text = self.shown.value(value)
        return text if len(text) <= LONGEST else "…"

    def write(self, text: str, value: Value) -> Written:
        """An expression with `value` in it."""
        if len(text) > LONGEST:
            self.tell(text)
            return UNKNOWN
        return Written(text, telling=is_telling(value))

    def tell(self, text: str) -> None:
        """A line, unless it is the one before once more."""
        lines = self.whole.lines
        if lines and lines[-1].text == text and lines[-1].line == self.line:
            return
        self.whole.size += len(text)
        if self.whole.size <= MOST_TEXT:
            lines.append(Line(text, self.line, self.qualname))

    def assign(self, target: str, value: Value) -> None:
        """A line `target = value`, if there is a string in it; one for each value that it may be."""
        if isinstance(value, Either):
            for one in value.values:
                self.assign(target, one)
        elif is_telling(value):
            text = self.shown.value(value)
            if len(text) > LONGEST and isinstance(value, Display):
                self._tell_parts(value)
            else:
                self.tell(f"{target} = {text}")

    def _tell_parts(self, value: Display) -> None:
        """What is in a display that is too long for one line."""
        items = [self.shown.value(one) for one in value.items]
        if value.brackets == "{:}":
            items = [f"{key}: {one}" for key, one in zip(items[::2], items[1::2], strict=False)]
        for item in items:
            self.tell(item)

    def store(self, name: str, value: Value) -> None:
        """A variable gets a value."""
        self.assign(name, value)
        if isinstance(value, Known) and not isinstance(value.value, Code):
            self.known[name] = Known(value.value, name)
        else:
            self.known.pop(name, None)
            self.lost.add(name)

    def load(self, name: str, *, everywhere: bool) -> Value:
        """A variable: what is known of it, else its name."""
        found = self.known.get(name)
        if found is None and name not in self.lost:
            found = self.outer.get(name) or (self.whole.globals.get(name) if everywhere else None)
        return found or Written(name)

    def statement(self, value: Value) -> None:
        """An expression whose value nobody wants, or that decides something."""
        if isinstance(value, Written) and value.telling:
            self.tell(value.text)
        elif isinstance(value, (Display, Either)) and is_telling(value):
            self.tell(self.show(value))

    def _rest(self) -> None:
        """The strings of the code that no line has shown."""
        self.line = self.code.firstlineno
        pending: list[Any] = list(self.code.consts)
        for _ in range(MOST_ITEMS * 16):
            if not pending:
                break
            value = pending.pop()
            if isinstance(value, (str, bytes)):
                if value and value not in self.shown.strings:
                    self.tell(self.shown.constant(value))
            elif isinstance(value, Frozen):
                pending += value.items
            elif isinstance(value, (tuple, list)):
                pending += value

    def name_of(self, index: int) -> str:
        names = self.code.names
        return names[index] if index < len(names) else "…"

    def fast(self, index: int) -> str:
        names = self.code.slots or self.code.varnames
        return names[index] if index < len(names) else "…"

    def cell(self, index: int) -> str:
        if self.version >= (3, 11) and not self.is_pypy:
            return self.fast(index)
        cells = self.code.cellvars + self.code.freevars
        return cells[index] if index < len(cells) else "…"


def _within(owner: str, name: str) -> str:
    return name if owner in ("", "<module>") else f"{owner}.{name}"


def _merged(one: Sequence[Value], other: Sequence[Value]) -> list[Value]:
    """What two ways bring to the same place: the same but for what either may be."""
    count = min(len(one), len(other))
    if not count:
        return list(one or other)
    merged = list(one[len(one) - count :])
    for index, value in enumerate(other[len(other) - count :]):
        if value is not merged[index]:
            merged[index] = _either(merged[index], value)
    return merged


def _either(one: Value, other: Value) -> Value:
    values: list[Value] = []
    for value in (one, other):
        for each in value.values if isinstance(value, Either) else [value]:
            if each is not UNKNOWN and not any(each is known for known in values) and len(values) < _MOST_EITHER:
                values.append(each)
    return Either(values) if len(values) > 1 else values[0] if values else UNKNOWN


@cache
def _operations(version: Version) -> _Operations:
    from pitviper.bytecode import operations  # noqa: PLC0415 - it names `_Evaluation` in turn

    found = table(version)
    rows = [found.operations.get(number, NO_OPERATION) for number in range(256)]
    do = [operations.handler(name, effects) for name, _, _, effects in rows]
    return _Operations(found, do, [row[1] for row in rows], [row[2] for row in rows], [row[0] for row in rows])
