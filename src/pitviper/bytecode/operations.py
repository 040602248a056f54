"""What each instruction does to an evaluation, by its name; where versions differ, that is told beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pitviper.bytecode import fold
from pitviper.bytecode.code import Code, Constant, Slice
from pitviper.bytecode.values import MOST_ITEMS, NULL, UNKNOWN, Display, Either, Known, Value, Written, is_telling

if TYPE_CHECKING:
    from pitviper.bytecode.evaluate import _Evaluation as Evaluation

Do = Callable[["Evaluation", int], None]
_MANY = 64 * 1024
"""Arguments, parts, or values on the stack, beyond which an operand is nonsense."""


def handler(name: str, effects: tuple[int, ...]) -> Do:
    """What to do for the instruction called `name`."""
    if name in _DO:
        return _DO[name]
    for prefix, make in _BY_PREFIX.items():
        if name.startswith(prefix):
            return make(name.removeprefix(prefix))
    return _other(effects)


def _other(effects: tuple[int, ...]) -> Do:
    """An instruction that is only known by what it adds to the stack."""

    def do(e: Evaluation, argument: int) -> None:
        if not effects:
            return
        effect = effects[min(argument, len(effects) - 1)]
        if argument >= len(effects):
            effect += (effects[-1] - effects[-2]) * min(argument - len(effects) + 1, _MANY)
        if effect > 0:
            e.stack += [UNKNOWN] * min(effect, MOST_ITEMS)
        elif effect < 0:
            _tell_all(e, e.pops(-effect))

    return do


def _tell_all(e: Evaluation, values: Sequence[Value]) -> None:
    for value in values:
        e.statement(value)


# Values


def _load_const(e: Evaluation, argument: int) -> None:
    consts = e.code.consts
    e.stack.append(Known(consts[argument]) if argument < len(consts) else UNKNOWN)


def _load_small_int(e: Evaluation, argument: int) -> None:
    e.push(Known(argument))


_COMMON: dict[str, Constant] = {"None": None, "": "", "True": True, "False": False, "-1": -1}


def _load_common(e: Evaluation, argument: int) -> None:
    common = e.operations.table.common
    name = common[argument] if argument < len(common) else "…"
    e.push(Known(_COMMON[name]) if name in _COMMON else Written(name))


def _load_name(e: Evaluation, argument: int) -> None:
    e.push(e.load(e.name_of(argument), everywhere=True))


def _load_global(e: Evaluation, argument: int) -> None:
    if e.version < (3, 11) or e.is_pypy:
        e.push(e.load(e.name_of(argument), everywhere=True))
        return
    value = e.load(e.name_of(argument >> 1), everywhere=True)
    if argument & 1:  # a call follows; NULL stands behind the function from 3.13 on
        e.stack += [value, NULL] if e.version >= (3, 13) else [NULL, value]
    else:
        e.push(value)


def _load_fast(e: Evaluation, argument: int) -> None:
    e.push(e.load(e.fast(argument), everywhere=False))


def _load_fast_two(e: Evaluation, argument: int) -> None:
    _load_fast(e, argument >> 4)
    _load_fast(e, argument & 15)


def _store_fast(e: Evaluation, argument: int) -> None:
    e.store(e.fast(argument), e.pop())


def _store_fast_load_fast(e: Evaluation, argument: int) -> None:
    _store_fast(e, argument >> 4)
    _load_fast(e, argument & 15)


def _store_fast_two(e: Evaluation, argument: int) -> None:
    _store_fast(e, argument >> 4)
    _store_fast(e, argument & 15)


def _load_deref(e: Evaluation, argument: int) -> None:
    e.push(e.load(e.cell(argument), everywhere=False))


def _load_from_dict(e: Evaluation, argument: int) -> None:
    e.pop()
    _load_deref(e, argument)


def _load_from_dict_or_globals(e: Evaluation, argument: int) -> None:
    e.pop()
    _load_name(e, argument)


def _store_deref(e: Evaluation, argument: int) -> None:
    e.store(e.cell(argument), e.pop())


def _store_name(e: Evaluation, argument: int) -> None:
    e.store(e.name_of(argument), e.pop())


def _write(name: str) -> Do:
    return lambda e, _: e.push(Written(name))


def _push(value: Value) -> Do:
    return lambda e, _: e.push(value)


def _nothing(e: Evaluation, argument: int) -> None:
    del e, argument


# The stack


def _pop_top(e: Evaluation, argument: int) -> None:
    del argument
    e.statement(e.pop())


def _copy(e: Evaluation, argument: int) -> None:
    e.push(e.stack[-argument] if 0 < argument <= len(e.stack) else UNKNOWN)


def _swap(e: Evaluation, argument: int) -> None:
    if 1 < argument <= len(e.stack):
        e.stack[-1], e.stack[-argument] = e.stack[-argument], e.stack[-1]


def _dup(count: int) -> Do:
    def do(e: Evaluation, argument: int) -> None:
        values = e.pops(count or min(argument, MOST_ITEMS))
        e.stack += values + values

    return do


def _rotate(count: int) -> Do:
    def do(e: Evaluation, argument: int) -> None:
        size = count or argument
        if 1 < size <= len(e.stack):
            e.stack.insert(-size + 1 or len(e.stack), e.stack.pop())

    return do


def _unpack_sequence(e: Evaluation, argument: int) -> None:
    value = e.pop()
    count = min(argument, MOST_ITEMS)
    parts: list[Value] = [UNKNOWN] * count
    if isinstance(value, Display) and len(value.items) == count:
        parts = list(value.items)
    elif isinstance(value, Known) and isinstance(value.value, (tuple, list)) and len(value.value) == count:
        parts = [Known(one) for one in value.value]
    else:
        e.statement(value)
    e.stack += reversed(parts)


def _unpack_ex(e: Evaluation, argument: int) -> None:
    value = e.pop()
    before, after = min(argument & 0xFF, MOST_ITEMS), min(argument >> 8, MOST_ITEMS)
    parts: list[Value] = []
    if isinstance(value, Display):
        parts = list(value.items)
    elif isinstance(value, Known) and isinstance(value.value, (tuple, list)):
        parts = [Known(one) for one in value.value[:MOST_ITEMS]]
    if len(parts) >= before + after:
        middle = Display("[]", parts[before : len(parts) - after])
        parts = [*parts[:before], middle, *parts[len(parts) - after :]]
    else:
        e.statement(value)
        parts = [UNKNOWN] * (before + 1 + after)
    e.stack += reversed(parts)


# Attributes and subscripts


def _attribute(e: Evaluation, name: str) -> None:
    of = e.pop()
    e.push(e.write(f"{e.show(of)}.{name}", of))


def _load_attr(e: Evaluation, argument: int) -> None:
    if e.version < (3, 12) or e.is_pypy:
        _attribute(e, e.name_of(argument))
    elif argument & 1:
        _load_method(e, argument >> 1)
    else:
        _attribute(e, e.name_of(argument >> 1))


class Method(Written):
    """A method of a value that is kept, because it may be a known string."""

    __slots__ = ("name", "of")

    def __init__(self, of: Value, name: str, text: str, *, telling: bool) -> None:
        super().__init__(text, telling=telling)
        self.of = of
        self.name = name


def _load_method(e: Evaluation, argument: int) -> None:
    """The method and, in the place of the object it belongs to, NULL: its name already tells that."""
    of = e.pop()
    name = e.name_of(argument)
    shown = Either([]) if isinstance(of, Known) and not of.name and isinstance(of.value, (str, bytes)) else of
    text = f"{e.show(shown) if shown is of else '…'}.{name}"
    method = Method(of, name, text if len(text) < MOST_ITEMS else f"….{name}", telling=is_telling(of))
    if e.version >= (3, 13):
        e.stack += [method, NULL]
    else:
        e.stack += [NULL, method] if e.version >= (3, 11) and not e.is_pypy else [method, NULL]


def _load_super_attr(e: Evaluation, argument: int) -> None:
    e.pops(3)
    method = Written(f"super().{e.name_of(argument >> 2)}")
    if argument & 1:
        e.stack += [method, NULL] if e.version >= (3, 13) else [NULL, method]
    else:
        e.push(method)


def _store_attr(e: Evaluation, argument: int) -> None:
    of = e.pop()
    e.assign(f"{e.show(of)}.{e.name_of(argument)}", e.pop())


def _store_subscr(e: Evaluation, argument: int) -> None:
    del argument
    value, of, key = e.pops(3)
    target = f"{e.show(of)}[{e.show(key)}]"
    if isinstance(value, Either):
        e.assign(target, value)
    elif is_telling(value) or is_telling(key):
        e.tell(f"{target} = {e.show(value)}")


def _subscript(e: Evaluation, of: Value, key: Value) -> None:
    known = fold.item(of, key) if isinstance(of, Known) else None
    e.push(known or e.write(f"{e.show(of)}[{e.show(key)}]", Display("()", [of, key])))


def _binary_subscr(e: Evaluation, argument: int) -> None:
    del argument
    of, key = e.pops(2)
    _subscript(e, of, key)


def _slice_of(parts: list[Value]) -> Value:
    if all(isinstance(one, Known) for one in parts):
        values = [one.value for one in parts if isinstance(one, Known)]
        return Known(Slice(*[*values, None][:3]))
    return Written("…:…")


def _build_slice(e: Evaluation, argument: int) -> None:
    e.push(_slice_of(e.pops(3 if argument == 3 else 2)))  # noqa: PLR2004 - with a step


def _binary_slice(e: Evaluation, argument: int) -> None:
    del argument
    of, *parts = e.pops(3)
    _subscript(e, of, _slice_of(parts))


def _store_slice(e: Evaluation, argument: int) -> None:
    del argument
    value, of, *_ = e.pops(4)
    e.assign(f"{e.show(of)}[…]", value)


def _slice_2(number: str) -> Do:
    """`SLICE+0` to `SLICE+3` of Python 2."""

    def do(e: Evaluation, argument: int) -> None:
        del argument
        bounds = e.pops((0, 1, 1, 2)[int(number) & 3])
        nothing: Value = Known(None)
        start = bounds[0] if number in ("1", "3") else nothing
        stop = bounds[-1] if number in ("2", "3") else nothing
        _subscript(e, e.pop(), _slice_of([start, stop]))

    return do


# Operators


def _binary(operator: str) -> Do:
    def do(e: Evaluation, argument: int) -> None:
        del argument
        left, right = e.pops(2)
        known = fold.binary(operator, left, right)
        shown = operator.removesuffix("=")
        e.push(known or e.write(f"{e.show(left)} {shown} {e.show(right)}", Display("()", [left, right])))

    return do


def _binary_op(e: Evaluation, argument: int) -> None:
    operators = e.operations.table.binary
    operator = operators[argument] if argument < len(operators) else "?"
    if operator == "[]":
        _binary_subscr(e, 0)
    else:
        _binary(operator)(e, 0)


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
            e.push(Known(-value.value))
        else:
            e.push(e.write(f"{operator}{e.show(value)}", value))

    return do


def _compare(e: Evaluation, argument: int) -> None:
    """Up to 3.11 the argument is the operator; then that is in bits from 4, and from 3.13 on from 5."""
    index = argument if e.version < (3, 12) or e.is_pypy else argument >> (5 if e.version >= (3, 13) else 4)
    operators = e.operations.table.compare
    left, right = e.pops(2)
    operator = operators[index] if index < len(operators) else "=="
    e.push(e.write(f"{e.show(left)} {operator} {e.show(right)}", Display("()", [left, right])))


def _contains(e: Evaluation, argument: int) -> None:
    left, right = e.pops(2)
    operator = "not in" if argument & 1 else "in"
    e.push(e.write(f"{e.show(left)} {operator} {e.show(right)}", Display("()", [left, right])))


def _is(e: Evaluation, argument: int) -> None:
    left, right = e.pops(2)
    operator = "is not" if argument & 1 else "is"
    e.push(e.write(f"{e.show(left)} {operator} {e.show(right)}", Display("()", [left, right])))


# Displays


def _build(brackets: str, each: int = 1) -> Do:
    def do(e: Evaluation, argument: int) -> None:
        items = e.pops(min(argument, _MANY) * each)
        if brackets == "()" and items and all(isinstance(one, Known) and not one.name for one in items):
            e.push(Known(tuple(one.value for one in items if isinstance(one, Known))))
        else:
            e.push(Display(brackets, items))

    return do


def _build_map(e: Evaluation, argument: int) -> None:
    if e.version < (3, 5):  # only its size is told: STORE_MAP follows
        e.push(Display("{:}", []))
    else:
        e.push(Display("{:}", e.pops(min(argument, _MANY) * 2)))


def _store_map(e: Evaluation, argument: int) -> None:
    del argument
    value, key = e.pops(2)
    _add(e, 1, [key, value])


def _build_const_key_map(e: Evaluation, argument: int) -> None:
    keys = e.pop()
    values = e.pops(min(argument, _MANY))
    names = keys.value if isinstance(keys, Known) and isinstance(keys.value, tuple) else ()
    items: list[Value] = []
    for index, value in enumerate(values):
        items += [Known(names[index]) if index < len(names) else UNKNOWN, value]
    e.push(Display("{:}", items))


def _add(e: Evaluation, depth: int, items: Sequence[Value]) -> None:
    """Add to the display `depth` values down the stack."""
    of = e.stack[-depth] if 0 < depth <= len(e.stack) else UNKNOWN
    if isinstance(of, Display) and len(of.items) < MOST_ITEMS:
        of.items += items
    else:
        _tell_all(e, [Display("{:}", list(items))] if len(items) > 1 else items)


def _append(e: Evaluation, argument: int) -> None:
    value = e.pop()
    _add(e, argument, [value])


def _map_add(e: Evaluation, argument: int) -> None:
    one, two = e.pops(2)
    key, value = (one, two) if e.version >= (3, 8) else (two, one)
    _add(e, argument, [key, value])


def _extend(e: Evaluation, argument: int) -> None:
    value = e.pop()
    if isinstance(value, Display):
        _add(e, argument, list(value.items))
    elif isinstance(value, Known) and isinstance(value.value, (tuple, list)):
        _add(e, argument, [Known(one) for one in value.value[:MOST_ITEMS]])
    elif isinstance(value, Known) and hasattr(value.value, "items"):
        _add(e, argument, [Known(one) for one in getattr(value.value, "items", ())][:MOST_ITEMS])
    else:
        _add(e, argument, [value])


def _update(e: Evaluation, argument: int) -> None:
    value = e.pop()
    if isinstance(value, Display):
        _add(e, argument, list(value.items))
    else:
        _add(e, argument, [Written("**"), value])


def _unpack_all(brackets: str) -> Do:
    """`BUILD_…_UNPACK` up to 3.8."""

    def do(e: Evaluation, argument: int) -> None:
        items: list[Value] = []
        for value in e.pops(min(argument & 0xFF, MOST_ITEMS)):
            if isinstance(value, Display):
                items += value.items
            elif isinstance(value, Known) and isinstance(value.value, tuple) and brackets != "{:}":
                items += [Known(one) for one in value.value[:MOST_ITEMS]]
            else:
                items += [Written("**"), value] if brackets == "{:}" else [value]
        e.push(Display(brackets, items[:_MANY]))

    return do


# Strings that are put together


def _format_value(e: Evaluation, argument: int) -> None:
    if argument & 4:
        e.pop()
    _convert(e, argument & 3)


def _convert(e: Evaluation, argument: int) -> None:
    value = e.pop()
    plain = isinstance(value, Known) and isinstance(value.value, (str, int)) and argument != 2  # noqa: PLR2004 - repr
    e.push(value if plain else e.write(f"{{{e.show(value)}}}", value))


def _format_spec(e: Evaluation, argument: int) -> None:
    del argument
    e.pop()
    _convert(e, 0)


def _build_string(e: Evaluation, argument: int) -> None:
    parts = e.pops(min(argument, _MANY))
    if known := fold.joined(parts):
        e.push(known)
        return
    text = "".join(
        [
            one.value if isinstance(one, Known) and isinstance(one.value, str) else e.show(one)
            for one in parts
        ]
    )  # fmt: skip
    for one in parts:
        if isinstance(one, Known) and isinstance(one.value, str):
            e.shown.strings.add(one.value)
    quote = '"""' if "\n" in text else "'" if '"' in text else '"'
    e.push(e.write(f"f{quote}{text}{quote}", Display("()", parts)))


