"""Symbolic evaluation: what compiled code assigns, calls and compares, as lines of source, without running any of it.

One pass over the instructions, with a stack of what is known of values (see `values`). Where a jump leads, the stack
that it brings is merged with the one that arrives: a conditional expression becomes both of its values. An instruction
that nothing here knows does to the stack what its table says. Sources: CPython, Lib/dis and Python/bytecodes.c (from
3.12 on), Python/ceval.c (before); the facts that differ between versions stand beside the instructions.
"""

from __future__ import annotations

from collections.abc import Container, Sequence

from pitviper.bytecode import implied
from pitviper.bytecode.code import MOST_CODES, Code
from pitviper.bytecode.dispatch import ABSOLUTE, EXTENDED, FORWARD, instructions, style
from pitviper.bytecode.fold import Folder
from pitviper.bytecode.lines import handlers
from pitviper.bytecode.values import (
    MOST_ITEMS,
    NUMBERS,
    UNKNOWN,
    Call,
    Class,
    Display,
    Each,
    Either,
    Import,
    Known,
    Name,
    Part,
    Value,
    alternatives,
    has_strings,
    known,
    known_items,
    merged,
    strings_in,
)
from pitviper.bytecode.writer import Line, Origin, Writer, split

MOST_INSTRUCTIONS = 2_000_000
"""In one file; the largest of the standard libraries have 200,000."""
MOST_TEXT = 16 * 1024 * 1024
"""Characters of all lines of one file."""
_DEEPEST_STACK = 64 * 1024
_MOST_MISSING = 16
"""Values that are taken from an empty stack: as many as any instruction takes by itself."""
_DEEPEST_HANDLER = 256
_MOST_KNOWN = 512
"""Variables that are handed to functions within."""
_MOST_PIECES = 16 * 1024
"""Lines that stand for one that is too long."""
_LONGEST_QUALNAME = 512
_MOST_PARTS = 16 * MOST_ITEMS
"""Of the constants of a code object, when their strings are told."""
_MAKERS = frozenset(("chr", "unichr", "bytes", "bytearray", "str", "map", "to_bytes"))
"""Names of what makes strings of numbers."""
_FUNCTION = 0x1
"""The flag of functions (`CO_OPTIMIZED`). Source: CPython, Include/code.h."""


def evaluate(code: Code, wanted: Container[int] | None = None) -> list[Line]:
    """All lines of `code` and of the code in it; or only of those whose `id` is `wanted`.

    Never raises for what is in them; bounded in every direction.
    """
    whole = Whole()
    whole.pending.append((code, {}, ""))
    while whole.pending and whole.codes < MOST_CODES and whole.size < MOST_TEXT:
        one, outer, owner = whole.pending.pop()
        whole.codes += 1
        if (wanted is None or id(one) in wanted) and _may_tell(one, whole, outer):
            _Evaluation(whole, one, outer, owner).run()
    return whole.lines


def _may_tell(code: Code, whole: Whole, outer: dict[str, Value]) -> bool:
    """Whether there may be a string in a line of `code`: of its own, from outside, or made of numbers."""
    return (
        any(constant and constant.__class__ not in NUMBERS for constant in code.consts)
        or not whole.globals.keys().isdisjoint(code.names)
        or not whole.functions.keys().isdisjoint(code.names)
        or not whole.classes.keys().isdisjoint(code.names)
        or not _MAKERS.isdisjoint(code.names)
        or not outer.keys().isdisjoint(code.freevars)
    )


class _Names(dict[str, Name]):
    """Each name once."""

    def __missing__(self, name: str) -> Name:
        self[name] = made = Name(name)
        return made


