"""Ways through the code: returns, jumps, loops, exceptions, imports and statements of Python 2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pitviper.bytecode.fold import items_of
from pitviper.bytecode.operations._common import tell_all
from pitviper.bytecode.operations._names import load_const
from pitviper.bytecode.values import (
    NULL,
    UNKNOWN,
    Display,
    Each,
    Either,
    Import,
    Known,
    Value,
    alternatives,
)

if TYPE_CHECKING:
    from pitviper.bytecode.evaluate import _Evaluation as Evaluation


def return_(e: Evaluation, argument: int) -> None:
    del argument
    value = e.pop()
    e.result = value
    e.returns += 1
    if value.telling:
        _tell_return(e, value)
    e.dead = True


def _tell_return(e: Evaluation, value: Value) -> None:
    if isinstance(value, Either):
        for one in alternatives(value):
            _tell_return(e, one)
    elif value.telling:
        name = e.whole.lambdas.get(id(e.code), e.code.name)
        if not name.isidentifier():
            e.tell("return ", value)
        elif isinstance(value, Known) and isinstance(value.value, (str, bytes)):
            e.tell("return ", name, " = ", value)
        else:
            e.tell("return ", value, f"  # {name}")


def return_const(e: Evaluation, argument: int) -> None:
    load_const(e, argument)
    return_(e, 0)


def raise_(e: Evaluation, argument: int) -> None:
    tell_all(e, e.pops(min(argument, 3)))
    e.dead = True


def yield_(e: Evaluation, argument: int) -> None:
    del argument
    value = e.pop()
    if value.telling:
        e.tell("yield ", value)
    if value is not UNKNOWN and e.yielded is UNKNOWN:
        e.yielded = value
    e.stack.append(UNKNOWN)


def jump(e: Evaluation, argument: int) -> None:
    del argument
    e.leave()
    e.dead = True


def jump_backward(e: Evaluation, argument: int) -> None:
    del argument
    e.dead = True


def pop_jump(e: Evaluation, argument: int) -> None:
    del argument
    stack = e.stack
    value = stack.pop() if stack else UNKNOWN
    if value.telling:
        e.statement(value)
    e.leave()


def jump_or_pop(e: Evaluation, argument: int) -> None:
    del argument
    e.leave()
    e.pop()


def jump_if(e: Evaluation, argument: int) -> None:
    """The stack stays as it is."""
    del argument
    e.leave()


def for_iter(e: Evaluation, argument: int) -> None:
    """At the end the iterator is gone."""
    del argument
    iterator = e.pop()
    e.leave()
    e.stack += (iterator, _each(e, iterator))


def _each(e: Evaluation, iterator: Value) -> Value:
    items = items_of(iterator)
    e.spend(len(items))
    return Each(items) if items else UNKNOWN


def for_iter_3_12(e: Evaluation, argument: int) -> None:
    """At the end the iterator, and one more, are taken away by END_FOR."""
    del argument
    depth = 1 if e.version < (3, 15) else 2
    e.stack.append(_each(e, e.stack[-depth]) if len(e.stack) >= depth else UNKNOWN)
    e.leave()


def send(e: Evaluation, argument: int) -> None:
    """At the end, what was sent is gone, and the result stands for what gave it (3.11)."""
    del argument
    value = e.pop()
    e.leave()
    e.stack.append(value)


def setup(e: Evaluation, argument: int) -> None:
    """Where an exception leads, six values lie on top of what there is; three in Python 2."""
    del argument
    count = 6 if e.version >= (3, 0) else 3
    e.stack += [UNKNOWN] * count
    e.leave()
    e.pops(count)


def with_(e: Evaluation, argument: int) -> None:
    """The value is used up; its `__exit__` lies below what it gives. Up to 3.10, where an exception leads follows."""
    del argument
    e.statement(e.pop())
    e.stack.append(UNKNOWN)
    if e.version < (3, 11):
        setup(e, 0)
    e.stack.append(UNKNOWN)


def load_special(e: Evaluation, argument: int) -> None:
    """`__enter__` or `__exit__` of the value (3.14), and the value or NULL."""
    del argument
    e.statement(e.pop())
    e.stack += (UNKNOWN, NULL)


def get_iter(e: Evaluation, argument: int) -> None:
    del argument
    value = e.pop()
    e.statement(value)
    e.stack.append(value if isinstance(value, (Known, Display)) or not value.telling else UNKNOWN)


def get_iter_3_15(e: Evaluation, argument: int) -> None:
    """An index, or NULL, lies on top of the iterator."""
    get_iter(e, argument)
    e.stack.append(NULL)


def pop_iter_3_15(e: Evaluation, argument: int) -> None:
    del argument
    e.pops(2)


def import_name(e: Evaluation, argument: int) -> None:
    e.pops(2)
    name = e.name_of(argument)
    e.stack.append(Import(name))


def import_from(e: Evaluation, argument: int) -> None:
    module = e.stack[-1] if e.stack else UNKNOWN
    name = e.name_of(argument)
    e.stack.append(Import(f"{module.text}.{name}" if isinstance(module, Import) else name))


def print_item(e: Evaluation, argument: int) -> None:
    del argument
    value = e.pop()
    if value.telling:
        e.tell("print ", value)


def print_item_to(e: Evaluation, argument: int) -> None:
    e.pop()
    print_item(e, argument)


def pop_silently(e: Evaluation, argument: int) -> None:
    del argument
    e.pop()


def exec_(e: Evaluation, argument: int) -> None:
    del argument
    value, *_ = e.pops(3)
    if value.telling:
        e.tell("exec(", value, ")")
