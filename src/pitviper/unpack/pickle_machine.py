"""`Machine`: follows the instructions of a pickle without running any of it.

A pickle is a program for a small machine with a stack. It is followed here with what stands in it, never with what it
would make: a function that it calls is a name, and its result is unknown. Strings become lines, those of a dict
`key = "value"`. An import becomes `pickle imports`, a tab (which nobody writes in prose) and `os.system`, and rules
know it. `joblib` puts arrays between instructions. Sources: CPython, Lib/pickletools.py; joblib, numpy_pickle.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from math import prod
from typing import Any

import msgspec

from pitviper.engine.data import Data
from pitviper.model.gap import Reason
from pitviper.unpack.interface import Refused, damaged

PROTOCOL = re.compile(rb"\x80[\x02-\x05]")
_MOST = 8_000_000
"""Instructions of a file; a million take a second."""
_MOST_VALUES = 1_000_000
"""Values on the stack, and in the memo."""
_MOST_KEPT = 64 * 1024 * 1024
"""Bytes of strings that are kept until they may be told with their name."""
_MOST_ITEMS = 64
"""Of a tuple or dict that are kept, to know what an array looks like."""
_MOST_NESTED = 64
LONGEST = 1024 * 1024
"""Bytes of a string that becomes a line, and that are read at once."""
_LEAST_BYTES = 64
"""Bytes that are no text and worth a member of their own."""
_FULL = 4 * 1024 * 1024
"""Bytes of text that make a member."""
_LONGEST_KEY = 256
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")

_FIXED = {
    **dict.fromkeys(b"(.012NQRabdelostu)]}\x81\x85\x86\x87\x88\x89\x8f\x90\x91\x92\x93\x94\x97\x98", 0),
    **dict.fromkeys(b"Khq\x80\x82", 1),
    **dict.fromkeys(b"M\x83", 2),
    **dict.fromkeys(b"Jjr\x84", 4),
    **dict.fromkeys(b"G\x95", 8),
}
"""Instructions with an argument of so many bytes."""
_COUNTED = {
    **dict.fromkeys(b"UC\x8a\x8c", 1),
    **dict.fromkeys(b"TXB\x8b", 4),
    **dict.fromkeys(b"\x8d\x8e\x96", 8),
}
"""With an argument behind a length of so many bytes."""
_LINES = {**dict.fromkeys(b"FILPSVgp", 1), **dict.fromkeys(b"ci", 2)}
"""With so many lines."""
_BYTES = frozenset(b"UTCB\x8e\x96")
_STRINGS = frozenset(b"XVS\x8c\x8d") | _BYTES
_NUMBERS = frozenset(b"KMJ")


class _Text(msgspec.Struct):
    """A string, and whether a line of it was told."""

    content: bytes
    told: bool = False


class _Global(msgspec.Struct, frozen=True):
    """What is imported: `os.system`."""

    name: str


class _Made(msgspec.Struct, frozen=True):
    """What calling something would make, and the first argument, if it is text."""

    function: str
    argument: bytes


_MARK = object()


class Import(msgspec.Struct, frozen=True):
    """What a pickle imports, and where."""

    module: str
    name: str
    offset: int


class _Source:
    """Reads `data` from front to back."""

    def __init__(self, data: Data, position: int) -> None:
        self._data = data
        self._buffer = b""
        self._base = position
        self._at = 0

    @property
    def position(self) -> int:
        """Where the next byte is."""
        return self._base + self._at

    @property
    def left(self) -> int:
        """Bytes that follow."""
        return self._data.size - self.position

    def take(self, size: int) -> bytes:
        """The next bytes, at most `LONGEST`. Raises EOFError."""
        piece = self._buffer[self._at : self._at + size]
        if len(piece) < size:
            self._base += self._at
            self._at = 0
            self._buffer = self._data.read(self._base, max(size, LONGEST))
            piece = self._buffer[:size]
            if len(piece) < size:
                raise EOFError("it is cut short")
        self._at += size
        return piece

    def line(self) -> bytes:
        """What follows up to the end of the line."""
        end = self._buffer.find(b"\n", self._at)
        if end < 0:
            self.skip(0)
            end = self._buffer.find(b"\n")
        if end < 0:
            raise EOFError("an instruction does not end")
        return self.take(end + 1 - self._at)[:-1]

    def peek(self) -> bytes:
        """The next two bytes, if there are two."""
        if self._at + 2 > len(self._buffer):
            self.skip(0)
        return self._buffer[self._at : self._at + 2]

    def skip(self, size: int) -> None:
        """Go on behind the next bytes."""
        if size > self.left:
            raise EOFError("it is cut short")
        self._base += self._at + size
        self._at = 0
        self._buffer = self._data.read(self._base, LONGEST)


class Machine:
    """Follows the instructions of a pickle, and of those behind it, in `data` from `start` on."""

    def __init__(self, data: Data, start: int = 0) -> None:
        self.source = _Source(data, start)
        self.imports: list[Import] = []
        self.binary: list[tuple[int, int]] = []
        """Where bytes are that are no text."""
        self._lines: list[bytes | _Text] = []
        self._filled = self._kept = 0
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._outer: list[tuple[list[Any], dict[int, Any]]] = []
        """Stack and memo of pickles that hold the one at hand."""
        self.count = 0
        self.is_over = False

    def run(self) -> Iterator[bytes]:
        """The lines, some at a time, up to the end. Raises what makes no sense."""
        while not self.is_over:
            self.step()
            if self._filled > _FULL:
                yield self.text()

    def text(self) -> bytes:
        """The lines that were not told yet."""
        lines = [line if isinstance(line, bytes) else line.content for line in self._lines if not _is_told(line)]
        self._lines, self._filled = [], 0
        return b"".join(line + b"\n" for line in lines)

    def step(self) -> None:
        """One instruction."""
        self.count += 1
        if self.count > _MOST or len(self._stack) > _MOST_VALUES or len(self._memo) > _MOST_VALUES:
            raise Refused(Reason.OVER_BUDGET, f"it has more than {_MOST:,} instructions, or {_MOST_VALUES:,} values")
        code = self.source.take(1)[0]
        argument = self._argument(code)
        if code in _STRINGS:
            self._stack.append(self._told(_unquoted(code, argument)))
        elif code in _NUMBERS:
            self._stack.append(int.from_bytes(argument, "little"))
        elif action := _ACTIONS.get(code):
            action(self, argument)
        elif code not in _WITHOUT_EFFECT:
            self._stack.append(None)

    def _argument(self, code: int) -> bytes:
        """What belongs to the instruction `code`."""
        if (size := _FIXED.get(code)) is not None:
            return self.source.take(size) if size else b""
        if lines := _LINES.get(code):
            return b"\n".join([self.source.line() for _ in range(lines)])
        width = _COUNTED.get(code)
        if width is None:
            raise damaged(f"an instruction {code:#x} that no version has")
        size = int.from_bytes(self.source.take(width), "little")
        if size > self.source.left:
            raise EOFError("a string would end behind its end")
        start = self.source.position
        if size <= LONGEST:
            content = self.source.take(size)
            if code not in _BYTES or size < _LEAST_BYTES or not _CONTROL.search(content):
                return content
        else:
            self.source.skip(size)
        if code in _STRINGS:
            self.binary.append((start, size))
        return b""

    def _told(self, content: bytes) -> _Text | None:
        """A line for `content`, which may become part of another; what is too much is forgotten."""
        text = _Text(content, told=not content)
        self._lines.append(text)
        self._filled += len(content) + 1
        self._kept += len(content)
        return text if self._kept < _MOST_KEPT else None

    def _line(self, line: bytes) -> None:
        self._lines.append(line)
        self._filled += len(line) + 1

    def pop(self) -> Any:
        """The last value; unknown where there is none, as in a pickle that is broken on purpose."""
        return self._stack.pop() if self._stack and self._stack[-1] is not _MARK else None

    def drop(self) -> None:
        """The last value goes, or the last mark."""
        if self._stack:
            self._stack.pop()

    def pop_mark(self) -> list[Any]:
        """The values behind the last mark, without it."""
        stack = self._stack
        at = len(stack) - 1
        while at >= 0 and stack[at] is not _MARK:
            at -= 1
        items = stack[at + 1 :]
        del stack[max(at, 0) :]
        return items

    def push(self, value: Any) -> None:
        """Put `value` on the stack."""
        self._stack.append(value)

    def last(self) -> Any:
        """The last value, which stays."""
        return self._stack[-1] if self._stack and self._stack[-1] is not _MARK else None

    def remember(self, key: int) -> None:
        """The last value, for later."""
        self._memo[key] = self.last()

    def memoize(self) -> None:
        """The last value under the next number."""
        self.remember(len(self._memo))

    def recall(self, key: int) -> None:
        """What was remembered."""
        self.push(self._memo.get(key))

    def bring(self, module: bytes, name: bytes) -> None:
        """An import."""
        told = module.decode("utf-8", "replace"), name.decode("utf-8", "replace")
        self.imports.append(Import(*told, self.source.position))
        self._line(b"pickle imports\t%b.%b" % (module, name))
        self.push(_Global(".".join(told)))

    def pair(self, target: Any, key: Any, value: Any) -> None:
        """An item of a dict, or an attribute."""
        if isinstance(key, _Text):
            if isinstance(target, dict) and len(target) < _MOST_ITEMS:
                target[key.content] = value
            if isinstance(value, _Text) and len(key.content) <= _LONGEST_KEY and b"\n" not in key.content:
                key.told = value.told = True
                quoted = value.content if _is_long(value.content) else b'"%b"' % value.content
                self._line(b"%b = %b" % (key.content, quoted))

    def build(self) -> None:
        """An object gets its state: one of joblib's is followed by an array."""
        state = self.pop()
        if not (isinstance(state, dict) and b"allow_mmap" in state):
            return
        dtype, shape = state.get(b"dtype"), state.get(b"shape")
        code = dtype.argument if isinstance(dtype, _Made) else b""
        if code.startswith(b"O"):
            if len(self._outer) == _MOST_NESTED:
                raise damaged("its arrays lie in each other")
            self._outer.append((self._stack, self._memo))
            self._stack, self._memo = [], {}
        elif code[1:].isdigit() and isinstance(shape, tuple) and all(isinstance(one, int) for one in shape):
            if b"numpy_array_alignment_bytes" in state:
                self.source.skip(self.source.take(1)[0])
            size = prod(shape) * int(code[1:])
            self.binary.append((self.source.position, min(size, self.source.left)))
            self.source.skip(size)

    def stop(self) -> None:
        """The end of a pickle: that it lies in goes on, or one behind it."""
        if self._outer:
            self._stack, self._memo = self._outer.pop()
        elif PROTOCOL.match(self.source.peek()):
            self._stack, self._memo = [], {}
        else:
            self.is_over = True


