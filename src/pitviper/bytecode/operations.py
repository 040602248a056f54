"""What each instruction does to an evaluation, by its name; where versions differ, that is told beside it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pitviper.bytecode.code import Code, Constant, Pairs, Slice
from pitviper.bytecode.fold import items_of
from pitviper.bytecode.values import (
    MOST_ITEMS,
    NULL,
    UNKNOWN,
    Attribute,
    Call,
    Display,
    Each,
    Either,
    Expression,
    Import,
    Known,
    Literal,
    Name,
    Part,
    Value,
    alternatives,
    known,
    parts_of,
)

if TYPE_CHECKING:
    from pitviper.bytecode.evaluate import _Evaluation as Evaluation

Do = Callable[["Evaluation", int], None]
_MANY = 64 * 1024
"""Arguments, parts, or values on the stack, beyond which an operand is nonsense."""


def handler(name: str, effects: tuple[int, ...], version: tuple[int, int], *, jumps: bool, is_pypy: bool) -> Do:
    """What to do for the instruction called `name` in `version`."""
    if is_pypy and name in _IN_PYPY:
        return _IN_PYPY[name]
    found = _DO.get(name)
    if isinstance(found, tuple):
        return [do for since, do in found if since <= version][-1]
    if found is not None:
        return found
    for prefix, make in _BY_PREFIX.items():
        if name.startswith(prefix):
            return make(name.removeprefix(prefix))
    return _other(effects or (_EFFECTS.get(name, 0),) * 2, jumps=jumps)


_EFFECTS = {"DELETE_ATTR": -1, "DELETE_SUBSCR": -2, "IMPORT_STAR": -1, "END_FINALLY": -1, "YIELD_FROM": -1}
"""What is added to the stack where the interpreter does not tell (2.7 and PyPy: no `dis.stack_effect`)."""


def _other(effects: tuple[int, ...], *, jumps: bool) -> Do:
    """An instruction that is only known by what it adds to the stack."""
    if not any(effects):
        return _jump_if if jumps else _nothing

    def do(e: Evaluation, argument: int) -> None:
        effect = effects[min(argument, len(effects) - 1)]
        if argument >= len(effects):
            effect += (effects[-1] - effects[-2]) * min(argument - len(effects) + 1, _MANY)
        if effect > 0:
            e.push_all([UNKNOWN] * min(effect, MOST_ITEMS))
        elif effect < 0:
            _tell_all(e, e.pops(-effect))
        if jumps:
            e.leave()

    return do


def _tell_all(e: Evaluation, values: Sequence[Value]) -> None:
    for value in values:
        e.statement(value)


# Values


def _load_const(e: Evaluation, argument: int) -> None:
    e.stack.append(e.constant(argument))


def _load_small_int(e: Evaluation, argument: int) -> None:
    e.stack.append(Known(argument, telling=False))


_COMMON: dict[str, Constant] = {"None": None, "": "", "True": True, "False": False, "-1": -1}


def _load_common(e: Evaluation, argument: int) -> None:
    common = e.operations.table.common
    name = common[argument] if argument < len(common) else "…"
    e.stack.append(Known(_COMMON[name], telling=False) if name in _COMMON else Name(name))


def _load_name(e: Evaluation, argument: int) -> None:
    e.stack.append(e.load_global(e.name_of(argument)))


def _load_global_3_11(e: Evaluation, argument: int) -> None:
    """In the lowest bit: a call follows."""
    if argument & 1:
        e.stack.append(NULL)
    e.stack.append(e.load_global(e.name_of(argument >> 1)))


def _load_global_3_13(e: Evaluation, argument: int) -> None:
    """NULL stands behind the function."""
    e.stack.append(e.load_global(e.name_of(argument >> 1)))
    if argument & 1:
        e.stack.append(NULL)


def _load_fast(e: Evaluation, argument: int) -> None:
    fasts = e.fasts
    name = fasts[argument] if argument < len(fasts) else "…"
    e.stack.append(e.known.get(name) or e.interned[name])


def _load_fast_two(e: Evaluation, argument: int) -> None:
    e.stack += (e.load(e.fast(argument >> 4)), e.load(e.fast(argument & 15)))


def _store_fast(e: Evaluation, argument: int) -> None:
    stack = e.stack
    e.store(e.fast(argument), stack.pop() if stack else UNKNOWN)


def _store_fast_load_fast(e: Evaluation, argument: int) -> None:
    e.store(e.fast(argument >> 4), e.pop())
    e.stack.append(e.load(e.fast(argument & 15)))


def _store_fast_two(e: Evaluation, argument: int) -> None:
    e.store(e.fast(argument >> 4), e.pop())
    e.store(e.fast(argument & 15), e.pop())


def _load_cell(e: Evaluation, argument: int) -> None:
    e.stack.append(e.load_cell(e.cell(argument)))


def _load_cell_from_dict(e: Evaluation, argument: int) -> None:
    e.pop()
    _load_cell(e, argument)


def _load_name_from_dict(e: Evaluation, argument: int) -> None:
    e.pop()
    _load_name(e, argument)


def _store_cell(e: Evaluation, argument: int) -> None:
    e.store(e.cell(argument), e.pop())


def _store_name(e: Evaluation, argument: int) -> None:
    e.store(e.name_of(argument), e.pop())


def _push(value: Value) -> Do:
    return lambda e, _: e.stack.append(value)


def _nothing(e: Evaluation, argument: int) -> None:
    del e, argument


# The stack


def _pop_top(e: Evaluation, argument: int) -> None:
    del argument
    stack = e.stack
    value = stack.pop() if stack else UNKNOWN
    if value.telling:
        e.statement(value)


def _end_for(e: Evaluation, argument: int) -> None:
    """The iterator and what it gave last (3.12), or only that, and POP_TOP follows (3.13)."""
    del argument
    e.pops(2 if e.version == (3, 12) else 1)


def _copy(e: Evaluation, argument: int) -> None:
    e.stack.append(e.stack[-argument] if 0 < argument <= len(e.stack) else UNKNOWN)


def _swap(e: Evaluation, argument: int) -> None:
    stack = e.stack
    if 1 < argument <= len(stack):
        stack[-1], stack[-argument] = stack[-argument], stack[-1]


def _dup(count: int) -> Do:
    def do(e: Evaluation, argument: int) -> None:
        values = e.pops(count or min(argument, MOST_ITEMS))
        e.push_all(values + values)

    return do


def _rotate(count: int) -> Do:
    def do(e: Evaluation, argument: int) -> None:
        size = count or argument
        if 1 < size <= len(e.stack):
            e.stack.insert(-size + 1 or len(e.stack), e.stack.pop())

    return do


def _items(e: Evaluation, value: Value | None) -> list[Value]:
    """What is in a tuple or a list."""
    if isinstance(value, Display):
        return value.items if value.brackets != "{:}" else []
    if isinstance(value, Known):
        found = parts_of(value)
        e.spend(len(found))
        return found
    return []


def _unpack_sequence(e: Evaluation, argument: int) -> None:
    value = e.pop()
    count = min(argument, MOST_ITEMS)
    parts = _items(e, value)
    if len(parts) != count:
        e.statement(value)
        parts = [UNKNOWN] * count
    e.push_all(parts[::-1])


def _unpack_ex(e: Evaluation, argument: int) -> None:
    value = e.pop()
    before, after = min(argument & 0xFF, MOST_ITEMS), min(argument >> 8, MOST_ITEMS)
    parts = _items(e, value)
    if len(parts) >= before + after:
        middle = Display("[]", parts[before : len(parts) - after])
        parts = [*parts[:before], middle, *parts[len(parts) - after :]]
    else:
        e.statement(value)
        parts = [UNKNOWN] * (before + 1 + after)
    e.push_all(parts[::-1])


# Attributes and subscripts


def _load_attr(e: Evaluation, argument: int) -> None:
    e.stack.append(Attribute(e.pop(), e.name_of(argument)))


def _load_attr_3_12(e: Evaluation, argument: int) -> None:
    """In the lowest bit: it is a method, and a call follows."""
    stack = e.stack
    attribute = Attribute(stack.pop() if stack else UNKNOWN, e.name_of(argument >> 1))
    if argument & 1:
        stack += (attribute, NULL) if e.version >= (3, 13) else (NULL, attribute)
    else:
        stack.append(attribute)


def _load_method(e: Evaluation, argument: int) -> None:
    """The method and, in the place of the object it belongs to, NULL: its name already tells that."""
    e.stack += (Attribute(e.pop(), e.name_of(argument)), NULL)


def _load_method_3_11(e: Evaluation, argument: int) -> None:
    e.stack += (NULL, Attribute(e.pop(), e.name_of(argument)))


_SUPER = Call(Name("super"), (), None)


def _load_super_attr(e: Evaluation, argument: int) -> None:
    e.pops(3)
    e.stack.append(Attribute(_SUPER, e.name_of(argument >> 2)))
    if argument & 1:
        e.stack.append(NULL)
        if e.version < (3, 13):
            _swap(e, 2)


def _store_attr(e: Evaluation, argument: int) -> None:
    of = e.pop()
    e.assign(e.pop(), of, f".{e.name_of(argument)}")


def _store_subscr(e: Evaluation, argument: int) -> None:
    del argument
    value, of, key = e.pops(3)
    if isinstance(value, Either):
        e.assign(value, of, "[", key, "]")
    elif value.telling or key.telling or of.telling:
        e.tell(of, "[", key, "] = ", value)


def _subscript(e: Evaluation, of: Value, key: Value) -> None:
    e.stack.append(e.fold.item(of, key) or Expression(of, "[", key, "]"))


def _binary_subscr(e: Evaluation, argument: int) -> None:
    del argument
    of, key = e.pops(2)
    _subscript(e, of, key)


def _slice_of(parts: list[Value]) -> Value:
    values = [one.value for one in parts if isinstance(one, Known)]
    if len(values) == len(parts):
        return Known(Slice(*[*values, None][:3]), telling=False)
    pieces: list[Part] = []
    for one in parts:
        pieces += (one if not isinstance(one, Known) or one.value is not None else "", ":")
    return Expression(*pieces[:-1])


def _build_slice(e: Evaluation, argument: int) -> None:
    e.stack.append(_slice_of(e.pops(3 if argument == 3 else 2)))  # noqa: PLR2004 - with a step


def _binary_slice(e: Evaluation, argument: int) -> None:
    del argument
    of, *parts = e.pops(3)
    _subscript(e, of, _slice_of(parts))


def _store_slice(e: Evaluation, argument: int) -> None:
    del argument
    value, of, start, stop = e.pops(4)
    e.assign(value, of, "[", _slice_of([start, stop]), "]")


def _bounds_2(e: Evaluation, number: str) -> Value:
    """The slice of `SLICE+0` to `SLICE+3` in Python 2."""
    bounds = e.pops((0, 1, 1, 2)[int(number) & 3])
    nothing = Known(None, telling=False)
    return _slice_of([bounds[0] if number in ("1", "3") else nothing, bounds[-1] if number in ("2", "3") else nothing])


def _slice_2(number: str) -> Do:
    def do(e: Evaluation, argument: int) -> None:
        del argument
        bounds = _bounds_2(e, number)
        _subscript(e, e.pop(), bounds)

    return do


def _store_slice_2(number: str) -> Do:
    def do(e: Evaluation, argument: int) -> None:
        del argument
        bounds = _bounds_2(e, number)
        value, of = e.pops(2)
        e.assign(value, of, "[", bounds, "]")

    return do


def _delete_slice_2(number: str) -> Do:
    def do(e: Evaluation, argument: int) -> None:
        del argument
        _bounds_2(e, number)
        e.pop()

    return do


# Operators


def _binary(operator: str) -> Do:
    written = f" {operator.removesuffix('=')} "

    def do(e: Evaluation, argument: int) -> None:
        del argument
        left, right = e.pops(2)
        result = e.fold.binary(operator, left, right)
        if result and isinstance(right, Display) and right.brackets == "{:}":  # `%` leaves no names
            e.statement(right)
        e.stack.append(result or Expression(left, written, right))

    return do


_BINARY: dict[str, Do] = {}


def _binary_op(e: Evaluation, argument: int) -> None:
    operators = e.operations.table.binary
    operator = operators[argument] if argument < len(operators) else "?"
    if operator == "[]":
        _binary_subscr(e, 0)
        return
    if operator not in _BINARY:
        _BINARY[operator] = _binary(operator)
    _BINARY[operator](e, 0)


_OPERATORS = {
    "ADD": "+",
    "MODULO": "%",
    "MULTIPLY": "*",
    "SUBTRACT": "-",
    "AND": "&",
    "OR": "|",
    "XOR": "^",
    "LSHIFT": "<<",
    "RSHIFT": ">>",
    "POWER": "**",
    "DIVIDE": "/",
    "TRUE_DIVIDE": "/",
    "FLOOR_DIVIDE": "//",
    "MATRIX_MULTIPLY": "@",
}


def _unary(operator: str) -> Do:
    def do(e: Evaluation, argument: int) -> None:
        del argument
        value = e.pop()
        if operator == "-" and isinstance(value, Known) and isinstance(value.value, (int, float)):
            e.stack.append(Known(-value.value, telling=False))
        else:
            e.stack.append(Expression(operator, value))

    return do


def _compare(shift: int) -> Do:
    """The operator, from that bit of the argument on."""

    def do(e: Evaluation, argument: int) -> None:
        operators = e.operations.table.compare
        index = argument >> shift
        _relate(e, operators[index] if index < len(operators) else "==")

    return do


def _relate(e: Evaluation, operator: str) -> None:
    left, right = e.pops(2)
    e.stack.append(Expression(left, f" {operator} ", right))


# Displays


def _build(brackets: str) -> Do:
    return lambda e, argument: e.stack.append(Display(brackets, e.pops(min(argument, _MANY))))


def _build_tuple(e: Evaluation, argument: int) -> None:
    items = e.pops(min(argument, _MANY))
    e.stack.append(Display("()", items))


def _build_map_sized(e: Evaluation, argument: int) -> None:
    """Only its size is told: STORE_MAP follows."""
    del argument
    e.stack.append(Display("{:}", []))


def _build_map(e: Evaluation, argument: int) -> None:
    e.stack.append(Display("{:}", e.pops(min(argument, _MANY) * 2)))


def _store_map(e: Evaluation, argument: int) -> None:
    del argument
    value, key = e.pops(2)
    _add(e, 1, [key, value])


def _build_const_key_map(e: Evaluation, argument: int) -> None:
    keys = e.pop()
    values = e.pops(min(argument, _MANY))
    names = _items(e, keys)
    items: list[Value] = []
    for index, value in enumerate(values):
        items += (names[index] if index < len(names) else UNKNOWN, value)
    e.stack.append(Display("{:}", items))


def _add(e: Evaluation, depth: int, items: Sequence[Value]) -> None:
    """Add to the display `depth` values down the stack."""
    of = e.stack[-depth] if 0 < depth <= len(e.stack) else UNKNOWN
    if isinstance(of, Display) and len(of.items) + len(items) < _MANY:
        of.add(items)
    else:
        _tell_all(e, [Display("{:}", list(items))] if len(items) > 1 else items)


def _append(e: Evaluation, argument: int) -> None:
    value = e.pop()
    of = e.stack[-argument] if 0 < argument <= len(e.stack) else UNKNOWN
    is_whole = isinstance(value, Each) and isinstance(of, Display) and not of.items
    _add(e, argument, value.values if is_whole and isinstance(value, Each) else [value])


def _map_add(e: Evaluation, argument: int) -> None:
    one, two = e.pops(2)
    _add(e, argument, [one, two] if e.version >= (3, 8) else [two, one])


def _extend(e: Evaluation, argument: int) -> None:
    value = e.pop()
    items = _items(e, value)
    if not items and isinstance(value, Known) and hasattr(value.value, "items"):
        items = [known(one, value.at) for one in getattr(value.value, "items", ())[:MOST_ITEMS]]
        e.spend(len(items))
    _add(e, argument, items or [_starred(value)])


def _starred(value: Value) -> Value:
    return Expression("*", value)


def _pairs_of(value: Value) -> list[Value]:
    """Keys and values by turns, of what stands behind `**`."""
    if isinstance(value, Display) and value.brackets == "{:}":
        return value.items
    return [NULL, value]


def _update(e: Evaluation, argument: int) -> None:
    value = e.pop()
    _add(e, argument, list(_pairs_of(value)))


def _unpack_all(brackets: str) -> Do:
    """`BUILD_…_UNPACK` up to 3.8."""

    def do(e: Evaluation, argument: int) -> None:
        items: list[Value] = []
        for value in e.pops(min(argument & 0xFF, MOST_ITEMS)):
            items += _pairs_of(value) if brackets == "{:}" else _items(e, value) or [_starred(value)]
        e.stack.append(Display(brackets, items[:_MANY]))

    return do


def _build_list_from_arg(e: Evaluation, argument: int) -> None:
    """Of PyPy: an empty list below the iterable that a comprehension goes through."""
    del argument
    value = e.pop()
    e.stack += (Display("[]", []), value)


def _to_tuple(e: Evaluation) -> None:
    value = e.pop()
    e.stack.append(Display("()", value.items) if isinstance(value, Display) else value)


# Strings that are put together


def _format_value(e: Evaluation, argument: int) -> None:
    spec = e.pop() if argument & 4 else None
    _format(e, e.pop(), argument & 3, spec)


def _format(e: Evaluation, value: Value, conversion: int, spec: Value | None) -> None:
    known_text = e.fold.formatted(value, conversion, spec)
    if known_text is not None:
        e.stack.append(known_text)
    elif isinstance(value, Expression) and value.pieces[:1] == ("{",):
        e.stack.append(value)  # converted before (3.13)
    else:
        e.stack.append(Expression("{", value, "}"))


def _convert(e: Evaluation, argument: int) -> None:
    _format(e, e.pop(), argument, None)


def _format_simple(e: Evaluation, argument: int) -> None:
    del argument
    _format(e, e.pop(), 0, None)


def _format_spec(e: Evaluation, argument: int) -> None:
    del argument
    value, spec = e.pops(2)
    _format(e, value, 0, spec)


def _build_string(e: Evaluation, argument: int) -> None:
    parts = e.pops(min(argument, _MANY))
    e.stack.append(e.fold.joined(parts) or _template("f", parts))


def _template(prefix: str, parts: Sequence[Value]) -> Value:
    """An f-string or a t-string."""
    pieces: list[Part] = []
    for one in parts:
        if isinstance(one, Known) and isinstance(one.value, str):
            pieces.append(Literal(one.value, one.at))
        else:
            pieces.append(one)
    literals = "".join([one.value for one in pieces if isinstance(one, Literal)])
    quote = '"""' if "\n" in literals else "'" if '"' in literals else '"'
    return Expression(prefix + quote, *pieces, quote)


