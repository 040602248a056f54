"""Patterns that can be made to take for ever: repeats without a bound, and repeats of nothing but a repeat."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # its public name is deprecated
    from re import _compiler as compiler  # type: ignore[attr-defined]  # no stub; what `re` itself is made of
    from re import _constants as ops  # type: ignore[attr-defined]  # same
    from re import _parser as parser  # type: ignore[attr-defined]  # same

_REPEATS = (ops.MAX_REPEAT, ops.MIN_REPEAT)


def slow(pattern: str) -> str:
    """What makes `pattern` slow on hostile text; "" if nothing does. Raises what `re.compile` raises.

    A possessive repeat (`a++`, `a{2,9}+`) never goes back, and so may stand anywhere, but still needs a bound.
    """
    parsed = parser.parse(pattern.encode())
    compiler.compile(parsed)  # finds what parsing does not; from here, because parsing takes longer than all the rest
    return _slow(parsed)


def _slow(parsed: Iterable[tuple[Any, Any]]) -> str:
    for op, value in parsed:
        if op in (*_REPEATS, ops.POSSESSIVE_REPEAT):
            low, high, body = value
            if high is ops.MAXREPEAT:
                return "a repeat without a bound (`*`, `+`, `{n,}`; write `{0,80}`)"
            if op in _REPEATS and low != high and high > 1 and _is_repeat(body):
                return "a repeat of nothing but a repeat, which can match the same text in very many ways,"
        for inner in _parts(value):
            if problem := _slow(inner):
                return problem
    return ""


def _is_repeat(body: Any) -> bool:
    """Whether `body` is a single repeat of varying length, perhaps in a group."""
    while len(body) == 1 and body[0][0] is ops.SUBPATTERN:
        body = body[0][1][-1]
    if len(body) != 1 or body[0][0] not in _REPEATS:
        return False
    low, high, _ = body[0][1]
    return bool(low != high and high > 1)


def _parts(value: Any) -> list[Any]:
    """The patterns within what an operation holds: groups, branches, look-around, repeats."""
    if isinstance(value, parser.SubPattern):
        return [value]
    if isinstance(value, (tuple, list)):
        return [part for item in value for part in _parts(item)]
    return []