def _is_told(line: bytes | _Text) -> bool:
    return isinstance(line, _Text) and line.told


def _is_long(content: bytes) -> bool:
    return b"\n" in content or b'"' in content


_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_PLAIN = {b"n": b"\n", b"t": b"\t", b"r": b"\r"}


def _unquoted(code: int, argument: bytes) -> bytes:
    """A string of protocol 0 without quotes and escapes, as UTF-8."""
    if code == ord("V"):
        return argument.decode("raw-unicode-escape", "replace").encode("utf-8", "replace")
    if code == ord("S"):
        return _ESCAPE.sub(_character, argument.strip()[1:-1])
    return argument


def _character(found: re.Match[bytes]) -> bytes:
    return bytes((int(found[1], 16),)) if found[1] else _PLAIN.get(found[2], found[2])


def _number(argument: bytes) -> int:
    text = argument.strip()
    return int(text) if text.isdigit() and len(text) < 20 else -1  # noqa: PLR2004 - more than a memo has


def _set_items(machine: Machine, argument: bytes) -> None:
    del argument
    items = iter(machine.pop_mark())
    for key, value in zip(items, items, strict=False):
        machine.pair(machine.last(), key, value)


def _set_item(machine: Machine, argument: bytes) -> None:
    del argument
    value, key = machine.pop(), machine.pop()
    machine.pair(machine.last(), key, value)


