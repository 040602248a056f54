"""Reading marshal, the format of compiled Python, without the interpreter's own reader.

That one trusts what it reads, knows one version, and may crash. This one reads those of all versions, keeps what it has
where the bytes are damaged, and bounds everything. Values are never hashed and never compared: a few bytes may describe
a tuple of tuples of tuples that would take for ever. Source: CPython, Python/marshal.c, of 2.7 to 3.15.
"""

from __future__ import annotations

import struct
from typing import Any, TypeAlias

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
_UNKNOWN = Unknown()
_SINGLETONS: dict[int, Constant] = {_NONE: None, _FALSE: False, _TRUE: True, _ELLIPSIS: ..., _STOP: _UNKNOWN}
_TUPLES = (_TUPLE, _SMALL_TUPLE)
_SHORT_ASCIIS = (_SHORT_ASCII, _SHORT_ASCII_INTERNED)
_ASCIIS = (_ASCII, _ASCII_INTERNED)
_DICTS = (_DICT, _FROZENDICT)
_COUNTED = frozenset((_TUPLE, _LIST, _SET, _FROZENSET))
_CONTAINERS = frozenset((*_COUNTED, _SMALL_TUPLE, _CODE, _DICT, _FROZENDICT, _SLICE))
_TEXTS = frozenset((_STRING, _INTERNED, _UNICODE, _ASCII, _ASCII_INTERNED))
_ONLY_TEXT, _ONLY_BYTES = {str}, {bytes}
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

    `is_new`: since 3.11 local variables, cells and free variables are one array.
    """

    integers: int
    objects: int
    behind: int
    is_new: bool = False


_LAYOUTS = (
    ((3, 11), Layout(5, 8, 2, is_new=True)),  # argcount, posonlyargcount, kwonlyargcount, stacksize, flags
    ((3, 8), Layout(6, 8, 1)),  # nlocals in front of stacksize
    ((3, 0), Layout(5, 8, 1)),  # no posonlyargcount
    ((2, 3), Layout(4, 8, 1)),  # no kwonlyargcount
)
_PYPY_3_11 = Layout(6, 9, 1)
"""A qualified name behind the name."""


def layout_of(version: Version) -> Layout:
    """How `version` writes a code object. PyPy and Pyston keep to the layout of CPython 3.8, and 2.7, all along."""
    number = (version.major, version.minor)
    if version.implementation != "cpython":
        if number >= (3, 11):
            return _PYPY_3_11
        number = min(number, (3, 10))
    return next((layout for first, layout in _LAYOUTS if number >= first), _LAYOUTS[-1][1])


class _BadError(ValueError):
    """What cannot be read."""


_Open: TypeAlias = tuple[int, list[Any], tuple[int, ...], int, int, int]
"""A container that is being read: its type, what is in it so far, the integers that a code object begins with, its
index among what may be referred to (-1: none), its offset, and how many objects are still to come around it."""


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
    return Loaded(reader.result(), reader.end, problem or reader.codes.problem)


class _Reader:
    """Reads one value. What was read so far lies in the open containers, so that damage loses nothing."""

    def __init__(self, data: bytes, version: Version) -> None:
        self._data = data
        self._version = version
        self._layout = layout_of(version)
        self._integers = struct.Struct(f"<{self._layout.integers}i")
        self._open: list[_Open] = [(_NULL, [], (), -1, 0, 0)]
        self.codes = _Codes(version, self._layout)
        self.end = 0

    def result(self) -> Constant:
        """The value; of one that ended early, as much as there is."""
        while len(self._open) > 1:
            kind, items, head, _, offset, _ = self._open.pop()
            self._open[-1][1].append(self._close(kind, items, head, offset))
        outermost = self._open[0][1]
        return outermost[0] if outermost else _UNKNOWN

    def read(self, position: int) -> None:  # noqa: C901, PLR0912, PLR0915 - a call for each object would double the time
        """Read one value from `position` on."""
        data, opened = self._data, self._open
        text, size = data.decode("latin-1"), len(data)  # a slice of text is text: no decoding string by string
        is_python_2 = self._version.major == 2  # noqa: PLR2004
        behind = self._layout.behind
        refs: list[Any] = []
        interned: list[bytes] = []
        left = MAX_OBJECTS
        need = 1
        outer, items = _NULL, opened[0][1]
        begin = position
        head: tuple[int, ...]
        value: Any
        try:
            while True:
                if not need:
                    if outer == _CODE and len(items) == self._layout.objects:
                        items += _UNPACK_INT(data, position)
                        position += 4
                        need = behind
                    elif outer in _DICTS and data[position] != _NULL:
                        need = 2
                        left -= need
                        if left < 0:
                            raise _BadError(f"more than {MAX_OBJECTS:,} objects")
                    elif len(opened) > 1:
                        position += outer in _DICTS
                        _, _, head, reference, offset, need = opened.pop()
                        value = tuple(items) if outer in _TUPLES else self._close(outer, items, head, offset)
                        if reference >= 0:
                            refs[reference] = value
                        outer, items, _, _, _, _ = opened[-1]
                        items.append(value)
                    else:
                        begin = position
                        return
                    continue
                begin = position
                kind = data[position]
                position += 1
                if kind == _REF:
                    index = _UNPACK_INT(data, position)[0]
                    position += 4
                    items.append(refs[index] if 0 <= index < len(refs) else _UNKNOWN)
                    need -= 1
                    continue
                if kind == _STRINGREF:
                    index = _UNPACK_INT(data, position)[0]
                    position += 4
                    items.append(interned[index] if 0 <= index < len(interned) else _UNKNOWN)
                    need -= 1
                    continue
                is_shared = kind & _FLAG_REF
                kind &= 0x7F
                if kind in _SHORT_ASCIIS:
                    end = position + 1 + data[position]
                    value = text[position + 1 : end]
                    position = end
                    if end > size:
                        items.append(value)
                        raise _BadError("it ends in a string")
                elif kind in _CONTAINERS:
                    head = ()
                    if kind == _SMALL_TUPLE:
                        count = data[position]
                        position += 1
                    elif kind in _COUNTED:
                        count = _UNPACK_INT(data, position)[0]
                        position += 4
                    elif kind == _CODE:
                        head = self._integers.unpack_from(data, position)
                        position += self._integers.size
                        count = self._layout.objects
                        left -= behind
                    else:
                        count = 3 if kind == _SLICE else 0  # a dict has as many as come in front of a NULL
                    if not 0 <= count <= size - position:
                        raise _BadError(f"a container of {count:,} objects in {size - position:,} bytes")
                    left -= count
                    if left < 0:
                        raise _BadError(f"more than {MAX_OBJECTS:,} objects")
                    if len(opened) > MAX_DEPTH:
                        raise _BadError(f"more than {MAX_DEPTH:,} containers in each other")
                    reference = -1
                    if is_shared:
                        reference = len(refs)
                        refs.append(_UNKNOWN)  # which is what a container that holds itself holds
                    outer, items = kind, []
                    opened.append((kind, items, head, reference, begin, need - 1))
                    need = count
                    continue
                elif kind in _TEXTS:
                    count = _UNPACK_INT(data, position)[0]
                    position += 4
                    end = position + count
                    if count < 0:
                        raise _BadError(f"a string of {count:,} bytes")
                    if kind in _ASCIIS:
                        value = text[position:end]
                    else:
                        value = data[position:end]
                        if kind == _UNICODE or (kind == _INTERNED and not is_python_2):
                            value = _decoded(value)
                    if end > size:
                        items.append(value)
                        raise _BadError(f"a string of {count:,} bytes, of which {size - position:,} are there")
                    if kind == _INTERNED:
                        interned.append(value)
                    position = end
                elif kind in _SINGLETONS:
                    value = _SINGLETONS[kind]
                    is_shared = 0
                elif kind == _INT:
                    value = _UNPACK_INT(data, position)[0]
                    position += 4
                else:
                    value, position = self._rare(kind, position)
                    if position > size:
                        raise IndexError
                if is_shared:
                    refs.append(value)
                items.append(value)
                need -= 1
        finally:
            self.end = begin

    def _close(self, kind: int, items: list[Any], head: tuple[int, ...], offset: int) -> Any:
        """The container of type `kind` with `items`, of which some may be missing."""
        if kind == _CODE:
            items += [None] * (self._layout.objects + 1 + self._layout.behind - len(items))
            return self.codes.new(items, head, offset) if self._layout.is_new else self.codes.old(items, head, offset)
        if kind == _LIST:
            return items
        if kind in _DICTS:
            return Pairs(tuple(zip(items[::2], items[1::2], strict=False)))
        if kind in (_SET, _FROZENSET):
            return Frozen(tuple(items))
        if kind == _SLICE:
            return Slice(*items, *[None] * (3 - len(items)))
        return tuple(items)

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
            count = _UNPACK_INT(data, position)[0]
            digits = data[position + 4 : position + 4 + 2 * abs(count)]
            if len(digits) < 2 * abs(count):
                raise _BadError(f"an integer of {abs(count):,} digits, of which {len(digits) // 2:,} are there")
            return _integer(digits, negative=count < 0), position + 4 + len(digits)
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


class _Codes:
    """Makes code objects of what was read. They share tuples of names, so that these are bounded on their own."""

    def __init__(self, version: Version, layout: Layout) -> None:
        self._version = version
        self._has_keywords = layout.integers > 4  # noqa: PLR2004 - see _LAYOUTS
        self._has_positional = layout.integers > 5  # noqa: PLR2004
        self._left = MAX_OBJECTS
        self._known = _Known()

    @property
    def problem(self) -> str:
        """What names had to be left out."""
        return "" if self._left >= 0 else f"its code objects have more than {MAX_OBJECTS:,} names"

    def new(self, items: list[Any], head: tuple[int, ...], offset: int) -> Code:
        """Of 3.11 and later."""
        code, consts, names, slots, kinds, filename, name, qualname, line, lines, exceptions = items
        slots = self._names(slots)
        local = slots
        cells: tuple[str, ...] = ()
        free: tuple[str, ...] = ()
        if slots and type(kinds) is bytes and kinds.strip(_ALL_LOCAL):
            local, cells, free = (
                tuple([one for one, kind in zip(slots, kinds, strict=False) if kind & mark])
                for mark in (_LOCAL, _CELL, _FREE)
            )
        return Code(
            self._version,
            head[0],
            head[1],
            head[2],
            head[4],
            code if type(code) is bytes else b"",
            consts if type(consts) is tuple else (),
            self._names(names),
            local,
            free,
            cells,
            slots,
            filename if type(filename) is str else "",
            name if type(name) is str else "",
            qualname if type(qualname) is str else "",
            line or 0,
            lines if type(lines) is bytes else b"",
            exceptions if type(exceptions) is bytes else b"",
            offset,
        )

    def old(self, items: list[Any], head: tuple[int, ...], offset: int) -> Code:
        """Of versions up to 3.10, and of PyPy."""
        code, consts, names, variables, free, cells, filename, name, *qualname, line, lines = items
        shown = self._name(name)
        return Code(
            self._version,
            head[0],
            head[1] if self._has_positional else 0,
            head[-4] if self._has_keywords else 0,
            head[-1],
            code if type(code) is bytes else b"",
            consts if type(consts) is tuple else (),
            self._names(names),
            self._names(variables),
            self._names(free),
            self._names(cells),
            (),
            self._name(filename),
            shown,
            self._name(qualname[0]) if qualname else shown,
            line or 0,
            lines if type(lines) is bytes else b"",
            b"",
            offset,
        )

    def _names(self, value: Any) -> tuple[str, ...]:
        if not value or type(value) is not tuple:
            return ()
        self._left -= len(value)
        if self._left < 0:
            return ()
        types = set(map(type, value))
        if types == _ONLY_TEXT:  # joining them would be faster, and a bomb: each may be long
            return value
        if types == _ONLY_BYTES:
            return tuple(map(self._known.__getitem__, value))
        return tuple(map(self._name, value))

    def _name(self, value: Any) -> str:
        """A name as text: Python 2 has bytes."""
        if type(value) is str:
            return value
        return self._known[value] if type(value) is bytes else ""


class _Known(dict[bytes, str]):
    """Names of Python 2, as text."""

    def __missing__(self, name: bytes) -> str:
        try:
            self[name] = name.decode()
        except UnicodeDecodeError:
            self[name] = name.decode("latin-1")
        return self[name]


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return content.decode("utf-8", "replace")


def _integer(digits: bytes, *, negative: bool) -> int | Huge:
    if len(digits) > 2 * _LONGEST_INT:
        return Huge(digits, negative)
    parts = list(struct.unpack(f"<{len(digits) // 2}H", digits))
    bits = 15
    while len(parts) > 1:  # by halves: digit by digit the time would grow with the square
        if len(parts) % 2:
            parts.append(0)
        parts = [low + (high << bits) for low, high in zip(parts[::2], parts[1::2], strict=True)]
        bits *= 2
    value: int = parts[0] if parts else 0
    return -value if negative else value
