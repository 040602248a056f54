"""Pickles (protocols 0 to 5) and arrays that NumPy stored: their strings as text, and what they import.

Bytes in them that are no text are members of their own, as they may be containers in turn. NumPy keeps arrays of
objects as pickles. Source: NumPy, "NPY format"; for pickles see `pickle_machine`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pitviper.engine.data import Data, Memory
from pitviper.unpack.interface import Format, Item, Member, Options, Refused, Rest
from pitviper.unpack.pickle_machine import LONGEST, PROTOCOL, Machine

_TEXTUAL = re.compile(
    rb"c[\w.]{1,200}\n[\w.]{1,200}\n|\(i[\w.]{1,200}\n[\w.]{1,200}\n|\([dlt]p\d|\((?:[SVI]|c\w)|[\]})]q\0|\([dlt]q\0"
)
"""How protocols 0 and 1 begin, with an object, a list or a dict; a lone number or string is not worth it."""
_FEWEST, _FEWEST_MARKED = 4, 2
"""Instructions that must make sense, for a beginning to be believed, if its end is not at hand."""
_MOST_MEMBERS = 10_000
_STRINGS_NAME = "(strings)"
_ARRAY = re.compile(rb"\x93NUMPY[\x01-\x03]\0")
_ARRAY_HEAD = 12
_OBJECTS = re.compile(rb"'descr':[^}]{0,4096}?\|O")


def begins(head: bytes, tail: bytes) -> bool:
    """The mark of protocol 2 or later, or what 0 and 1 begin with; and instructions that make sense."""
    del tail
    is_marked = PROTOCOL.match(head)
    if not (is_marked or _TEXTUAL.match(head)):
        return False
    machine = Machine(Memory(head))
    try:
        while not machine.is_over:
            machine.step()
    except EOFError:
        return machine.count > (_FEWEST_MARKED if is_marked else _FEWEST)
    except Refused:
        return False
    return True


def members(data: Data, options: Options) -> Iterator[Item]:
    """The text of all pickles, one behind the other, and bytes in them; then what follows."""
    del options
    yield from _members(data, 0)


def _members(data: Data, start: int) -> Iterator[Item]:
    machine = Machine(data, start)
    problem: Exception | None = None
    try:
        for text in machine.run():
            yield Member(_STRINGS_NAME, content=text)
    except (EOFError, Refused) as error:
        problem = error
    if text := machine.text():
        yield Member(_STRINGS_NAME, content=text)
    for offset, size in machine.binary[:_MOST_MEMBERS]:
        yield Member(f"(bytes at {offset})", data=data.part(offset, size))
    for offset, size in machine.binary[_MOST_MEMBERS:]:
        yield Rest(offset, size)
    if machine.source.left:
        yield Rest(machine.source.position, machine.source.left)
    if problem:
        raise problem


def begins_array(head: bytes, tail: bytes) -> bool:
    """The magic of an array that NumPy stored."""
    del tail
    return _ARRAY.match(head) is not None


def members_of_array(data: Data, options: Options) -> Iterator[Item]:
    """The values as they are; objects are a pickle."""
    del options
    head = data.read(0, _ARRAY_HEAD)
    width = 2 if head[6] == 1 else 4
    start = 8 + width + int.from_bytes(head[8 : 8 + width], "little")
    if _OBJECTS.search(data.read(0, min(start, LONGEST))):
        yield from _members(data, start)
    else:
        yield Rest(0, data.size)


FORMATS = (
    Format("a pickle", b"\x80(c]})", begins, members, kind="file"),
    Format("a NumPy array", b"\x93", begins_array, members_of_array, kind="file"),
)