# Calls


def _call(e: Evaluation, function: Value, arguments: list[Value], keywords: dict[str, Value]) -> None:
    if isinstance(function, Known) and isinstance(function.value, Code):
        function = Written(function.value.name)
    known = None
    if isinstance(function, Method):
        known = fold.method(function.of, function.name, arguments, keywords)
        if known is None and isinstance(function.of, Known) and not function.of.name:
            function = e.write(f"{e.show(function.of)}.{function.name}", function.of)
    if known is None and isinstance(function, Written):
        known = fold.call(function.text, arguments, keywords)
    if known is not None:
        if keywords:
            _tell_all(e, [_written_call(e, function, arguments, keywords)])
        e.push(known)
        return
    e.push(_written_call(e, function, arguments, keywords))


def _written_call(e: Evaluation, function: Value, arguments: list[Value], keywords: dict[str, Value]) -> Written:
    parts = [e.show(one) for one in arguments] + [f"{name}={e.show(one)}" for name, one in keywords.items()]
    given = Display("()", [function, *arguments, *keywords.values()])
    return e.write(f"{e.show(function)}({', '.join(parts)})", given)


def _named(e: Evaluation, names: Value | tuple[str, ...], values: list[Value]) -> tuple[list[Value], dict[str, Value]]:
    """The last of `values` are those of the keywords `names`."""
    found: tuple[object, ...] = names if isinstance(names, tuple) else ()
    if isinstance(names, Known) and isinstance(names.value, tuple):
        found = names.value
    count = min(len(found), len(values))
    if not count:
        return values, {}
    e.shown.strings.update(name for name in found if isinstance(name, str))
    keywords = dict(zip(map(str, found), values[-count:], strict=False))
    return values[:-count], keywords