def _dict(machine: Machine, argument: bytes) -> None:
    del argument
    made: dict[bytes, Any] = {}
    items = iter(machine.pop_mark())
    for key, value in zip(items, items, strict=False):
        machine.pair(made, key, value)
    machine.push(made)


def _tuple(machine: Machine, count: int) -> None:
    machine.push(tuple(reversed([machine.pop() for _ in range(count)])))


def _bring(machine: Machine, argument: bytes) -> None:
    module, _, name = argument.partition(b"\n")
    machine.bring(module, name)


def _bring_from_stack(machine: Machine, argument: bytes) -> None:
    del argument
    name, module = machine.pop(), machine.pop()
    if isinstance(name, _Text) and isinstance(module, _Text):
        name.told = module.told = True
        machine.bring(module.content, name.content)
    else:
        machine.push(None)


def _call(machine: Machine, argument: bytes) -> None:
    del argument
    arguments, function = machine.pop(), machine.pop()
    first = arguments[0] if isinstance(arguments, tuple) and arguments else None
    if isinstance(function, _Global) and isinstance(first, _Text):
        machine.push(_Made(function.name, first.content))
    else:
        machine.push(None)


def _call_with_keywords(machine: Machine, argument: bytes) -> None:
    machine.pop()
    _call(machine, argument)


