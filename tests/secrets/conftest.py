"""Invented rules, and a way to look into a text with them."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import msgspec
import pytest

from pitviper.look import Looker, Outcome
from pitviper.model.finding import Severity
from pitviper.rules.loading import load
from pitviper.rules.schema import Rule, RuleSet
from pitviper.secrets.judge import Judge


@pytest.fixture
def rule() -> Callable[..., Rule]:
    """A function that makes the rule of a token such as `acme_0123456789abcdef`, or another."""

    def make(id: str = "acme-token", pattern: str = "acme_[0-9a-z]{16}", **fields: Any) -> Rule:  # noqa: A002 - as in a rule file
        acme = Rule(
            id=id,
            name="Acme token",
            pattern=pattern,
            max_len=200,
            severity=Severity.HIGH,
            description="Opens everything at Acme.",
            remedy="Revoke it.",
            examples=(),
            counter_examples=(),
            anchors=("acme_",),
        )
        return msgspec.structs.replace(acme, **fields)

    return make


@pytest.fixture
def look() -> Callable[..., Outcome]:
    """A function that looks into a text with some rules, as a judge with the given fields wants."""

    def look_into(text: str | bytes, *rules: Rule, name: str = "app.py", **fields: Any) -> Outcome:
        digest = blake2b(msgspec.msgpack.encode(rules), digest_size=8).hexdigest()
        looker = Looker(RuleSet(rules, digest), Judge(**fields))
        return looker.look_at_bytes(text.encode() if isinstance(text, str) else text, name)

    return look_into


@pytest.fixture(scope="session")
def scan() -> Callable[..., Outcome]:
    """A function that looks into a text with the built-in rules, as a judge with the given fields wants."""
    rules = load()
    lookers: dict[str, Looker] = {}

    def look_into(text: str, name: str = "app.py", **fields: Any) -> Outcome:
        looker = lookers.setdefault(repr(fields), Looker(rules, Judge(**fields)))
        return looker.look_at_bytes(text.encode(), name)

    return look_into