def _build_interpolation(e: Evaluation, argument: int) -> None:
    """Of a t-string (3.14): the value, its source, and in the lowest bit a format."""
    if argument & 1:
        e.pop()
    value, _ = e.pops(2)
    e.stack.append(Expression("{", value, "}"))


def _build_template(e: Evaluation, argument: int) -> None:
    """A tuple of the strings, one more than there are interpolations, and a tuple of those."""
    del argument
    strings, interpolations = [_items(e, one) for one in e.pops(2)]
    parts: list[Value] = []
    for index, one in enumerate(strings):
        parts += (one, *interpolations[index : index + 1])
    e.stack.append(_template("t", parts))


# Calls


def _call(e: Evaluation, function: Value, arguments: Sequence[Value], keywords: dict[str, Value] | None = None) -> None:
    written = Call(function, arguments, keywords)
    if function is _CLASS:
        e.stack.append(_class(arguments, keywords))
        return
    if isinstance(function, Known) and isinstance(function.value, Code):
        _tell_generic(e, function.value, arguments)
        if len(arguments) == 1 and (made := e.comprehension(function.value, arguments[0])):
            e.stack.append(made)
            return
    if not written.telling and not arguments:
        e.stack.append(written)
        return
    result = e.fold.call(function, arguments, keywords)
    if result is None:
        if written.telling:
            _tell_named(e, function, arguments)
        e.stack.append(written)
        return
    if keywords:
        e.statement(written)
    e.stack.append(result)


