"""What a comprehension, a short function or a class comes to: evaluated aside, where nobody reads the lines.

So a name gets what `decode("…")` gives, if `decode` is a few lines of the same module that only rearrange a string.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pitviper.bytecode.code import Code
from pitviper.bytecode.fold import items_of
from pitviper.bytecode.values import MOST_ITEMS, Display, Each, Known, Value, known

if TYPE_CHECKING:
    from pitviper.bytecode.evaluate import _Evaluation as Evaluation

_LONGEST = 512
"""Bytes of instructions."""
_DEEPEST = 3
_COST = 32
"""Instructions that take as long as an evaluation without any."""
_NO_FUNCTION = 0x4 | 0x8 | 0x20 | 0x80 | 0x200
"""Flags of what takes any arguments, or is a generator or a coroutine. Source: CPython, Include/code.h."""


def comprehension(e: Evaluation, code: Code, over: Value) -> Value | None:
    """What a comprehension, which is a function up to 3.11, makes of a known iterable; a generator ever since."""
    is_generator = code.name == "<genexpr>"
    if not (is_generator or code.name == "<listcomp>") or not items_of(over):
        return None
    e.spend(len(e.outer) + len(e.known))
    inner = _evaluated(e, code, {".0": over}, {**e.outer, **e.known})
    made = (inner.yielded if is_generator else inner.result) if inner else None
    if isinstance(made, Each):
        return Display("[]", made.values)
    return made if isinstance(made, Display) and len(made.items) > 1 else None


def result(e: Evaluation, name: str, arguments: Sequence[Value]) -> Value | None:
    """What the function called `name` makes of known values, if it is short and has one result, a string."""
    code = e.functions.get(name) or (None if name in e.fasts else e.whole.functions.get(name))
    if code is None or id(code) in e.whole.barren or not _takes(code, len(arguments)):
        return None
    if not all(isinstance(one, (Known, Display)) for one in arguments):
        return None
    inner = _evaluated(e, code, dict(zip(code.slots or code.varnames, arguments, strict=False)), {})
    found = inner.result if inner and inner.returns == 1 else None
    if isinstance(found, Known) and isinstance(found.value, (str, bytes)):
        return known(found.value)
    e.whole.barren.add(id(code))
    return None


def _takes(code: Code, count: int) -> bool:
    """Whether it is a function of so many arguments."""
    return code.argcount == count and not code.kwonlyargcount and not code.flags & _NO_FUNCTION


def attribute(e: Evaluation, name: str, attribute: str) -> Value | None:
    """What stands under `attribute` in the class called `name`."""
    owner = e.classes if name in e.classes else e.whole.classes
    held = owner[name]
    if isinstance(held, Code):
        inner = _evaluated(e, held, {}, {})
        owner[name] = held = inner.known if inner else {}
    found = held.get(attribute)
    return Known(found.value, telling=False, name=f"{name}.{attribute}") if isinstance(found, Known) else None


def _evaluated(e: Evaluation, code: Code, given: dict[str, Value], outer: dict[str, Value]) -> Evaluation | None:
    """`code` evaluated, if it is short, with some of its variables known."""
    whole = e.whole
    if whole.depth == _DEEPEST or len(code.code) > _LONGEST:
        return None
    aside = type(whole)()
    aside.depth = whole.depth + 1
    aside.left = left = min(whole.left, len(code.code) + MOST_ITEMS)
    aside.fold, aside.functions, aside.classes = whole.fold, whole.functions, whole.classes
    aside.barren = whole.barren
    aside.globals = e.known if e.is_module else whole.globals
    inner = type(e)(aside, code, outer, ".")
    for name, value in given.items():
        inner.known[name] = Known(value.value, telling=False, name=name) if isinstance(value, Known) else value
    inner.evaluate()
    e.spend(left - aside.left + len(given) + _COST)
    return inner
