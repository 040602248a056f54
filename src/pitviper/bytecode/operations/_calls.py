"""Calls, with the arguments as each version lays them out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pitviper.bytecode import aside, implied
from pitviper.bytecode.code import Code
from pitviper.bytecode.operations._common import Do, from_pairs, items_in, name_in
from pitviper.bytecode.operations._displays import pairs_of, starred, to_tuple
from pitviper.bytecode.operations._functions import tell_defaults
from pitviper.bytecode.values import (
    MOST_ITEMS,
    NULL,
    UNKNOWN,
    Attribute,
    Call,
    Class,
    Display,
    Known,
    Name,
    Value,
    alternatives,
)

if TYPE_CHECKING:
    from pitviper.bytecode.evaluate import _Evaluation as Evaluation


def _call(e: Evaluation, function: Value, arguments: Sequence[Value], keywords: dict[str, Value] | None = None) -> None:
    if keywords:
        keywords = {name: e.given(name, value) for name, value in keywords.items()}
    elif made := _made(e, function, arguments):
        e.stack.append(made)
        return
    if function is CLASS:
        e.stack.append(_class(arguments, keywords))
        return
    written = Call(function, arguments, keywords)
    if not written.telling and not arguments:
        e.stack.append(written)
        return
    if function.__class__ is Attribute and function.name == "append" and len(arguments) == 1:
        _append(function.of, arguments[0])
    result = e.fold.call(function, arguments, keywords)
    if result is None:
        if written.telling:
            for target, value in implied.by_call(function, arguments, keywords):
                e.spend(1)
                e.assign(value, target)
        e.stack.append(written)
        return
    if keywords:
        e.statement(written)
    e.stack.append(result)


def _tell_generic(e: Evaluation, code: Code, arguments: Sequence[Value]) -> None:
    """The defaults of a generic function are arguments of the code that makes it (3.12)."""
    given = dict(zip(code.slots[: code.argcount], arguments, strict=False))
    if ".defaults" in given or ".kwdefaults" in given:
        for inner in code.consts:
            if isinstance(inner, Code) and inner.name in code.name:
                tell_defaults(e, Known(inner, telling=False), given.get(".defaults"), given.get(".kwdefaults"))


def _made(e: Evaluation, function: Value, arguments: Sequence[Value]) -> Value | None:
    """What a comprehension, or a function of the module, makes of known values; and `getattr(of, "name")`."""
    if isinstance(function, Known) and isinstance(function.value, Code):
        _tell_generic(e, function.value, arguments)
        return aside.comprehension(e, function.value, arguments[0]) if len(arguments) == 1 else None
    if function.__class__ is not Name:
        return None
    name = function.text
    if name == "getattr" and len(arguments) == 2 and name_in(arguments[1]).isidentifier():  # noqa: PLR2004
        return Attribute(arguments[0], name_in(arguments[1]), arguments[0].telling)
    return aside.result(e, name, arguments) if name in e.functions or name in e.whole.functions else None


def _append(of: Value, value: Value) -> None:
    """A known list grows."""
    if isinstance(of, Known) and isinstance(of.value, list) and len(of.value) < MOST_ITEMS:
        of.value += [one.value for one in alternatives(value) if isinstance(one, Known)]


CLASS = Name("class")


def _class(arguments: Sequence[Value], keywords: dict[str, Value] | None) -> Value:
    """A call of `__build_class__`, with the body and the name before the bases."""
    body = arguments[0] if arguments else UNKNOWN
    if isinstance(body, Known) and isinstance(body.value, Code):
        return Class(body.value, arguments[2:], keywords)
    return Call(Name("class …"), arguments[2:], keywords)


def _named(names: Value | tuple[str, ...], values: list[Value]) -> tuple[list[Value], dict[str, Value] | None]:
    """The last of `values` are those of the keywords `names`."""
    found: Any = names.value if isinstance(names, Known) else names
    if not isinstance(found, tuple):
        return values, None
    count = min(len(found), len(values))
    if not count:
        return values, None
    return values[:-count], dict(zip(map(str, found), values[-count:], strict=False))


def call_function(e: Evaluation, argument: int) -> None:
    arguments = e.pops(argument)
    _call(e, e.pop(), arguments)


def call_function_with_pairs(e: Evaluation, argument: int) -> None:
    """Up to 3.5: positional ones in the low byte, keywords as pairs in the high one."""
    pairs = e.pops((argument >> 8 & 0xFF) * 2)
    arguments = e.pops(argument & 0xFF)
    _call(e, e.pop(), arguments, from_pairs(pairs) if pairs else None)


def call_function_var(has_list: bool, has_dict: bool) -> Do:  # noqa: FBT001 - of a table
    """`f(*a, **b)` up to 3.5, where keywords follow what `*` brings; before they lie below it."""

    def do(e: Evaluation, argument: int) -> None:
        more_keywords = e.pop() if has_dict else None
        count = (argument >> 8 & 0xFF) * 2
        pairs = e.pops(count) if e.version >= (3, 5) else []
        more = e.pop() if has_list else None
        pairs = pairs or e.pops(count)
        arguments = e.pops(argument & 0xFF)
        if more is not None:
            arguments += items_in(e, more) or [starred(more)]
        if more_keywords is not None:
            pairs += pairs_of(more_keywords)
        _call(e, e.pop(), arguments, from_pairs(pairs))

    return do


def call_function_kw(e: Evaluation, argument: int) -> None:
    names = e.pop()
    arguments, keywords = _named(names, e.pops(argument))
    _call(e, e.pop(), arguments, keywords)


def call_function_ex(e: Evaluation, argument: int) -> None:
    """From 3.14 on there is always a second value, perhaps NULL."""
    more_keywords = e.pop() if argument & 1 or e.version >= (3, 14) else NULL
    more = e.pop()
    if e.version >= (3, 13):
        e.pop()
        function = e.pop()
    else:
        function = e.pop()
        if e.version >= (3, 11) and e.stack and e.stack[-1] is NULL:
            e.pop()
    arguments = items_in(e, more)
    if not arguments and not (isinstance(more, (Known, Display)) and not more.telling):
        arguments = [starred(more)]
    _call(e, function, arguments, from_pairs(pairs_of(more_keywords)) if more_keywords is not NULL else None)


def call_method(e: Evaluation, argument: int) -> None:
    arguments = e.pops(argument)
    e.pop()
    _call(e, e.pop(), arguments)


def call_method_kw(e: Evaluation, argument: int) -> None:
    names = e.pop()
    arguments, keywords = _named(names, e.pops(argument))
    e.pop()
    _call(e, e.pop(), arguments, keywords)


def kw_names(e: Evaluation, argument: int) -> None:
    value = e.code.consts[argument] if argument < len(e.code.consts) else ()
    e.keywords = tuple(map(str, value)) if isinstance(value, tuple) else ()


def call_3_11(e: Evaluation, argument: int) -> None:
    arguments = e.pops(argument)
    keywords = None
    if e.keywords:
        arguments, keywords = _named(e.keywords, arguments)
        e.keywords = ()
    _call_pair(e, arguments, keywords)


def call_kw(e: Evaluation, argument: int) -> None:
    names = e.pop()
    _call_pair(e, *_named(names, e.pops(argument)))


def _call_pair(e: Evaluation, arguments: list[Value], keywords: dict[str, Value] | None) -> None:
    """Function and NULL, or NULL and method, or method and object: whatever is not NULL first is called."""
    second, first = e.pop(), e.pop()
    if second is NULL:
        _call(e, first, arguments, keywords)
        return
    if first is NULL:
        first, second = second, NULL
    if second is not NULL:
        arguments = [second, *arguments]
    _call(e, first, arguments, keywords)


def intrinsic_1(e: Evaluation, argument: int) -> None:
    if argument == 6:  # a list becomes a tuple  # noqa: PLR2004
        to_tuple(e)


def intrinsic_2(e: Evaluation, argument: int) -> None:
    """The first of them: of an exception group, of a type variable, or of a function with its type parameters."""
    value, other = e.pops(2)
    e.stack.append(other if argument == 4 else value)  # noqa: PLR2004 - INTRINSIC_SET_FUNCTION_TYPE_PARAMS