_KEY = re.compile(r"[A-Za-z_][\w.:-]{1,63}\Z")
_LEAST_NAMED = 2


def _tell_named(e: Evaluation, function: Value, arguments: Sequence[Value]) -> None:
    """`setattr(a, "name", "value")`, `environ.setdefault("name", "value")` and their like set something."""
    if len(arguments) < _LEAST_NAMED:
        return
    key, value = arguments[-2:]
    name = key.value if isinstance(key, Known) else None
    if isinstance(name, bytes) and e.version < (3, 0):
        name = name.decode("latin-1")
    if isinstance(name, str) and value.telling and _KEY.match(name):
        if isinstance(value, Known) and not isinstance(value.value, (str, bytes)):
            return
        if isinstance(function, Name) and function.text == "setattr" and len(arguments) > _LEAST_NAMED:
            e.assign(value, arguments[0], f".{name}")
        elif isinstance(value, (Known, Either)) and isinstance(function, (Name, Attribute)):
            e.assign(value, name)


def _tell_generic(e: Evaluation, code: Code, arguments: Sequence[Value]) -> None:
    """The defaults of a generic function are arguments of the code that makes it (3.12)."""
    given = dict(zip(code.slots[: code.argcount], arguments, strict=False))
    if ".defaults" in given or ".kwdefaults" in given:
        for inner in code.consts:
            if isinstance(inner, Code) and inner.name in code.name:
                _tell_defaults(e, Known(inner, telling=False), given.get(".defaults"), given.get(".kwdefaults"))