def _instance(machine: Machine, argument: bytes) -> None:
    machine.pop_mark()
    _bring(machine, argument)


def _marked(machine: Machine, argument: bytes) -> None:
    """What makes one thing of all behind the mark: list, object, frozenset."""
    del argument
    machine.pop_mark()
    machine.push(None)


_ACTIONS: dict[int, Any] = {
    ord("("): lambda machine, _: machine.push(_MARK),
    ord("."): lambda machine, _: machine.stop(),
    ord("0"): lambda machine, _: machine.drop(),
    ord("1"): lambda machine, _: machine.pop_mark(),
    ord("2"): lambda machine, _: machine.push(machine.last()),
    ord("a"): lambda machine, _: machine.pop(),
    ord("e"): lambda machine, _: machine.pop_mark(),
    0x90: lambda machine, _: machine.pop_mark(),
    ord("b"): lambda machine, _: machine.build(),
    ord("c"): _bring,
    ord("i"): _instance,
    0x93: _bring_from_stack,
    ord("R"): _call,
    0x81: _call,
    0x92: _call_with_keywords,
    ord("o"): _marked,
    ord("l"): _marked,
    0x91: _marked,
    ord("t"): lambda machine, _: machine.push(tuple(machine.pop_mark()[:_MOST_ITEMS])),
    0x85: lambda machine, _: _tuple(machine, 1),
    0x86: lambda machine, _: _tuple(machine, 2),
    0x87: lambda machine, _: _tuple(machine, 3),
    ord("d"): _dict,
    ord("}"): lambda machine, _: machine.push({}),
    ord("s"): _set_item,
    ord("u"): _set_items,
    ord("p"): lambda machine, argument: machine.remember(_number(argument)),
    ord("q"): lambda machine, argument: machine.remember(argument[0]),
    ord("r"): lambda machine, argument: machine.remember(int.from_bytes(argument, "little")),
    0x94: lambda machine, _: machine.memoize(),
    ord("g"): lambda machine, argument: machine.recall(_number(argument)),
    ord("h"): lambda machine, argument: machine.recall(argument[0]),
    ord("j"): lambda machine, argument: machine.recall(int.from_bytes(argument, "little")),
    ord("Q"): lambda machine, _: (machine.pop(), machine.push(None)),
}
_WITHOUT_EFFECT = frozenset(b"\x80\x95\x98")


def imports(data: Data) -> list[Import]:
    """What the pickle at the beginning of `data` imports, as far as it makes sense."""
    machine = Machine(data)
    with suppress(EOFError, Refused):
        for _ in machine.run():
            pass
    return machine.imports
