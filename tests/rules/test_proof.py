"""Rules that lie are caught: `pitviper rules check` can be believed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from pitviper.look import Looker
from pitviper.rules.loading import parse
from pitviper.rules.proof import SEEDS, Failure, prove
from pitviper.rules.schema import RuleSet
from pitviper.secrets.judge import Judge

Prove = Callable[..., list[Failure]]


@pytest.fixture
def proved(acme: str) -> Prove:
    """A function that proves the Acme rule, after some replacements in its text, with the real engine."""

    def prove_it(*replacements: tuple[str, str]) -> list[Failure]:
        text = acme
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        rules = tuple(parse("acme.toml", text.encode()))
        looker = Looker(RuleSet(rules, f"proof {hash(text)}"), Judge(auditor=True))

        def look(data: bytes) -> list[str]:
            return [finding.rule for finding in looker.look_at_bytes(data, "proof.py").findings]

        return [failure for rule in rules for failure in prove(rule, look)]

    return prove_it


def told(failures: list[Failure]) -> list[tuple[str, str, str]]:
    return [(failure.form, failure.problem, failure.template) for failure in failures]


def test_rule_that_holds_what_it_promises(proved: Prove) -> None:
    assert proved() == []


def test_example_that_is_not_found(proved: Prove) -> None:
    failures = proved(("acme_{base36:16}", "acme-{base36:16}"))
    assert failures == [Failure("acme-token", "acme-{base36:16}", "text", "the example is not found")]


def test_every_wrong_example_is_told(proved: Prove) -> None:
    failures = proved(('["acme_{base36:16}"]', '["acme_{hex:3}", "acme_{base36:16}", "acme_{hex:4}"]'))
    assert [failure.template for failure in failures] == ["acme_{hex:3}", "acme_{hex:4}"]


def test_example_that_another_rule_takes(proved: Prove, acme: str) -> None:
    stronger = acme.partition("\n\n")[2].replace("acme-token", "acme-any").replace("{16}", "{16,40}")
    failures = proved(
        ('counter_examples = ["acme_{base36:15}"]', f"counter_examples = []\ngeneric = true\n\n{stronger}"),
    )
    problem = "the example is not found (acme-any found something)"
    assert told(failures) == [("text", problem, "acme_{base36:16}")]


def test_example_that_bytecode_hides(proved: Prove) -> None:
    """In a file of its own the token ends the file; in bytecode more follows."""
    replacements = ("{16}'", r"{16}\Z'"), ("max_len = 21", "max_len = 50")
    assert told(proved(*replacements)) == [("bytecode", "the example is not found", "acme_{base36:16}")]
    assert proved(*replacements, ("max_len", "in_bytecode = false\nmax_len")) == []


def test_counter_example_that_is_found(proved: Prove) -> None:
    failures = proved(("acme_{base36:15}", "see acme_{base36:16}."))
    assert told(failures) == [("text", "the counter-example is found", "see acme_{base36:16}.")]


def test_counter_example_that_is_found_in_bytecode_only(acme: str) -> None:
    (rule,) = parse("acme.toml", acme.replace("max_len", "in_bytecode = false\nmax_len").encode())

    def look(data: bytes) -> list[str]:
        return ["acme-token"] if data[2:4] == b"\r\n" or len(data) == 21 else []

    assert told(list(prove(rule, look))) == [("bytecode", "the counter-example is found", "acme_{base36:15}")]


def test_template_that_nobody_can_make(proved: Prove) -> None:
    failures = proved(("acme_{base36:16}", "acme_{base37:16}"))
    assert [(failure.form, failure.problem[:30]) for failure in failures] == [
        ("text", "unknown field '{base37:16}' in")
    ]


def test_pattern_that_forgets_a_character(proved: Prove) -> None:
    """Most tokens have no `z` in them."""
    assert told(proved(("[0-9a-z]{16}", "[0-9a-y]{16}"))) == [("text", "the example is not found", "acme_{base36:16}")]


def test_several_tokens_are_tried(acme: str) -> None:
    (rule,) = parse("acme.toml", acme.encode())
    seen: list[bytes] = []

    def look(data: bytes) -> list[str]:
        seen.append(data)
        return ["acme-token"] if b"acme_" in data and len(data) != 20 and b"\r\n" not in data[:4] else []

    assert [failure.form for failure in prove(rule, look)] == ["bytecode"]
    seen.clear()
    assert list(prove(replace(rule, in_bytecode=False), look)) == []
    assert len(seen) == len(set(seen)) == 2 * 2 * SEEDS