_CLASS = Name("class")


def _class(arguments: Sequence[Value], keywords: dict[str, Value] | None) -> Value:
    """A call of `__build_class__`, with the body and the name before the bases."""
    body = arguments[0] if arguments else UNKNOWN
    name = body.value.name if isinstance(body, Known) and isinstance(body.value, Code) else "…"
    return Call(Name(f"class {name}"), arguments[2:], keywords)


def _named(names: Value | tuple[str, ...], values: list[Value]) -> tuple[list[Value], dict[str, Value] | None]:
    """The last of `values` are those of the keywords `names`."""
    found: Any = names.value if isinstance(names, Known) else names
    if not isinstance(found, tuple):
        return values, None
    count = min(len(found), len(values))
    if not count:
        return values, None
    return values[:-count], dict(zip(map(str, found), values[-count:], strict=False))


def _call_function(e: Evaluation, argument: int) -> None:
    arguments = e.pops(argument)
    _call(e, e.pop(), arguments)


def _call_function_with_pairs(e: Evaluation, argument: int) -> None:
    """Up to 3.5: positional ones in the low byte, keywords as pairs in the high one."""
    pairs = e.pops((argument >> 8 & 0xFF) * 2)
    arguments = e.pops(argument & 0xFF)
    _call(e, e.pop(), arguments, _from_pairs(pairs))


