"""Values without a format: what people assign to names of secrets, and is one or is none."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitviper.formats.generic import check, check_random
from pitviper.formats.interface import Verdict
from pitviper.rules.template import CHARSETS, make

SECRETS = [
    ("password", "hunter2!x"),
    ("password", "Tr0ub4dor&3"),
    ("DB_PASSWORD", "kQ7!vB2zLp9"),
    ("passwd", "4f9a-1c7e"),
    ("client_secret", "8c1f6f2e-xk29"),
    ("apiKey", "AIza8dn2Lq0x"),
    ("secret_key", "x9^k!2vq$w7e"),
    ("api_token_2", "p0q9w8e7r6t5"),
]

NO_SECRETS = [
    ("password", "changeme123"),  # placeholders
    ("password", "your-password-1"),
    ("password", "xxxxxxxxxxxx1"),
    ("token", "${TOKEN_2}"),
    ("password", "authorization"),  # words
    ("password", "forgot-your-password"),
    ("token", "access_token.refresh"),
    ("secret", "Kubernetes/Secret"),
    ("token", "AuthorizationCode2024"),
    ("password", "input#login-form"),
    ("password", "/run/secrets/db2"),  # paths, addresses, names
    ("token", "~/.config/token1"),
    ("key_file_token", "./keys/a1b2c3"),
    ("password", "C:\\keys\\a1b2"),
    ("token", "https://acme.io/oauth/v2"),
    ("secret", "acme.auth.TokenProvider1"),
    ("token", "#a1b2c3d4"),
    ("password", "getpass1()"),  # code
    ("password", "%(db_pw1)s"),
    ("token", "f(a1,b2)"),
    ("token", "List<Token1>"),
    ("token", "a1=>b2"),
    ("token", "std::token1"),
    ("token", "$token1x"),
    ("secret", "8c1f6f2e-1a2b-4c3d-9e8f-0a1b2c3d4e5f"),  # identifiers
    ("token_url", "a1b2c3d4e5f6"),  # names that say so
    ("password_field", "a1b2c3d4e5f6"),
    ("tokenType", "a1b2c3d4e5f6"),
    ("SECRET_NAME", "a1b2c3d4e5f6"),
    ("password-hash", "a1b2c3d4e5f6"),
    ("secret_id_2", "a1b2c3d4e5f6"),
    ("next_token", "a1b2c3d4e5f6"),
    ("csrf_token", "a1b2c3d4e5f6"),
    ("pad_token", "a1b2c3d4e5f6"),
    ("PASSWORD_SHA1", "a1b2c3d4e5f6"),  # hashes
    ("hashed_token", "a1b2c3d4e5f6"),
    ("secretFingerprint", "a1b2c3d4e5f6"),
    ("token", "0x52908400098527886E0F7030069857D2E4169EE7"),  # addresses, resources, variables, dates, stored hashes
    ("encryption_key", "arn:aws:kms:eu-west-1:1:key/a1b2"),
    ("password", "%ACME_2%"),
    ("token", "2024-05-06T12:00:00Z"),
    ("password", "pbkdf2_sha256$600000$a1b2"),
    ("auth_token", "eW91ci10b2tlbi1nb2VzLWhlcmU="),  # your-token-goes-here
    ("my_p4ssw0rd_password", "p4ssw0rd"),  # the name itself
]


@pytest.mark.parametrize(("name", "value"), SECRETS)
def test_secret(name: str, value: str) -> None:
    assert check(value.encode(), {"name": name.encode()}).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(("name", "value"), NO_SECRETS)
def test_no_secret(name: str, value: str) -> None:
    assert check(value.encode(), {"name": name.encode()}).verdict is Verdict.INVALID
    assert check_random(value.encode(), {"name": name.encode()}).verdict is Verdict.INVALID


def test_name_may_be_missing() -> None:
    assert check(b"kQ7!vB2zLp9", {}).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("template", "verdict"),
    [
        ("{base62:40}", Verdict.UNKNOWN),
        ("{hex:32}", Verdict.UNKNOWN),
        ("{hex:64}", Verdict.UNKNOWN),
        ("{base64url:43}", Verdict.UNKNOWN),
        ("{lower:30}", Verdict.INVALID),  # words, or a cipher: no machine leaves out digits
        ("{letters:30}", Verdict.INVALID),
        ("{letters:30}1", Verdict.INVALID),
        ("{lower:15}12{lower:15}34", Verdict.INVALID),
        ("Authentication2ConfigurationAuthorization1", Verdict.INVALID),
    ],
)
def test_random(template: str, verdict: Verdict) -> None:
    for seed in range(20):
        assert check_random(make(template, str(seed)).encode(), {"name": b"secret"}).verdict is verdict


@pytest.mark.parametrize("charset", ["base62", "hex", "base64", "base36"])
def test_few_random_values_are_lost(charset: str) -> None:
    """Those with hardly a digit, or that begin as a path does."""
    chance = random.Random(charset)
    tokens = ["".join(chance.choices(CHARSETS[charset], k=40)) for _ in range(2000)]
    lost = [token for token in tokens if check_random(token.encode(), {"name": b"secret"}).verdict is Verdict.INVALID]
    assert len(lost) * 20 <= len(tokens)


@given(st.binary(max_size=200), st.binary(max_size=100))
def test_any_bytes(secret: bytes, name: bytes) -> None:
    simple = check(secret, {"name": name}).verdict
    assert simple in (Verdict.UNKNOWN, Verdict.INVALID)  # nothing proves a password
    assert check_random(secret, {"name": name}).verdict in (simple, Verdict.INVALID)
