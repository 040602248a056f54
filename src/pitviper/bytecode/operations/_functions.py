"""Functions and classes as they are made: their defaults, annotations and closures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pitviper.bytecode.code import Code, Pairs
from pitviper.bytecode.operations._common import from_pairs, items_in
from pitviper.bytecode.values import (
    MOST_ITEMS,
    UNKNOWN,
    Call,
    Class,
    Display,
    Known,
    Value,
    alternatives,
    known,
)

if TYPE_CHECKING:
    from pitviper.bytecode.evaluate import _Evaluation as Evaluation


def make_function_counted(e: Evaluation, argument: int) -> None:
    """Up to 3.5 the argument counts defaults, those of keywords, and annotations."""
    code = _named(e) if e.version >= (3, 3) else e.pop()
    _make_counted(e, argument, code)


def _named(e: Evaluation) -> Value:
    """The code below its qualified name, which is no string of the source."""
    name, code = e.pop(), e.pop()
    if isinstance(name, Known) and isinstance(code, Known) and isinstance(code.value, Code):
        text = name.value
        if isinstance(text, str) and text.rpartition(".")[2] == code.value.name:
            e.writer.strings.add(text)
    return code


def _make_counted(e: Evaluation, argument: int, code: Value) -> None:
    if not argument:
        e.stack.append(code)
        return
    e.pops(min(argument >> 16 & 0x7FFF, MOST_ITEMS))
    is_3 = e.version >= (3, 0)
    late = e.pops(argument & 0xFF) if is_3 and e.version < (3, 4) else []  # where keywords came first
    pairs = e.pops((argument >> 8 & 0xFF) * 2) if is_3 else []
    values = late or e.pops(argument & 0xFF if is_3 else min(argument, MOST_ITEMS))
    tell_defaults(e, code, Display("()", values), Display("{:}", pairs))
    e.stack.append(code)


def make_closure(e: Evaluation, argument: int) -> None:
    code = _named(e) if e.version >= (3, 3) else e.pop()
    e.pop()
    _make_counted(e, argument, code)


def make_function(e: Evaluation, argument: int) -> None:
    """From 3.6 on the argument is flags; the name is behind the code up to 3.10."""
    code = _named(e) if e.version < (3, 11) else e.pop()
    if argument & 8:
        e.pop()
    if argument & 4:
        e.statement(e.pop())
    named = e.pop() if argument & 2 else None
    defaults = e.pop() if argument & 1 else None
    if defaults or named:
        tell_defaults(e, code, defaults, named)
    e.stack.append(code)


def set_function_attribute(e: Evaluation, argument: int) -> None:
    """From 3.13 on each of the flags is an instruction."""
    value, function = e.pops(2)
    if argument == 1:
        tell_defaults(e, function, value, None)
    elif argument == 2:  # noqa: PLR2004
        tell_defaults(e, function, None, value)
    elif argument == 4:  # noqa: PLR2004
        e.statement(value)
    e.stack.append(function)


def tell_defaults(e: Evaluation, function: Value, defaults: Value | None, named: Value | None) -> None:
    code = function.value if isinstance(function, Known) else None
    if not isinstance(code, Code):
        return
    values = items_in(e, defaults)
    names = (code.slots or code.varnames)[: code.argcount]
    pairs = list(zip(names[len(names) - len(values) :], values, strict=False)) if len(values) <= len(names) else []
    if isinstance(named, Display):
        pairs += from_pairs(named.items).items()
    elif isinstance(named, Known) and isinstance(named.value, Pairs):
        pairs += [(str(key), known(value, named.at)) for key, value in named.value.items[:MOST_ITEMS]]
    for name, value in pairs:
        for one in alternatives(value):
            if one.telling:
                e.tell(f"def {code.name}({name}=", one, "): ...")


def build_class(e: Evaluation, argument: int) -> None:
    """Of Python 2: name, bases and what is in it."""
    del argument
    _, bases, made = e.pops(3)
    body = made.function if isinstance(made, Call) else None
    if isinstance(body, Known) and isinstance(body.value, Code):
        e.stack.append(Class(body.value, items_in(e, bases), None))
    else:
        e.stack.append(UNKNOWN)


def store_annotation(e: Evaluation, argument: int) -> None:
    value = e.pop()
    if value.telling:
        e.tell(f"{e.name_of(argument)}: ", value)
