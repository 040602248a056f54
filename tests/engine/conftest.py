"""Small rule sets, so that a test says all that there is to match."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import msgspec
import pytest

from pitviper.rules.schema import Rule, RuleSet


@pytest.fixture(scope="session")
def rule() -> Callable[..., Rule]:
    """A function from the fields that matter to a whole rule."""

    def make_rule(name: str, pattern: str, **fields: Any) -> Rule:
        values = {
            "id": name,
            "name": name,
            "pattern": pattern,
            "max_len": 64,
            "severity": "high",
            "description": "",
            "remedy": "",
            "examples": ["x"],
            "counter_examples": [],
            **fields,
        }
        return msgspec.convert(values, Rule)

    return make_rule


@pytest.fixture(scope="session")
def rule_set() -> Callable[..., RuleSet]:
    """A function from rules to the set of them, with a digest of its own."""

    def make_set(*rules: Rule) -> RuleSet:
        return RuleSet(rules, blake2b(msgspec.msgpack.encode(rules), digest_size=8).hexdigest())

    return make_set