def _from_pairs(pairs: list[Value]) -> dict[str, Value]:
    keywords: dict[str, Value] = {}
    for key, value in zip(pairs[::2], pairs[1::2], strict=False):
        name = "**" if key is NULL else key.value if isinstance(key, Known) else "…"
        keywords[name.decode("latin-1") if isinstance(name, bytes) else str(name)] = value
    return keywords


def _call_function_var(has_list: bool, has_dict: bool) -> Do:  # noqa: FBT001 - of a table
    """`f(*a, **b)` up to 3.5."""

    def do(e: Evaluation, argument: int) -> None:
        more_keywords = e.pop() if has_dict else None
        more = e.pop() if has_list else None
        pairs = e.pops((argument >> 8 & 0xFF) * 2)
        arguments = e.pops(argument & 0xFF)
        if more is not None:
            arguments += _items(e, more) or [_starred(more)]
        if more_keywords is not None:
            pairs += _pairs_of(more_keywords)
        _call(e, e.pop(), arguments, _from_pairs(pairs))

    return do


def _call_function_kw(e: Evaluation, argument: int) -> None:
    names = e.pop()
    arguments, keywords = _named(names, e.pops(argument))
    _call(e, e.pop(), arguments, keywords)


def _call_function_ex(e: Evaluation, argument: int) -> None:
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
    arguments = _items(e, more)
    if not arguments and not (isinstance(more, (Known, Display)) and not more.telling):
        arguments = [_starred(more)]
    _call(e, function, arguments, _from_pairs(_pairs_of(more_keywords)) if more_keywords is not NULL else None)


def _call_method(e: Evaluation, argument: int) -> None:
    arguments = e.pops(argument)
    e.pop()
    _call(e, e.pop(), arguments)


def _call_method_kw(e: Evaluation, argument: int) -> None:
    names = e.pop()
    arguments, keywords = _named(names, e.pops(argument))
    e.pop()
    _call(e, e.pop(), arguments, keywords)


def _kw_names(e: Evaluation, argument: int) -> None:
    value = e.code.consts[argument] if argument < len(e.code.consts) else ()
    e.keywords = tuple(map(str, value)) if isinstance(value, tuple) else ()


def _call_3_11(e: Evaluation, argument: int) -> None:
    arguments = e.pops(argument)
    keywords = None
    if e.keywords:
        arguments, keywords = _named(e.keywords, arguments)
        e.keywords = ()
    _call_pair(e, arguments, keywords)


def _call_kw(e: Evaluation, argument: int) -> None:
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


def _intrinsic_1(e: Evaluation, argument: int) -> None:
    if argument == 6:  # a list becomes a tuple  # noqa: PLR2004
        _to_tuple(e)


def _intrinsic_2(e: Evaluation, argument: int) -> None:
    """The first of them: of an exception group, of a type variable, or of a function with its type parameters."""
    value, other = e.pops(2)
    e.stack.append(other if argument == 4 else value)  # noqa: PLR2004 - INTRINSIC_SET_FUNCTION_TYPE_PARAMS


# Functions and classes


def _make_function_counted(e: Evaluation, argument: int) -> None:
    """Up to 3.5 the argument counts defaults, those of keywords, and annotations."""
    if e.version >= (3, 3):
        e.pop()
    code = e.pop()
    _make_counted(e, argument, code)


def _make_counted(e: Evaluation, argument: int, code: Value) -> None:
    e.pops(min(argument >> 16 & 0x7FFF, MOST_ITEMS))
    pairs = e.pops((argument >> 8 & 0xFF) * 2) if e.version >= (3, 0) else []
    values = e.pops(argument & 0xFF if e.version >= (3, 0) else min(argument, MOST_ITEMS))
    _tell_defaults(e, code, Display("()", values), Display("{:}", pairs))
    e.stack.append(code)