def _call_function(e: Evaluation, argument: int) -> None:
    """Up to 3.5: positional ones in the low byte, keywords as pairs in the high one."""
    if e.version >= (3, 6) and not e.is_pypy:
        arguments = e.pops(argument)
        _call(e, e.pop(), arguments, {})
        return
    pairs = e.pops((argument >> 8 & 0xFF) * 2)
    arguments = e.pops(argument & 0xFF)
    _call(e, e.pop(), arguments, _from_pairs(pairs))


def _from_pairs(pairs: list[Value]) -> dict[str, Value]:
    keywords: dict[str, Value] = {}
    for key, value in zip(pairs[::2], pairs[1::2], strict=False):
        name = key.value if isinstance(key, Known) else "…"
        keywords[name.decode("latin-1") if isinstance(name, bytes) else str(name)] = value
    return keywords


def _call_function_var(has_list: bool, has_dict: bool) -> Do:  # noqa: FBT001 - of a table
    """`f(*a, **b)` up to 3.5."""

    def do(e: Evaluation, argument: int) -> None:
        more_keywords = e.pop() if has_dict else None
        more = e.pop() if has_list else None
        pairs = e.pops((argument >> 8 & 0xFF) * 2)
        arguments = e.pops(argument & 0xFF)
        keywords = _from_pairs(pairs)
        if more is not None:
            arguments.append(e.write(f"*{e.show(more)}", more))
        if more_keywords is not None:
            keywords["**"] = more_keywords
        _call(e, e.pop(), arguments, keywords)

    return do


