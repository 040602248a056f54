from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitviper.formats.placeholder import is_placeholder, is_reference
from pitviper.rules.template import CHARSETS

MADE_UP = [
    "AKIAIOSFODNN7" + "EXAMPLE",
    "my-example-token-123",
    "your-api-key-here",
    "YOUR_SECRET_KEY",
    "your own token 1",
    "changeme123",
    "change_me",
    "CHANGE-ME-PLEASE",
    "replace-me-a1b2c3d4",
    "insert_your_token",
    "not-a-real-key-a1b2c3",
    "this-is-not-a-secret",
    "supersecret1",
    "s3cr3t-a1b2c3d4",
    "foobar1234",
    "foo_bar_9z",
    "[REDACTED]",
    "a1b2-fake-c3d4",
    "dummy_a1b2c3d4e5",
    "todo: a1b2c3",
    "null",
    "None",
    "xxxxxxxxxxxxxxxxxxxx",
    "ghp_xxxxxxxxxxxxxxxxxxxx",
    "sk-xxxx-xxxx-xxxx-a1b2",
    "********",
    "................",
    "0000000000000000",
    "AAAAAAAAAAAAAAAAAAAAAAAA",
    "abababababababab",
    "a1b2c3d4----------------",
    "0123456789abcdef0123456789abcdef",
    "abcdefghijklmnopqrstuvwxyz123456",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "1234567890",
    "9876543210",
    "ghp_" + "1234567890abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop",
    "qwertyuiopasdfghjkl",
    "1a2b3c4d5e6f7g8h9i0j",
    "deadbeefdeadbeef",
    "",
]

REFERENCES = [
    "${API_KEY}",
    "${API_KEY:-none}",
    "prefix-${TOKEN}",
    "$(cat token.txt)",
    "{{ token }}",
    "{{token}}-suffix",
    "{% raw %}{{ x",
    "<your password>",
    "<password>",
    "%(password)s",
    "%s",
    "{password}",
    "{}",
    "[password]",
    "$PASSWORD",
    "@PASSWORD@",
    " ${PADDED} ",
]

MEANT = [
    "hunter2!x",
    "Tr0ub4dor&3",
    "correct-horse-battery-staple",
    "p4$$w0rd",
    "a$b{c}d!1",
    "Zm9vLWJhci1iYXo9",
    "nonentity9",
    "todoist-4f9a",
    "annullment7",
    "abcdefg-4f9a1c7e",
    "1234567-4f9a1c7e",
    "aaaaaaa-4f9a1c7e",
]


@pytest.mark.parametrize("secret", MADE_UP + REFERENCES)
def test_made_up(secret: str) -> None:
    assert is_placeholder(secret.encode())


@pytest.mark.parametrize("secret", REFERENCES)
def test_reference(secret: str) -> None:
    assert is_reference(secret.encode())


@pytest.mark.parametrize("secret", MEANT)
def test_meant(secret: str) -> None:
    assert not is_placeholder(secret.encode())
    assert not is_reference(secret.encode())


@pytest.mark.parametrize(
    ("charset", "length"),
    [("base62", 40), ("base62", 20), ("base64", 40), ("base36", 32), ("hex", 32), ("base32", 16)],
)
def test_chance_makes_none(charset: str, length: int) -> None:
    """A real token that is taken for a placeholder is lost without a word: 1 of 10,000 may be."""
    chance = random.Random(f"{charset} {length}")
    tokens = ("".join(chance.choices(CHARSETS[charset], k=length)) for _ in range(10_000))
    assert len([token for token in tokens if is_placeholder(token.encode())]) <= 1


@given(st.binary(max_size=300))
def test_any_bytes(secret: bytes) -> None:
    assert is_placeholder(secret) in (True, False)
    assert not is_reference(secret) or is_placeholder(secret)


@pytest.mark.parametrize("piece", [b"a", b"{", b"${", b"0123456789", b"your", b"a-", b"a b_", b"\xff", b"nu", b"@a@"])
def test_takes_no_time_whatever_the_length(piece: bytes) -> None:
    secret = piece * (32_768 // len(piece)) + b"!"
    for _ in range(100):
        is_placeholder.__wrapped__(secret)
