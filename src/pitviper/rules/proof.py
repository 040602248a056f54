"""The proof of a rule: each example is found, in text and compiled into bytecode, and no counter-example is."""

from __future__ import annotations

import marshal
from collections.abc import Callable, Iterator, Sequence
from importlib.util import MAGIC_NUMBER

import msgspec

from pitviper.errors import RuleError
from pitviper.rules.schema import Rule
from pitviper.rules.template import make

Look = Callable[[bytes], Sequence[str]]
"""From some bytes to the ids of the rules that found something in them."""

SEEDS = 5
"""Tokens made of each template: a mistake in a pattern may show for some random tokens only."""


class Failure(msgspec.Struct, frozen=True):
    """One thing that is wrong with a rule: `form` is "text" or "bytecode"."""

    rule: str
    template: str
    form: str
    problem: str


def prove(rule: Rule, look: Look) -> Iterator[Failure]:
    """All that is wrong with the examples and counter-examples of `rule`."""
    for templates, wanted in ((rule.examples, True), (rule.counter_examples, False)):
        for template in templates:
            try:
                yield from _prove(rule, template, look, wanted=wanted)
            except RuleError as error:
                yield Failure(rule.id, template, "text", str(error))


def _prove(rule: Rule, template: str, look: Look, *, wanted: bool) -> Iterator[Failure]:
    for number in range(SEEDS):
        text = make(template, f"{rule.id}/{number}")
        for form, data in (("text", text.encode()), ("bytecode", compiled(text))):
            found = look(data)
            if wanted and (rule.in_bytecode or form == "text") and rule.id not in found:
                others = f" ({', '.join(found)} found something)" if found else ""
                yield Failure(rule.id, template, form, f"the example is not found{others}")
                return
            if not wanted and rule.id in found:
                yield Failure(rule.id, template, form, "the counter-example is found")
                return


def compiled(text: str) -> bytes:
    """A `.pyc` of this Python that assigns `text` to a name, as `compileall` would write it. Nothing is executed."""
    code = compile(f"EXAMPLE = {text!r}\n", "example.py", "exec", dont_inherit=True)
    return MAGIC_NUMBER + bytes(12) + marshal.dumps(code)