def _call_function_kw(e: Evaluation, argument: int) -> None:
    if e.version < (3, 6):
        _call_function_var(has_list=False, has_dict=True)(e, argument)
        return
    names = e.pop()
    arguments, keywords = _named(e, names, e.pops(argument))
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
    arguments: list[Value] = _items(more) or [e.write(f"*{e.show(more)}", more)]
    keywords: dict[str, Value] = {}
    if isinstance(more_keywords, Display):
        keywords = _from_pairs(more_keywords.items)
    elif more_keywords is not NULL:
        keywords = {"**": more_keywords}
    _call(e, function, arguments, keywords)


def _call_method(e: Evaluation, argument: int) -> None:
    arguments = e.pops(argument)
    e.pop()
    _call(e, e.pop(), arguments, {})


def _call_method_kw(e: Evaluation, argument: int) -> None:
    names = e.pop()
    arguments, keywords = _named(e, names, e.pops(argument))
    e.pop()
    _call(e, e.pop(), arguments, keywords)


def _kw_names(e: Evaluation, argument: int) -> None:
    value = e.code.consts[argument] if argument < len(e.code.consts) else ()
    e.keywords = tuple(map(str, value)) if isinstance(value, tuple) else ()


def _call_3_11(e: Evaluation, argument: int) -> None:
    """Function and NULL, or NULL and method, or method and object: whatever is not NULL first is called."""
    values = e.pops(argument)
    names, e.keywords = e.keywords, ()
    _call_pair(e, *_named(e, names, values))


