"""Every built-in rule holds what it promises, and tells no secret."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher

import pytest

from pitviper.look import Looker
from pitviper.model.finding import Finding, Kind
from pitviper.rules.loading import BUILT_IN, load, own
from pitviper.rules.proof import prove
from pitviper.rules.schema import Rule
from pitviper.rules.template import make
from pitviper.secrets.judge import Judge

RULES = sorted(own(BUILT_IN), key=lambda rule: rule.id)
with_id = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)

PAIRS = {
    "aws-access-key-id": "aws_access_key_id = AKIA{aws-access-key-id}\naws_secret_access_key = {base64:40}\n",
    "aws-temporary-access-key-id": 'client("s3", "ASIA{aws-access-key-id}", "{base64:40}")',
    "datadog-api-key": "DD_API_KEY={hex:32}\nDD_APP_KEY={hex:40}\n",
    "digitalocean-spaces-key": "SPACES_KEY=DO00{upper-digits:16}\nSPACES_SECRET={base64:43}\n",
    "google-storage-hmac-key": '{{"access_id": "GOOG1E{upper-digits:55}", "secret": "{base64:40}"}}',
    "twilio-account-sid": 'Client("AC{hex:32}", "{hex:32}")',
    "twilio-api-key-sid": 'Client("SK{hex:32}", "{base62:32}")',
}
"""Rule → a text in which the value stands together with the one that belongs to it."""

Look = Callable[[bytes], Sequence[Finding]]


@pytest.fixture(scope="session")
def look() -> Look:
    looker = Looker(load(), Judge(auditor=True, show_secrets=True))
    return lambda data: looker.look_at_bytes(data, "proof.py").findings


@with_id
def test_examples_are_found_and_counter_examples_are_not(rule: Rule, look: Look) -> None:
    assert [*prove(rule, lambda data: [finding.rule for finding in look(data)])] == []


@with_id
def test_nothing_that_is_told_of_a_secret_betrays_it(rule: Rule, look: Look) -> None:
    for template in rule.examples:
        for finding in look(make(template, "discretion").encode()):
            assert bool(finding.secret) is (finding.kind is not Kind.BEHAVIOUR)
            if finding.secret is None:
                continue
            assert finding.secret.value
            texts = [finding.secret.redacted, finding.title, *(evidence.text for evidence in finding.evidence)]
            for text in texts:
                shared = SequenceMatcher(None, finding.secret.value, text, autojunk=False).find_longest_match().size
                assert shared <= max(3, len(finding.secret.value) // 3), text


@pytest.mark.parametrize("rule", PAIRS)
def test_companions_are_found(rule: str, look: Look) -> None:
    (finding,) = look(make(PAIRS[rule], "pair").encode())
    (companion,) = next(known for known in RULES if known.id == rule).companions
    (told,) = [evidence.text for evidence in finding.evidence if evidence.name == "together with"]
    assert finding.rule == rule
    assert finding.severity is companion.severity
    assert told.startswith(companion.name)


def test_every_companion_is_tried() -> None:
    assert {rule.id for rule in RULES if rule.companions} == set(PAIRS)


@with_id
def test_words_are_sentences(rule: Rule) -> None:
    for text in (rule.description, rule.remedy):
        assert text.endswith(".")
        assert text[0].isupper() or text[0].isdigit()
        assert text.isprintable()
    assert not rule.name.endswith(".")
    assert all(re.fullmatch(r"https://[!-~]+", reference) for reference in rule.references)