def _make_closure(e: Evaluation, argument: int) -> None:
    if e.version >= (3, 3):
        e.pop()
    code = e.pop()
    e.pop()
    _make_counted(e, argument, code)


def _make_function(e: Evaluation, argument: int) -> None:
    """From 3.6 on the argument is flags; the name is behind the code up to 3.10."""
    if e.version < (3, 11):
        e.pop()
    code = e.pop()
    if argument & 8:
        e.pop()
    if argument & 4:
        e.statement(e.pop())
    named = e.pop() if argument & 2 else None
    defaults = e.pop() if argument & 1 else None
    _tell_defaults(e, code, defaults, named)
    e.stack.append(code)


def _set_function_attribute(e: Evaluation, argument: int) -> None:
    """From 3.13 on each of the flags is an instruction."""
    value, function = e.pops(2)
    if argument == 1:
        _tell_defaults(e, function, value, None)
    elif argument == 2:  # noqa: PLR2004
        _tell_defaults(e, function, None, value)
    elif argument == 4:  # noqa: PLR2004
        e.statement(value)
    e.stack.append(function)


def _tell_defaults(e: Evaluation, function: Value, defaults: Value | None, named: Value | None) -> None:
    code = function.value if isinstance(function, Known) else None
    if not isinstance(code, Code):
        return
    values = _items(e, defaults)
    names = (code.slots or code.varnames)[: code.argcount]
    pairs = list(zip(names[len(names) - len(values) :], values, strict=False)) if len(values) <= len(names) else []
    if isinstance(named, Display):
        pairs += _from_pairs(named.items).items()
    elif isinstance(named, Known) and isinstance(named.value, Pairs):
        pairs += [(str(key), known(value, named.at)) for key, value in named.value.items[:MOST_ITEMS]]
    for name, value in pairs:
        for one in alternatives(value):
            if one.telling:
                e.tell(f"def {code.name}({name}=", one, "): ...")


def _build_class(e: Evaluation, argument: int) -> None:
    """Of Python 2: name, bases and what is in it."""
    del argument
    e.pops(3)
    e.stack.append(UNKNOWN)


def _store_annotation(e: Evaluation, argument: int) -> None:
    value = e.pop()
    if value.telling:
        e.tell(f"{e.name_of(argument)}: ", value)


# Ways through the code


def _return(e: Evaluation, argument: int) -> None:
    del argument
    value = e.pop()
    e.result = value
    if value.telling:
        _tell_return(e, value)
    e.dead = True


def _tell_return(e: Evaluation, value: Value) -> None:
    if isinstance(value, Either):
        for one in alternatives(value):
            _tell_return(e, one)
    elif value.telling:
        name = e.code.name
        e.tell("return ", value, f"  # {name}" if name.isidentifier() else "")


def _return_const(e: Evaluation, argument: int) -> None:
    _load_const(e, argument)
    _return(e, 0)


def _raise(e: Evaluation, argument: int) -> None:
    _tell_all(e, e.pops(min(argument, 3)))
    e.dead = True


def _yield(e: Evaluation, argument: int) -> None:
    del argument
    value = e.pop()
    if value.telling:
        e.tell("yield ", value)
    if value is not UNKNOWN and e.yielded is UNKNOWN:
        e.yielded = value
    e.stack.append(UNKNOWN)


def _jump(e: Evaluation, argument: int) -> None:
    del argument
    e.leave()
    e.dead = True


def _jump_backward(e: Evaluation, argument: int) -> None:
    del argument
    e.dead = True


def _pop_jump(e: Evaluation, argument: int) -> None:
    del argument
    value = e.pop()
    if value.telling:
        e.statement(value)
    e.leave()


def _jump_or_pop(e: Evaluation, argument: int) -> None:
    del argument
    e.leave()
    e.pop()


def _jump_if(e: Evaluation, argument: int) -> None:
    """The stack stays as it is."""
    del argument
    e.leave()


def _for_iter(e: Evaluation, argument: int) -> None:
    """At the end the iterator is gone."""
    del argument
    iterator = e.pop()
    e.leave()
    e.stack += (iterator, _each(e, iterator))


def _each(e: Evaluation, iterator: Value) -> Value:
    items = items_of(iterator)
    e.spend(len(items))
    return Each(items) if items else UNKNOWN


def _for_iter_3_12(e: Evaluation, argument: int) -> None:
    """At the end the iterator, and one more, are taken away by END_FOR."""
    del argument
    depth = 1 if e.version < (3, 15) else 2
    e.stack.append(_each(e, e.stack[-depth]) if len(e.stack) >= depth else UNKNOWN)
    e.leave()


def _send(e: Evaluation, argument: int) -> None:
    """At the end, what was sent is gone, and the result stands for what gave it (3.11)."""
    del argument
    value = e.pop()
    e.leave()
    e.stack.append(value)


def _setup(e: Evaluation, argument: int) -> None:
    """Where an exception leads, six values lie on top of what there is; three in Python 2."""
    del argument
    count = 6 if e.version >= (3, 0) else 3
    e.stack += [UNKNOWN] * count
    e.leave()
    e.pops(count)


def _with(e: Evaluation, argument: int) -> None:
    """The value is used up; its `__exit__` lies below what it gives. Up to 3.10, where an exception leads follows."""
    del argument
    e.statement(e.pop())
    e.stack.append(UNKNOWN)
    if e.version < (3, 11):
        _setup(e, 0)
    e.stack.append(UNKNOWN)