def _call_kw(e: Evaluation, argument: int) -> None:
    names = e.pop()
    _call_pair(e, *_named(e, names, e.pops(argument)))


def _call_pair(e: Evaluation, arguments: list[Value], keywords: dict[str, Value]) -> None:
    first, second = e.pops(2)
    if first is NULL:
        first, second = second, NULL
    if second is not NULL:
        arguments = [second, *arguments]
    _call(e, first, arguments, keywords)


def _intrinsic_1(e: Evaluation, argument: int) -> None:
    if argument == 6 and e.stack:  # a list becomes a tuple  # noqa: PLR2004
        value = e.pop()
        e.push(Display("()", value.items) if isinstance(value, Display) else value)


def _intrinsic_2(e: Evaluation, argument: int) -> None:
    del argument
    value, _ = e.pops(2)
    e.push(value)


# Functions and classes


def _make_function(e: Evaluation, argument: int) -> None:
    """Up to 3.5 the argument counts defaults; then it is flags; from 3.13 on SET_FUNCTION_ATTRIBUTE follows."""
    if e.version >= (3, 13):
        return
    if e.version >= (3, 6) or (e.is_pypy and e.version[0] == 3):  # noqa: PLR2004
        if e.version < (3, 11) or e.is_pypy:
            e.pop()
        code = e.pop()
        if argument & 8:
            e.pop()
        if argument & 4:
            e.statement(e.pop())
        named = e.pop() if argument & 2 else None
        defaults = e.pop() if argument & 1 else None
        _tell_defaults(e, code, defaults, named)
    else:
        if e.version >= (3, 3):
            e.pop()
        code = e.pop()
        e.pops(min(argument >> 16 & 0x7FFF, MOST_ITEMS))
        pairs = e.pops((argument >> 8 & 0xFF) * 2)
        values = e.pops(argument & 0xFF)
        if e.version < (3, 0):
            pairs = []
        _tell_defaults(e, code, Display("()", values), Display("{:}", pairs))
    e.push(code)