class Whole:
    """What the evaluations of one file have in common."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.size = 0
        self.codes = 0
        self.left = MOST_INSTRUCTIONS
        self.pending: list[tuple[Code, dict[str, Value], str]] = []
        self.globals: dict[str, Value] = {}
        self.lambdas: dict[int, str] = {}
        """Functions without a name of their own, by id: the name that they are given."""
        self.functions: dict[str, Code] = {}
        self.classes: dict[str, Code | dict[str, Value]] = {}
        self.barren: set[int] = set()
        """The ids of functions that gave no string when they were tried."""
        self.depth = 0
        """How many evaluations aside this is; nobody reads the lines of those."""
        self.names = _Names()
        self.fold = Folder()


class _SpentError(Exception):
    """The code asks for more than any honest one."""


class _Evaluation:
    """Of one code object."""

    __slots__ = (
        "classes",
        "code",
        "constants",
        "dead",
        "fasts",
        "fold",
        "functions",
        "interned",
        "is_module",
        "keywords",
        "known",
        "loaded",
        "lost",
        "names",
        "operations",
        "origin",
        "outer",
        "position",
        "qualname",
        "result",
        "returns",
        "snapshots",
        "stack",
        "target",
        "version",
        "whole",
        "writer",
        "yielded",
    )

    def __init__(self, whole: Whole, code: Code, outer: dict[str, Value], owner: str) -> None:
        self.whole = whole
        self.code = code
        self.version = style(code.version)
        self.qualname = code.qualname if code.qualname not in ("", code.name) else _within(owner, code.name)
        self.origin = Origin(code, self.qualname)
        self.is_module = not owner
        self.outer = outer
        self.known: dict[str, Value] = {}
        self.lost: set[str] = set()
        """Variables that were known further out, and are something else here."""
        self.names = code.names
        self.fasts = code.slots or code.varnames
        self.constants: list[Value | None] = [None] * len(code.consts)
        """Those that are no strings, when they were loaded once."""
        self.loaded: dict[int, int] = {}
        """Where constants with strings were loaded last."""
        self.writer = Writer(plain_bytes=self.version < (3, 0))
        self.interned = whole.names
        self.fold = whole.fold
        self.functions: dict[str, Code] = whole.functions if self.is_module else {}
        self.classes: dict[str, Code | dict[str, Value]] = whole.classes if self.is_module else {}
        """By name; of a class that was asked for, what it holds."""
        self.result: Value = UNKNOWN
        self.returns = 0
        """What it returned last, and how often; and what it yielded."""
        self.yielded: Value = UNKNOWN
        self.stack: list[Value] = []
        self.snapshots: dict[int, list[Value]] = {}
        self.position = 0
        self.keywords: tuple[str, ...] = ()
        self.target = -1
        self.dead = False
        self.operations = instructions(code.version)

    def run(self) -> None:
        """Evaluate all instructions, then tell the strings that no line has shown."""
        for handler in handlers(self.code) if self.code.exceptions else ():
            if handler.depth < _DEEPEST_HANDLER and len(self.snapshots) < MOST_ITEMS:
                self.snapshots[handler.target] = [UNKNOWN] * (handler.depth + 1 + handler.with_offset)
        self.evaluate()
        self._rest()
        codes = [value for value in self.code.consts if isinstance(value, Code)]
        inner: dict[str, Value] = {}
        if self.is_module:
            self.whole.globals = self.known
        elif codes:
            inner = {**self.outer, **self.known} if len(self.outer) < _MOST_KNOWN else self.known
        self.whole.pending += [(one, inner, self.qualname or "<module>") for one in reversed(codes)]

    def evaluate(self) -> None:
        """All instructions, as far as they may cost."""
        try:
            if self.version >= (3, 6):
                self._instructions()
            else:
                self._old_instructions()
        except _SpentError:
            self.stack = []

    def spend(self, amount: int) -> None:
        """What takes as long as `amount` instructions."""
        self.whole.left -= amount
        if self.whole.left < 0:
            raise _SpentError

    def _instructions(self) -> None:
        """Instructions of two bytes, with inline caches behind them."""
        code = self.code.code
        rows = self.operations.rows
        unit = 2 if self.version >= (3, 10) else 1
        snapshots = self.snapshots
        position, extended = 0, 0
        size = min(len(code), 2 * self.whole.left) & ~1
        self.whole.left -= size // 2
        while position < size:
            if position in snapshots:
                self._arrive(snapshots.pop(position))
            self.position = position
            do, width, jump = rows[code[position]]
            argument = code[position + 1]
            if extended:
                argument |= extended
                extended = 0
            position += width
            if not jump:
                do(self, argument)
            elif jump == EXTENDED:
                extended = argument << 8 & 0xFFFFFFFF
            else:
                distance = argument * unit
                self.target = distance if jump == ABSOLUTE else position + (distance if jump == FORWARD else -distance)
                do(self, argument)
                if self.dead and position not in snapshots:
                    self._stray()

    def _old_instructions(self) -> None:
        """Instructions of one byte, or of three with an argument (up to 3.5)."""
        code = self.code.code + bytes(2)
        rows = self.operations.rows
        have_argument = self.operations.table.have_argument
        snapshots = self.snapshots
        position, extended = 0, 0
        size = min(len(code) - 2, self.whole.left)
        self.whole.left -= size
        while position < size:
            if position in snapshots:
                self._arrive(snapshots.pop(position))
            self.position = position
            number = code[position]
            do, _, jump = rows[number]
            argument = 0
            position += 1
            if number >= have_argument:
                argument = code[position] | code[position + 1] << 8 | extended
                position += 2
                extended = 0
            if not jump:
                do(self, argument)
            elif jump == EXTENDED:
                extended = argument << 16 & 0xFFFFFFFF
            else:
                self.target = argument if jump == ABSOLUTE else position + argument
                do(self, argument)
                if self.dead and position not in snapshots:
                    self._stray()

    # The stack

    def pop(self) -> Value:
        return self.stack.pop() if self.stack else UNKNOWN

    def pops(self, count: int) -> list[Value]:
        """The last `count` values, the deepest first."""
        if count <= 0:
            return []
        stack = self.stack
        there = stack[-count:]
        del stack[-count:]
        if len(there) < count:  # of nonsense
            there = [UNKNOWN] * (min(count, _MOST_MISSING) - len(there)) + there
        return there

    def push_all(self, values: Sequence[Value]) -> None:
        """More than one; no honest stack is so deep that this forgets any."""
        self.spend(len(values))
        self.stack += values
        if len(self.stack) > _DEEPEST_STACK:
            del self.stack[:-_DEEPEST_STACK]

    def leave(self) -> None:
        """A jump forward: what is on the stack will be there."""
        if self.target > self.position and len(self.snapshots) < MOST_ITEMS:
            if len(self.stack) > _MOST_MISSING:
                self.spend(len(self.stack))
            there = self.snapshots.get(self.target)
            self.snapshots[self.target] = merged(there, self.stack) if there is not None else self.stack[:]

    def _arrive(self, brought: list[Value]) -> None:
        self.stack = brought if self.dead else merged(brought, self.stack)
        self.dead = False

    def _stray(self) -> None:
        """Behind a return, where no jump leads: code all the same."""
        self.stack = []
        self.dead = False

    # What is told

    def tell(self, *parts: Part) -> None:
        """A line, unless it is the one before once more; several if it is too long."""
        whole, writer = self.whole, self.writer
        pending: list[Sequence[Part]] = [parts]
        for _ in range(_MOST_PIECES):
            if not pending or whole.size > MOST_TEXT:
                return
            one = pending.pop()
            text = writer.write(one)
            whole.size += writer.work
            if text is None:
                pending += reversed(split(one))
            elif text:
                line = Line(text, self.position, self.origin, writer.marks)
                last = whole.lines[-1] if whole.lines else None
                if last is None or last.text != text or last.line != line.line:
                    whole.lines.append(line)
                for couple in writer.couples:
                    if found := implied.pair(couple):
                        self.tell(found[0], " = ", found[1])

    def assign(self, value: Value, *target: Part) -> None:
        """A line `target = value`, if there is a string in it; one for each value that it may be."""
        if isinstance(value, Either):
            for one in alternatives(value):
                self.assign(one, *target)
        elif value.telling:
            self.tell(*target, " = ", value)
            for one in implied.by_assignment(value):
                self.tell(*target, " = ", one)

    def store(self, name: str, value: Value) -> None:
        """A variable gets a value."""
        if isinstance(value, (Known, Call)):
            value = self.given(name, value)
        if value.telling:
            self.assign(value, name)
        if name in self.functions or name in self.classes:
            self.functions.pop(name, None)
            self.classes.pop(name, None)
        found = self._kept(name, value)
        if found is not None:
            self.known[name] = found
        else:
            self.known.pop(name, None)
            self.lost.add(name)

    def _kept(self, name: str, value: Value) -> Value | None:
        """What is known of a variable from here on."""
        if isinstance(value, Known):
            if not isinstance(value.value, Code):
                return Known(value.value, False, name)  # noqa: FBT003 - a hot path
            if self.is_module or self.code.flags & _FUNCTION:
                self.functions[name] = value.value
        elif isinstance(value, Display):
            items = known_items(value)
            return Known(items, telling=False, name=name) if items is not None else None
        elif isinstance(value, Each):
            return Each(value.values, name)
        elif isinstance(value, Import):
            return value
        elif isinstance(value, Class) and (self.is_module or self.code.flags & _FUNCTION):
            self.classes[name] = value.body
        return None

    def given(self, name: str, value: Value) -> Value:
        """What stands behind `name`: of a variable that is known to be a string, the string; a lambda gets the name."""
        if value.__class__ is Known:
            content = value.value
            if value.name and isinstance(content, (str, bytes)):
                return Known(content, bool(content), "", value.at)
            if isinstance(content, Code) and content.name == "<lambda>":
                self.whole.lambdas[id(content)] = name
        elif isinstance(value, Call) and value.keywords:
            for key in implied.FACTORIES:
                if key in value.keywords:
                    self.given(name, value.keywords[key])
        return value

    def load(self, name: str) -> Value:
        """A name of the module or of a class, or a local variable."""
        return self.known.get(name) or self.interned[name]

    def load_global(self, name: str) -> Value:
        """A name of the module, or one that is built in."""
        return self.known.get(name) or self.whole.globals.get(name) or self.interned[name]

    def load_cell(self, name: str) -> Value:
        """A variable of a function further out, perhaps."""
        return (
            self.known.get(name)
            or (self.outer.get(name) if name not in self.lost else None)
            or self.interned[name]
        )  # fmt: skip

    def constant(self, index: int) -> Value:
        """A constant of the code that is not among `constants` yet; those with strings are where they were loaded."""
        value = self.code.consts[index]
        if (value.__class__ is str and value) or index in self.loaded or has_strings(value):
            self.loaded[index] = self.position
            return Known(value, True, "", self.position)  # noqa: FBT003 - a hot path
        self.constants[index] = found = Known(value, telling=False)
        return found

    def statement(self, value: Value) -> None:
        """An expression whose value nobody wants, or that decides something."""
        if value.telling and not isinstance(value, Known):
            self.tell(value)

    def _rest(self) -> None:
        """The strings of the code that no line has shown, each in a line of its own; told at once, which is faster."""
        shown = self.writer.strings
        parts: list[Part] = []
        for index, value in strings_in(self.code.consts, _MOST_PARTS):
            if value not in shown:
                shown.add(value)
                parts += (known(value, self.loaded.get(index, 0)), "\n")
        if parts:
            self.tell(*parts[:-1])

    def name_of(self, index: int) -> str:
        return self.names[index] if index < len(self.names) else "…"

    def fast(self, index: int) -> str:
        return self.fasts[index] if index < len(self.fasts) else "…"

    def cell(self, index: int) -> str:
        if self.version >= (3, 11):
            return self.fast(index)
        cells = self.code.cellvars + self.code.freevars
        return cells[index] if index < len(cells) else "…"


def _within(owner: str, name: str) -> str:
    return name if owner in ("", "<module>") or len(owner) > _LONGEST_QUALNAME else f"{owner}.{name}"