def _load_special(e: Evaluation, argument: int) -> None:
    """`__enter__` or `__exit__` of the value (3.14), and the value or NULL."""
    del argument
    e.statement(e.pop())
    e.stack += (UNKNOWN, NULL)


def _get_iter(e: Evaluation, argument: int) -> None:
    del argument
    value = e.pop()
    e.statement(value)
    e.stack.append(value if isinstance(value, (Known, Display)) or not value.telling else UNKNOWN)


def _get_iter_3_15(e: Evaluation, argument: int) -> None:
    """An index, or NULL, lies on top of the iterator."""
    _get_iter(e, argument)
    e.stack.append(NULL)


def _pop_iter_3_15(e: Evaluation, argument: int) -> None:
    del argument
    e.pops(2)


def _import_name(e: Evaluation, argument: int) -> None:
    e.pops(2)
    name = e.name_of(argument)
    e.stack.append(Import(name))


def _import_from(e: Evaluation, argument: int) -> None:
    module = e.stack[-1] if e.stack else UNKNOWN
    name = e.name_of(argument)
    e.stack.append(Import(f"{module.text}.{name}" if isinstance(module, Import) else name))


def _print_item(e: Evaluation, argument: int) -> None:
    del argument
    value = e.pop()
    if value.telling:
        e.tell("print ", value)


def _print_item_to(e: Evaluation, argument: int) -> None:
    e.pop()
    _print_item(e, argument)


def _pop_silently(e: Evaluation, argument: int) -> None:
    del argument
    e.pop()


def _exec(e: Evaluation, argument: int) -> None:
    del argument
    value, *_ = e.pops(3)
    if value.telling:
        e.tell("exec(", value, ")")


_SINCE_2, _SINCE_3 = (2, 0), (3, 0)