def _make_closure(e: Evaluation, argument: int) -> None:
    names = [e.pop()] if e.version >= (3, 3) else []
    code = e.pop()
    e.pop()
    e.stack += [code, *names]
    _make_function(e, argument)


def _set_function_attribute(e: Evaluation, argument: int) -> None:
    value, function = e.pops(2)
    if argument == 1:
        _tell_defaults(e, function, value, None)
    elif argument == 2:  # noqa: PLR2004
        _tell_defaults(e, function, None, value)
    elif argument == 4:  # noqa: PLR2004
        e.statement(value)
    e.push(function)


def _tell_defaults(e: Evaluation, function: Value, defaults: Value | None, named: Value | None) -> None:
    code = function.value if isinstance(function, Known) else None
    if not isinstance(code, Code):
        return
    values = _items(defaults)
    names = (code.slots or code.varnames)[: code.argcount]
    pairs = list(zip(names[len(names) - len(values) :], values, strict=False)) if len(values) <= len(names) else []
    pairs += _from_pairs(_items(named)).items()
    for name, value in pairs:
        if is_telling(value):
            e.tell(f"def {code.name}({name}={e.show(value)}): ...")


def _items(value: Value | None) -> list[Value]:
    if isinstance(value, Display):
        return value.items
    if isinstance(value, Known) and isinstance(value.value, tuple):
        return [Known(one) for one in value.value[:MOST_ITEMS]]
    return []


def _build_class(e: Evaluation, argument: int) -> None:
    del argument
    e.pops(3)
    e.push(Written("…"))


def _store_annotation(e: Evaluation, argument: int) -> None:
    value = e.pop()
    e.statement(e.write(f"{e.name_of(argument)}: {e.show(value)}", value))


# Ways through the code


def _return(e: Evaluation, argument: int) -> None:
    del argument
    _tell_return(e, e.pop())
    e.dead = True


def _tell_return(e: Evaluation, value: Value) -> None:
    if isinstance(value, Either):
        for one in value.values:
            _tell_return(e, one)
    elif is_telling(value):
        name = e.code.name
        e.tell(f"return {e.show(value)}" if not name.isidentifier() else f"return {e.show(value)}  # {name}")


def _return_const(e: Evaluation, argument: int) -> None:
    _load_const(e, argument)
    _return(e, 0)


def _raise(e: Evaluation, argument: int) -> None:
    _tell_all(e, e.pops(min(argument, 3)))
    e.dead = True


def _yield(e: Evaluation, argument: int) -> None:
    del argument
    value = e.pop()
    if is_telling(value):
        e.tell(f"yield {e.show(value)}")
    e.push(UNKNOWN)


