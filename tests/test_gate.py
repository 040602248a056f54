"""The gate of bytecode lets through whatever rendering all of a file would show."""

from __future__ import annotations

import importlib.util
import marshal
import re
from collections.abc import Set as AbstractSet
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitviper.bytecode import gate, reading
from pitviper.bytecode.code import Code, walk
from pitviper.look import Looker
from pitviper.model.finding import Finding
from pitviper.rules.loading import load
from pitviper.rules.template import make
from pitviper.secrets.judge import Judge

RULES = load()
TEMPLATES = sorted({example for rule in RULES.rules for example in rule.examples})
PLAIN = ("{base62:24}", "{hex:40}", "{base36:32}", "{hex:32}", "{base64:44}", "x1")
"""Values without a format."""
NAMES = ("password", "api_key", "SECRET", "sonar_token", "SONAR", "datadog_app_key", "cloudflare", "colour", "url", "x")
SHAPES = (
    "{name} = {value!r}",
    "{name}: str = {value!r}",
    "self.{name} = {value!r}",
    "connect('db', {name}={value!r})",
    "config['{name}'] = {value!r}",
    "config = {{'{name}': {value!r}, 'other': 1}}",
    "pairs = [('{name}', {value!r})]",
    "def connect({name}={value!r}): pass",
    "def connect(*, {name}={value!r}): return 1",
    "class {name}:\n    {name} = {value!r}",
    "def outer():\n    def inner():\n        {name} = {value!r}\n        return {name}\n    return inner",
    "HELD = {value!r}\ndef use():\n    connect({name}=HELD)",
    "HALF = {first!r}\n{name} = HALF + {second!r}",
    "{name} = ''.join([{first!r}, {second!r}])",
    "{name} = '%s%s' % ({first!r}, {second!r})",
    "{name} = get('{name}') or {value!r}",
    "if {name} == {value!r}: pass",
    "{name} = {data!r}",
    "print({value!r})",
)


TOKEN = re.compile(r"[A-Za-z0-9+/=_-]+")
"""What may be cut anywhere. Of a line that holds a token, or of a value without a format, pieces look like anything."""


class Open(gate.Gate):
    """Holds nothing back."""

    def is_worth(self, *_: Any) -> bool:
        return True

    def wanted(self, code: Code, *_: Any) -> AbstractSet[int]:
        return {id(one) for one, _ in walk(code)}


@cache
def looker(*, auditor: bool, is_open: bool) -> Looker:
    with pytest.MonkeyPatch.context() as patch:
        if is_open:
            patch.setattr(reading, "Gate", Open)
        made = Looker(RULES, Judge(auditor=auditor))
        made.look_at_bytes(compiled("x = 1"), "first.pyc")
    return made


def compiled(source: str) -> bytes:
    return importlib.util.MAGIC_NUMBER + bytes(12) + marshal.dumps(compile(source, "shop.py", "exec"))


def told(findings: list[Finding]) -> set[tuple[str, str]]:
    """The secrets. Where one is used again, a function need not be evaluated to tell it once more."""
    return {(finding.rule, finding.id) for finding in findings}


@st.composite
def statements(draw: st.DrawFn) -> str:
    template = draw(st.sampled_from(PLAIN) | st.sampled_from(TEMPLATES))
    value = make(template, str(draw(st.integers(0, 5))))
    cut = draw(st.integers(0, len(value))) if TOKEN.fullmatch(value) and template not in PLAIN else 0
    shape = draw(st.sampled_from(SHAPES))
    parts = {"first": value[:cut], "second": value[cut:], "data": value.encode()}
    return shape.format(name=draw(st.sampled_from(NAMES)), value=value, **parts)


@pytest.mark.parametrize("auditor", [False, True])
@given(st.lists(statements(), min_size=1, max_size=6))
def test_holds_nothing_back(auditor: bool, lines: list[str]) -> None:  # noqa: FBT001 - pytest's way to pass it
    data = compiled("\n".join(lines))
    every = looker(auditor=auditor, is_open=True).look_at_bytes(data, "shop.pyc").findings
    some = looker(auditor=auditor, is_open=False).look_at_bytes(data, "shop.pyc").findings
    assert {finding.place for finding in some} <= {finding.place for finding in every}
    missing = told(every) - told(some)
    assert not missing, [finding for finding in every if finding.rule in {rule for rule, _ in missing}]