_DO: dict[str, Do | tuple[tuple[tuple[int, int], Do], ...]] = {
    "LOAD_CONST": _load_const,
    "LOAD_CONST_IMMORTAL": _load_const,
    "LOAD_CONST_MORTAL": _load_const,
    "LOAD_SMALL_INT": _load_small_int,
    "LOAD_COMMON_CONSTANT": _load_common,
    "LOAD_NAME": _load_name,
    "LOAD_GLOBAL": ((_SINCE_2, _load_name), ((3, 11), _load_global_3_11), ((3, 13), _load_global_3_13)),
    "LOAD_FAST": _load_fast,
    "LOAD_FAST_BORROW": _load_fast,
    "LOAD_FAST_CHECK": _load_fast,
    "LOAD_FAST_AND_CLEAR": _load_fast,
    "LOAD_FAST_LOAD_FAST": _load_fast_two,
    "LOAD_FAST_BORROW_LOAD_FAST_BORROW": _load_fast_two,
    "STORE_FAST": _store_fast,
    "STORE_FAST_MAYBE_NULL": _store_fast,
    "STORE_FAST_LOAD_FAST": _store_fast_load_fast,
    "STORE_FAST_STORE_FAST": _store_fast_two,
    "LOAD_DEREF": _load_cell,
    "LOAD_CLOSURE": _load_cell,
    "LOAD_CLASSDEREF": _load_cell,
    "LOAD_FROM_DICT_OR_DEREF": _load_cell_from_dict,
    "LOAD_FROM_DICT_OR_GLOBALS": _load_name_from_dict,
    "STORE_DEREF": _store_cell,
    "STORE_NAME": _store_name,
    "STORE_GLOBAL": _store_name,
    "LOAD_LOCALS": _push(Name("locals()")),
    "LOAD_BUILD_CLASS": _push(_CLASS),
    "LOAD_ASSERTION_ERROR": _push(Name("AssertionError")),
    "PUSH_NULL": _push(NULL),
    "POP_TOP": _pop_top,
    "POP_ITER": ((_SINCE_2, _pop_top), ((3, 15), _pop_iter_3_15)),
    "END_FOR": _end_for,
    "COPY": _copy,
    "SWAP": _swap,
    "DUP_TOP": _dup(1),
    "DUP_TOP_TWO": _dup(2),
    "DUP_TOPX": _dup(0),
    "ROT_TWO": _rotate(2),
    "ROT_THREE": _rotate(3),
    "ROT_FOUR": _rotate(4),
    "ROT_N": _rotate(0),
    "UNPACK_SEQUENCE": _unpack_sequence,
    "UNPACK_EX": _unpack_ex,
    "LOAD_ATTR": ((_SINCE_2, _load_attr), ((3, 12), _load_attr_3_12)),
    "LOAD_METHOD": ((_SINCE_2, _load_method), ((3, 11), _load_method_3_11)),
    "LOOKUP_METHOD": _load_method,
    "LOAD_SUPER_ATTR": _load_super_attr,
    "STORE_ATTR": _store_attr,
    "STORE_SUBSCR": _store_subscr,
    "BINARY_SUBSCR": _binary_subscr,
    "BINARY_SLICE": _binary_slice,
    "BUILD_SLICE": _build_slice,
    "STORE_SLICE": _store_slice,
    "BINARY_OP": _binary_op,
    "UNARY_NEGATIVE": _unary("-"),
    "UNARY_NOT": _unary("not "),
    "UNARY_INVERT": _unary("~"),
    "UNARY_POSITIVE": _unary("+"),
    "TO_BOOL": _nothing,
    "COMPARE_OP": ((_SINCE_2, _compare(0)), ((3, 12), _compare(4)), ((3, 13), _compare(5))),
    "CONTAINS_OP": lambda e, argument: _relate(e, "not in" if argument & 1 else "in"),
    "IS_OP": lambda e, argument: _relate(e, "is not" if argument & 1 else "is"),
    "BUILD_TUPLE": _build("()"),
    "BUILD_LIST": _build("[]"),
    "BUILD_SET": _build("{}"),
    "BUILD_MAP": ((_SINCE_2, _build_map_sized), ((3, 5), _build_map)),
    "STORE_MAP": _store_map,
    "BUILD_CONST_KEY_MAP": _build_const_key_map,
    "LIST_APPEND": _append,
    "SET_ADD": _append,
    "MAP_ADD": _map_add,
    "LIST_EXTEND": _extend,
    "SET_UPDATE": _extend,
    "DICT_UPDATE": _update,
    "DICT_MERGE": _update,
    "LIST_TO_TUPLE": lambda e, _: _to_tuple(e),
    "BUILD_TUPLE_UNPACK": _unpack_all("()"),
    "BUILD_TUPLE_UNPACK_WITH_CALL": _unpack_all("()"),
    "BUILD_LIST_UNPACK": _unpack_all("[]"),
    "BUILD_SET_UNPACK": _unpack_all("{}"),
    "BUILD_MAP_UNPACK": _unpack_all("{:}"),
    "BUILD_MAP_UNPACK_WITH_CALL": _unpack_all("{:}"),
    "BUILD_LIST_FROM_ARG": _build_list_from_arg,
    "FORMAT_VALUE": _format_value,
    "FORMAT_SIMPLE": _format_simple,
    "FORMAT_WITH_SPEC": _format_spec,
    "CONVERT_VALUE": _convert,
    "BUILD_STRING": _build_string,
    "BUILD_INTERPOLATION": _build_interpolation,
    "BUILD_TEMPLATE": _build_template,
    "CALL_FUNCTION": ((_SINCE_2, _call_function_with_pairs), ((3, 6), _call_function)),
    "CALL_FUNCTION_VAR": _call_function_var(has_list=True, has_dict=False),
    "CALL_FUNCTION_VAR_KW": _call_function_var(has_list=True, has_dict=True),
    "CALL_FUNCTION_KW": (
        (_SINCE_2, _call_function_var(has_list=False, has_dict=True)),
        ((3, 6), _call_function_kw),
    ),
    "CALL_FUNCTION_EX": _call_function_ex,
    "CALL_METHOD": _call_method,
    "CALL_METHOD_KW": _call_method_kw,
    "KW_NAMES": _kw_names,
    "PRECALL": _nothing,
    "CALL": _call_3_11,
    "CALL_KW": _call_kw,
    "CALL_INTRINSIC_1": _intrinsic_1,
    "CALL_INTRINSIC_2": _intrinsic_2,
    "MAKE_FUNCTION": ((_SINCE_2, _make_function_counted), ((3, 6), _make_function), ((3, 13), _nothing)),
    "MAKE_CLOSURE": _make_closure,
    "SET_FUNCTION_ATTRIBUTE": _set_function_attribute,
    "BUILD_CLASS": _build_class,
    "STORE_ANNOTATION": _store_annotation,
    "RETURN_VALUE": _return,
    "RETURN_CONST": _return_const,
    "RAISE_VARARGS": _raise,
    "YIELD_VALUE": _yield,
    "JUMP_FORWARD": _jump,
    "JUMP_ABSOLUTE": _jump,
    "JUMP_BACKWARD": _jump_backward,
    "JUMP_BACKWARD_NO_INTERRUPT": _jump_backward,
    "CONTINUE_LOOP": _jump_backward,
    "JUMP_IF_TRUE_OR_POP": _jump_or_pop,
    "JUMP_IF_FALSE_OR_POP": _jump_or_pop,
    "JUMP_IF_TRUE": _jump_if,
    "JUMP_IF_FALSE": _jump_if,
    "SEND": ((_SINCE_2, _send), ((3, 12), _jump_if)),
    "FOR_ITER": ((_SINCE_2, _for_iter), ((3, 12), _for_iter_3_12)),
    "SETUP_FINALLY": _setup,
    "SETUP_EXCEPT": _setup,
    "SETUP_LOOP": _nothing,
    "GET_ITER": ((_SINCE_2, _get_iter), ((3, 15), _get_iter_3_15)),
    "GET_AITER": _get_iter,
    "SETUP_WITH": _with,
    "BEFORE_WITH": _with,
    "BEFORE_ASYNC_WITH": _with,
    "LOAD_SPECIAL": _load_special,
    "IMPORT_NAME": _import_name,
    "IMPORT_FROM": _import_from,
    "PRINT_ITEM": _print_item,
    "PRINT_ITEM_TO": _print_item_to,
    "PRINT_EXPR": _pop_top,
    "PRINT_NEWLINE_TO": _pop_silently,
    "EXEC_STMT": _exec,
}
_BY_PREFIX: dict[str, Callable[[str], Do]] = {
    "BINARY_": lambda name: _binary(_OPERATORS.get(name, "?")),
    "INPLACE_": lambda name: _binary(_OPERATORS.get(name, "?") + "="),
    "POP_JUMP_": lambda _: _pop_jump,
    "SLICE+": _slice_2,
    "STORE_SLICE+": _store_slice_2,
    "DELETE_SLICE+": _delete_slice_2,
}
_IN_PYPY: dict[str, Do] = {"CALL_FUNCTION": _call_function_with_pairs}