def _jump_forward(e: Evaluation, argument: int) -> None:
    del argument
    e.leave()
    e.dead = True


def _jump_absolute(e: Evaluation, argument: int) -> None:
    del argument
    e.leave()
    e.dead = True


def _jump_backward(e: Evaluation, argument: int) -> None:
    del argument
    e.dead = True


def _pop_jump(e: Evaluation, argument: int) -> None:
    del argument
    e.statement(e.pop())
    e.leave()


def _jump_or_pop(e: Evaluation, argument: int) -> None:
    del argument
    e.leave()
    e.pop()


def _jump_if(e: Evaluation, argument: int) -> None:
    """Up to 2.6, and 3.0: the value stays."""
    del argument
    e.leave()


def _for_iter(e: Evaluation, argument: int) -> None:
    """At the end the iterator is gone; from 3.12 on it, and one more, are taken away there."""
    del argument
    if e.version >= (3, 12):
        e.stack.append(UNKNOWN)
        e.leave()
        e.stack.pop()
    else:
        iterator = e.pop()
        e.leave()
        e.push(iterator)
    e.push(UNKNOWN)


def _setup(e: Evaluation, argument: int) -> None:
    """Where an exception leads, six values lie on top of what there is."""
    del argument
    e.stack += [UNKNOWN] * (6 if e.version >= (3, 0) else 3)
    e.leave()
    e.pops(6 if e.version >= (3, 0) else 3)


def _with(e: Evaluation, argument: int) -> None:
    """The value is used up; its `__exit__` lies below what it gives."""
    del argument
    e.statement(e.pop())
    e.push(UNKNOWN)
    if e.version < (3, 11) or e.is_pypy:
        e.leave()
    e.push(UNKNOWN)


def _load_special(e: Evaluation, argument: int) -> None:
    del argument
    e.statement(e.pop())
    e.stack += [UNKNOWN, NULL]


def _get_iter(e: Evaluation, argument: int) -> None:
    del argument
    value = e.pop()
    e.statement(value)
    e.push(Written(e.show(value)) if not is_telling(value) else UNKNOWN)


def _import_name(e: Evaluation, argument: int) -> None:
    e.pops(2)
    e.push(Written(e.name_of(argument)))


def _import_from(e: Evaluation, argument: int) -> None:
    module = e.stack[-1] if e.stack else UNKNOWN
    e.push(Written(f"{e.show(module)}.{e.name_of(argument)}" if not is_telling(module) else e.name_of(argument)))


def _print_item(e: Evaluation, argument: int) -> None:
    del argument
    value = e.pop()
    if is_telling(value):
        e.tell(f"print({e.show(value)})")


def _exec(e: Evaluation, argument: int) -> None:
    del argument
    value, *_ = e.pops(3)
    if is_telling(value):
        e.tell(f"exec({e.show(value)})")


