"""Reading marshal, the format of compiled Python, without the interpreter's own reader.

That one trusts what it reads, knows one version, and may crash. This one reads those of all versions, keeps what it has
where the bytes are damaged, and bounds everything. Values are never hashed and never compared: a few bytes may describe
a tuple of tuples of tuples that would take for ever. Source: CPython, Python/marshal.c, of 2.7 to 3.15.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import msgspec

from pitviper.bytecode.code import Code, Constant, Frozen, Huge, Pairs, Slice, Unknown, Version

MAX_OBJECTS = 1_000_000
"""In one file; the largest modules of the standard libraries have 60,000."""
MAX_DEPTH = 2_000
"""Containers in each other: MAX_MARSHAL_STACK_DEPTH."""
_LONGEST_INT = 1_000
"""Digits of 15 bits of an integer that is computed; a longer one is an RSA key of 15,000 bits, or an attack."""

_FLAG_REF = 0x80
_NULL, _NONE, _FALSE, _TRUE, _ELLIPSIS, _STOP = b"0NFT.S"
_INT, _INT64, _LONG, _FLOAT, _BINARY_FLOAT, _COMPLEX, _BINARY_COMPLEX = b"iIlfgxy"
_STRING, _INTERNED, _STRINGREF, _UNICODE, _REF, _CODE = b"stRurc"
_ASCII, _ASCII_INTERNED, _SHORT_ASCII, _SHORT_ASCII_INTERNED = b"aAzZ"
_TUPLE, _SMALL_TUPLE, _LIST, _SET, _FROZENSET, _DICT, _FROZENDICT, _SLICE = b"()[<>{}:"

_LOCAL, _CELL, _FREE = 0x20, 0x40, 0x80
_ALL_LOCAL = bytes((_LOCAL,))
"""What a slot of the fast locals is (3.11). Source: Include/internal/pycore_code.h."""
_ENDLESS = -1
"""How many values a dict has: as many as come in front of a NULL."""
_UNKNOWN = Unknown()
_SINGLETONS: dict[int, Constant] = {_NONE: None, _FALSE: False, _TRUE: True, _ELLIPSIS: ..., _STOP: _UNKNOWN}
_UNPACK_INT = struct.Struct("<i").unpack_from
_UNPACK_FLOAT = struct.Struct("<d").unpack_from
_UNPACK_COMPLEX = struct.Struct("<2d").unpack_from


class Loaded(msgspec.Struct):
    """What came of reading: the value, as far as it could be read, where it ends, and what was wrong, or ""."""

    value: Constant
    end: int
    problem: str = ""


class Layout(msgspec.Struct, frozen=True):
    """How a version writes a code object: so many 32-bit integers, objects, the first line's number, and objects again.

    `build` makes the code object of version, integers, all the others, and offset.
    """

    integers: int
    objects: int
    behind: int
    build: Callable[[Version, tuple[int, ...], list[Any], int], Code]


def _new_code(version: Version, head: tuple[int, ...], items: list[Any], offset: int) -> Code:
    """Of 3.11 and later: local variables, cells and free variables are one array."""
    code, consts, names, slots, kinds, filename, name, qualname, line, lines, exceptions = items[:11]
    slots = _names(slots)
    local = slots
    cells: tuple[str, ...] = ()
    free: tuple[str, ...] = ()
    if isinstance(kinds, bytes) and kinds.strip(_ALL_LOCAL):
        local, cells, free = (
            tuple([one for one, kind in zip(slots, kinds, strict=False) if kind & mark])
            for mark in (_LOCAL, _CELL, _FREE)
        )
    return Code(
        version,
        head[0],
        head[1],
        head[2],
        head[4],
        _bytes(code),
        _tuple(consts),
        _names(names),
        local,
        free,
        cells,
        slots,
        _name(filename),
        _name(name),
        _name(qualname),
        line or 0,
        _bytes(lines),
        _bytes(exceptions),
        offset,
    )


def _old_code(version: Version, head: tuple[int, ...], items: list[Any], offset: int) -> Code:
    """Of versions up to 3.10, and of PyPy, which has names in front of a qualified one."""
    code, consts, names, variables, free, cells, filename, name, *qualname, line, lines = items
    shown = _name(name)
    return Code(
        version,
        head[0],
        head[1] if len(head) > 5 else 0,  # noqa: PLR2004 - see _LAYOUTS
        head[-4] if len(head) > 4 else 0,  # noqa: PLR2004
        head[-1],
        _bytes(code),
        _tuple(consts),
        _names(names),
        _names(variables),
        _names(free),
        _names(cells),
        (),
        _name(filename),
        shown,
        _name(qualname[0]) if qualname else shown,
        line or 0,
        _bytes(lines),
        b"",
        offset,
    )


_LAYOUTS = (
    ((3, 11), Layout(5, 8, 2, _new_code)),  # argcount, posonlyargcount, kwonlyargcount, stacksize, flags
    ((3, 8), Layout(6, 8, 1, _old_code)),  # nlocals in front of stacksize
    ((3, 0), Layout(5, 8, 1, _old_code)),  # no posonlyargcount
    ((2, 3), Layout(4, 8, 1, _old_code)),  # no kwonlyargcount
)
_PYPY_3_11 = Layout(6, 9, 1, _old_code)


def layout_of(version: Version) -> Layout:
    """How `version` writes a code object. PyPy and Pyston keep to the layout of CPython 3.8, and 2.7, all along."""
    number = (version.major, version.minor)
    if version.implementation != "cpython":
        if number >= (3, 11):
            return _PYPY_3_11
        number = min(number, (3, 10))
    return next((layout for first, layout in _LAYOUTS if number >= first), _LAYOUTS[-1][1])


class _Frame:
    """A container that is being read. `head` are the integers that a code object begins with."""

    __slots__ = ("build", "head", "items", "need", "offset", "reference")

    def __init__(self, build: _Build, need: int, reference: int, offset: int) -> None:
        self.build = build
        self.items: list[Any] = []
        self.need = need
        self.reference = reference
        self.offset = offset
        self.head: tuple[int, ...] = ()


_Build = Callable[[_Frame], Any]


class _BadError(ValueError):
    """What cannot be read."""


def load(data: bytes, start: int, version: Version) -> Loaded:
    """The value at `data[start:]`, written by `version`. Never raises: see `Loaded.problem`."""
    reader = _Reader(data, version)
    problem = ""
    try:
        reader.read(start)
    except (IndexError, struct.error):
        problem = "it ends too early"
    except ValueError as error:
        problem = str(error)
    return Loaded(reader.result(), reader.end, problem)


class _Reader:
    """Reads one value. What was read so far lies in `frames`, so that damage loses nothing."""

    def __init__(self, data: bytes, version: Version) -> None:
        self._data = data
        self._version = version
        self._layout = layout_of(version)
        self._integers = struct.Struct(f"<{self._layout.integers}i")
        self._builders: dict[int, _Build] = {**_BUILDERS, _CODE: self._code}
        self._frames: list[_Frame] = [_Frame(_first, 1, -1, 0)]
        self._interned: list[bytes] = []
        self.end = 0

    def result(self) -> Constant:
        """The value; of one that ended early, as much as there is."""
        while len(self._frames) > 1:
            frame = self._frames.pop()
            self._frames[-1].items.append(frame.build(frame))
        value: Constant = _first(self._frames[0])
        return value

    def read(self, position: int) -> None:  # noqa: C901, PLR0912, PLR0915 - a call for each object would double the time
        """Read one value from `position` on."""
        data, size, frames, builders = self._data, len(self._data), self._frames, self._builders
        refs: list[Any] = []
        objects = self._layout.objects
        is_python_2 = self._version.major == 2  # noqa: PLR2004
        left = MAX_OBJECTS
        frame = frames[0]
        value: Any
        while True:
            while not frame.need:
                if frame.head and len(frame.items) == objects:
                    frame.items += _UNPACK_INT(data, position)
                    frame.need = self._layout.behind
                    position += 4
                    break
                if len(frames) == 1:
                    self.end = position
                    return
                value = frame.build(frame)
                if frame.reference >= 0:
                    refs[frame.reference] = value
                frames.pop()
                frame = frames[-1]
                frame.items.append(value)
                frame.need -= 1
            self.end = position
            kind = data[position]
            position += 1
            is_shared = kind & _FLAG_REF
            kind &= 0x7F
            left -= 1
            if not left:
                raise _BadError(f"more than {MAX_OBJECTS:,} objects")
            if kind in (_SHORT_ASCII_INTERNED, _SHORT_ASCII):
                end = position + 1 + data[position]
                value = data[position + 1 : end].decode("latin-1")
                position = end
                if end > size:
                    frame.items.append(value)
                    raise _BadError("it ends in a string")
            elif kind == _REF:
                (index,) = _UNPACK_INT(data, position)
                position += 4
                value = refs[index] if 0 <= index < len(refs) else _UNKNOWN
                is_shared = 0
            elif kind in _SINGLETONS:
                value = _SINGLETONS[kind]
                is_shared = 0
            elif kind == _INT:
                (value,) = _UNPACK_INT(data, position)
                position += 4
            elif kind in _TEXTS:
                (count,) = _UNPACK_INT(data, position)
                position += 4
                end = position + count
                value = _text(kind, data[position : max(position, end)], is_python_2=is_python_2)
                if not position <= end <= size:
                    frame.items.append(value)
                    raise _BadError(f"a string of {count:,} bytes, of which {size - position:,} are there")
                if kind == _INTERNED and is_python_2:
                    self._interned.append(value)
                position = end
            elif kind in builders:
                count, position = self._count(kind, position)
                reference = -1
                if is_shared:
                    reference = len(refs)
                    refs.append(_UNKNOWN)  # which is what a container that holds itself holds
                if len(frames) > MAX_DEPTH:
                    raise _BadError(f"more than {MAX_DEPTH:,} containers in each other")
                frame = _Frame(builders[kind], count, reference, self.end)
                if kind == _CODE:
                    frame.head = self._integers.unpack_from(data, position)
                    position += self._integers.size
                frames.append(frame)
                continue
            elif kind == _NULL and frame.need < 0:
                frame.need = 0
                continue
            else:
                value, position = self._rare(kind, position)
            if is_shared:
                refs.append(value)
            frame.items.append(value)
            frame.need -= 1

    def _count(self, kind: int, position: int) -> tuple[int, int]:
        """How many objects are in a container, and where the first one begins."""
        if kind == _SMALL_TUPLE:
            return self._data[position], position + 1
        if kind == _CODE:
            return self._layout.objects, position
        if kind in (_DICT, _FROZENDICT):
            return _ENDLESS, position
        if kind == _SLICE:
            return 3, position
        (count,) = _UNPACK_INT(self._data, position)
        there = len(self._data) - position - 4
        if not 0 <= count <= there:
            raise _BadError(f"a container of {count:,} objects in {there:,} bytes")
        return count, position + 4

    def _rare(self, kind: int, position: int) -> tuple[Any, int]:  # noqa: PLR0911 - a kind each
        """Numbers, and what else is not in every file; and where the next object begins."""
        data = self._data
        if kind == _BINARY_FLOAT:
            return _UNPACK_FLOAT(data, position)[0], position + 8
        if kind == _BINARY_COMPLEX:
            return complex(*_UNPACK_COMPLEX(data, position)), position + 16
        if kind == _INT64:
            return int.from_bytes(data[position : position + 8], "little", signed=True), position + 8
        if kind == _LONG:
            (count,) = _UNPACK_INT(data, position)
            digits = data[position + 4 : position + 4 + 2 * abs(count)]
            if len(digits) < 2 * abs(count):
                raise _BadError(f"an integer of {abs(count):,} digits, of which {len(digits) // 2:,} are there")
            return _integer(digits, negative=count < 0), position + 4 + len(digits)
        if kind == _STRINGREF:
            (index,) = _UNPACK_INT(data, position)
            known = 0 <= index < len(self._interned)
            return self._interned[index] if known else _UNKNOWN, position + 4
        if kind in (_FLOAT, _COMPLEX):
            real, position = self._written(position)
            if kind == _FLOAT:
                return real, position
            imaginary, position = self._written(position)
            return complex(real, imaginary), position
        if kind == _NULL:
            return _UNKNOWN, position
        raise _BadError(f"no version has a type {bytes((kind,))!r}")

    def _written(self, position: int) -> tuple[float, int]:
        """A number as text."""
        end = position + 1 + self._data[position]
        return float(self._data[position + 1 : end]), end

    def _code(self, frame: _Frame) -> Code:
        items = frame.items
        missing = self._layout.objects + 1 + self._layout.behind - len(items)
        if missing > 0:
            items += [None] * missing
        return self._layout.build(self._version, frame.head, items, frame.offset)


def _first(frame: _Frame) -> Any:
    return frame.items[0] if frame.items else _UNKNOWN


def _pairs(frame: _Frame) -> Pairs:
    items = iter(frame.items)
    return Pairs(tuple(zip(items, items, strict=False)))


def _slice(frame: _Frame) -> Slice:
    start, stop, step, *_ = (*frame.items, None, None, None)
    return Slice(start, stop, step)


_TEXTS = frozenset((_STRING, _INTERNED, _UNICODE, _ASCII, _ASCII_INTERNED))
_BUILDERS: dict[int, _Build] = {
    _TUPLE: lambda frame: tuple(frame.items),
    _SMALL_TUPLE: lambda frame: tuple(frame.items),
    _LIST: lambda frame: list(frame.items),
    _SET: lambda frame: Frozen(tuple(frame.items)),
    _FROZENSET: lambda frame: Frozen(tuple(frame.items)),
    _DICT: _pairs,
    _FROZENDICT: _pairs,
    _SLICE: _slice,
}


def _text(kind: int, content: bytes, *, is_python_2: bool) -> str | bytes:
    if kind == _STRING or (kind == _INTERNED and is_python_2):
        return content
    if kind in (_ASCII, _ASCII_INTERNED):
        return content.decode("latin-1")
    try:
        return content.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return content.decode("utf-8", "replace")


def _integer(digits: bytes, *, negative: bool) -> int | Huge:
    if len(digits) > 2 * _LONGEST_INT:
        return Huge(digits, negative)
    value = 0
    for at in range(len(digits) - 2, -1, -2):
        value = value << 15 | (digits[at] | digits[at + 1] << 8) & 0x7FFF
    return -value if negative else value


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else b""


def _tuple(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else ()


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, tuple):
        return ()
    try:
        "".join(value)  # the fastest way to see that all are text
    except TypeError:
        return tuple(map(_name, value))
    return value


def _name(value: Any) -> str:
    """A name as text: Python 2 has bytes."""
    if isinstance(value, str):
        return value
    if not isinstance(value, bytes):
        return ""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