_DO: dict[str, Do] = {
    "LOAD_CONST": _load_const,
    "LOAD_CONST_IMMORTAL": _load_const,
    "LOAD_CONST_MORTAL": _load_const,
    "LOAD_SMALL_INT": _load_small_int,
    "LOAD_COMMON_CONSTANT": _load_common,
    "LOAD_NAME": _load_name,
    "LOAD_GLOBAL": _load_global,
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
    "LOAD_DEREF": _load_deref,
    "LOAD_CLOSURE": _load_deref,
    "LOAD_CLASSDEREF": _load_deref,
    "LOAD_FROM_DICT_OR_DEREF": _load_from_dict,
    "LOAD_FROM_DICT_OR_GLOBALS": _load_from_dict_or_globals,
    "STORE_DEREF": _store_deref,
    "STORE_NAME": _store_name,
    "STORE_GLOBAL": _store_name,
    "LOAD_LOCALS": _write("locals()"),
    "LOAD_BUILD_CLASS": _write("class"),
    "LOAD_ASSERTION_ERROR": _write("AssertionError"),
    "PUSH_NULL": _push(NULL),
    "POP_TOP": _pop_top,
    "POP_ITER": _pop_top,
    "END_FOR": _pop_top,
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
    "LOAD_ATTR": _load_attr,
    "LOAD_METHOD": _load_method,
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
    "COMPARE_OP": _compare,
    "CONTAINS_OP": _contains,
    "IS_OP": _is,
    "BUILD_TUPLE": _build("()"),
    "BUILD_LIST": _build("[]"),
    "BUILD_SET": _build("{}"),
    "BUILD_MAP": _build_map,
    "STORE_MAP": _store_map,
    "BUILD_CONST_KEY_MAP": _build_const_key_map,
    "LIST_APPEND": _append,
    "SET_ADD": _append,
    "MAP_ADD": _map_add,
    "LIST_EXTEND": _extend,
    "SET_UPDATE": _extend,
    "DICT_UPDATE": _update,
    "DICT_MERGE": _update,
    "LIST_TO_TUPLE": _nothing,
    "BUILD_TUPLE_UNPACK": _unpack_all("()"),
    "BUILD_TUPLE_UNPACK_WITH_CALL": _unpack_all("()"),
    "BUILD_LIST_UNPACK": _unpack_all("[]"),
    "BUILD_SET_UNPACK": _unpack_all("{}"),
    "BUILD_MAP_UNPACK": _unpack_all("{:}"),
    "BUILD_MAP_UNPACK_WITH_CALL": _unpack_all("{:}"),
    "FORMAT_VALUE": _format_value,
    "FORMAT_SIMPLE": lambda e, _: _convert(e, 0),
    "FORMAT_WITH_SPEC": _format_spec,
    "CONVERT_VALUE": _convert,
    "BUILD_STRING": _build_string,
    "CALL_FUNCTION": _call_function,
    "CALL_FUNCTION_VAR": _call_function_var(has_list=True, has_dict=False),
    "CALL_FUNCTION_VAR_KW": _call_function_var(has_list=True, has_dict=True),
    "CALL_FUNCTION_KW": _call_function_kw,
    "CALL_FUNCTION_EX": _call_function_ex,
    "CALL_METHOD": _call_method,
    "CALL_METHOD_KW": _call_method_kw,
    "KW_NAMES": _kw_names,
    "PRECALL": _nothing,
    "CALL": _call_3_11,
    "CALL_KW": _call_kw,
    "CALL_INTRINSIC_1": _intrinsic_1,
    "CALL_INTRINSIC_2": _intrinsic_2,
    "MAKE_FUNCTION": _make_function,
    "MAKE_CLOSURE": _make_closure,
    "SET_FUNCTION_ATTRIBUTE": _set_function_attribute,
    "BUILD_CLASS": _build_class,
    "STORE_ANNOTATION": _store_annotation,
    "RETURN_VALUE": _return,
    "RETURN_CONST": _return_const,
    "RAISE_VARARGS": _raise,
    "YIELD_VALUE": _yield,
    "JUMP_FORWARD": _jump_forward,
    "JUMP_ABSOLUTE": _jump_absolute,
    "JUMP_BACKWARD": _jump_backward,
    "JUMP_BACKWARD_NO_INTERRUPT": _jump_backward,
    "CONTINUE_LOOP": _jump_backward,
    "JUMP_IF_TRUE_OR_POP": _jump_or_pop,
    "JUMP_IF_FALSE_OR_POP": _jump_or_pop,
    "JUMP_IF_TRUE": _jump_if,
    "JUMP_IF_FALSE": _jump_if,
    "FOR_ITER": _for_iter,
    "SETUP_FINALLY": _setup,
    "SETUP_EXCEPT": _setup,
    "SETUP_LOOP": _nothing,
    "GET_ITER": _get_iter,
    "SETUP_WITH": _with,
    "BEFORE_WITH": _with,
    "BEFORE_ASYNC_WITH": _with,
    "LOAD_SPECIAL": _load_special,
    "IMPORT_NAME": _import_name,
    "IMPORT_FROM": _import_from,
    "PRINT_ITEM": _print_item,
    "PRINT_EXPR": _pop_top,
    "EXEC_STMT": _exec,
    "CACHE": _nothing,
    "NOP": _nothing,
    "RESUME": _nothing,
    "MAKE_CELL": _nothing,
    "COPY_FREE_VARS": _nothing,
}
_BY_PREFIX: dict[str, Callable[[str], Do]] = {
    "BINARY_": lambda name: _binary(_OPERATORS.get(name, "?")),
    "INPLACE_": lambda name: _binary(_OPERATORS.get(name, "?") + "="),
    "POP_JUMP_": lambda _: _pop_jump,
    "SLICE+": _slice_2,
}
