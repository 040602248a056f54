"""JSON Web Tokens, and GitHub's installation tokens around them."""

from __future__ import annotations

import base64
import json

import pytest

from pitviper.formats import FORMATS
from pitviper.formats.interface import Proof, Verdict
from pitviper.model.finding import Severity

HEADER = {"alg": "HS256", "typ": "JWT"}
FUTURE = 4_000_000_000


def segment(data: object) -> bytes:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def token(payload: object, header: object = HEADER, signature: bytes = bytes(range(32))) -> bytes:
    return b".".join((segment(header), segment(payload), segment(signature)))


def check(secret: bytes, name: str = "jwt") -> Proof:
    return FORMATS[name].check(secret, {})


def told(proof: Proof) -> dict[str, str]:
    return {evidence.name: evidence.text for evidence in proof.evidence}


def test_claims_are_told_and_the_subject_is_not() -> None:
    payload = {
        "iss": "https://id.acme.example/",
        "aud": ["a", "b"],
        "sub": "ann@acme.example",
        "role": "admin",
        "exp": FUTURE,
    }
    proof = check(token(payload))
    assert proof.verdict is Verdict.VALID
    assert proof.severity is None
    assert told(proof) == {
        "algorithm": "HS256",
        "issuer": "https://id.acme.example/",
        "audience": "a, b",
        "role": "admin",
        "subject": "an e-mail address",
        "expiry": "expires 2096-10-02",
    }


@pytest.mark.parametrize(
    ("payload", "expiry", "severity"),
    [
        ({"exp": 1_614_816_000}, "expired 2021-03-04", Severity.LOW),
        ({"exp": 1_614_816_000.5}, "expired 2021-03-04", Severity.LOW),
        ({"exp": FUTURE}, "expires 2096-10-02", None),
        ({}, "never expires", None),
        ({"exp": True}, None, None),
        ({"exp": "soon"}, None, None),
        ({"exp": -1}, None, None),
        ({"exp": 10**15}, None, None),
        ({"role": "anon"}, "never expires", Severity.INFO),
        ({"role": "anon", "exp": 1_614_816_000}, "expired 2021-03-04", Severity.INFO),
        ({"role": "service_role", "exp": FUTURE}, "expires 2096-10-02", Severity.CRITICAL),
        ({"role": "service_role", "exp": 1_614_816_000}, "expired 2021-03-04", Severity.LOW),
        ({"role": ["anon"]}, "never expires", None),
    ],
)
def test_expiry_and_role_decide_the_severity(
    payload: dict[str, object], expiry: str | None, severity: Severity | None
) -> None:
    proof = check(token({"iss": "acme", **payload}))
    assert (told(proof).get("expiry"), proof.severity) == (expiry, severity)


@pytest.mark.parametrize(
    ("subject", "kind"),
    [
        ("system:serviceaccount:prod:web", "a Kubernetes service account"),
        ("repo:acme/web:ref:refs/heads/main", "a GitHub Actions workflow"),
        ("project_path:acme/web:ref_type:branch", "a GitLab CI job"),
        ("auth0|5f7c8ec7c33c6c004bbafe82", "a user"),
        ("aBcD@clients", "a machine client"),
        ("6a0fb0a5-13d6-4a5b-9f6c-1d4e5b8f7a21", "a UUID"),
        ("42", "an id"),
    ],
)
def test_kinds_of_subject(subject: str, kind: str) -> None:
    assert told(check(token({"sub": subject})))["subject"] == kind


@pytest.mark.parametrize(
    ("algorithm", "size", "verdict"),
    [
        ("HS256", 32, Verdict.VALID),
        ("HS512", 64, Verdict.VALID),
        ("ES512", 132, Verdict.VALID),
        ("EdDSA", 64, Verdict.VALID),
        ("RS256", 256, Verdict.VALID),
        ("PS512", 512, Verdict.VALID),
        ("HS256", 31, Verdict.UNKNOWN),
        ("RS256", 64, Verdict.UNKNOWN),
        ("HS256", 0, Verdict.UNKNOWN),
        ("XX999", 32, Verdict.UNKNOWN),
    ],
)
def test_signatures_have_the_length_of_their_algorithm(algorithm: str, size: int, verdict: Verdict) -> None:
    assert check(token({"iss": "acme"}, {"alg": algorithm}, bytes(size))).verdict is verdict


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE"])
def test_unsigned_is_worth_little(algorithm: str) -> None:
    proof = check(token({"iss": "acme"}, {"alg": algorithm}, b""))
    assert (proof.verdict, proof.severity) == (Verdict.VALID, Severity.LOW)


def test_encrypted_is_unknown() -> None:
    secret = b".".join((segment({"alg": "RSA-OAEP", "enc": "A256GCM"}), *[segment(bytes(16))] * 4))
    assert check(secret).verdict is Verdict.UNKNOWN
    assert told(check(secret))["payload"] == "encrypted"


@pytest.mark.parametrize(
    "secret",
    [
        b"",
        b".",
        b"..",
        token({}, []),
        token({}, {"typ": "JWT"}),
        token({}, {"alg": 1}),
        token([1, 2]),
        token(b'{"iss": '),
        token(b'{"iss": "\xff"}'),
        token(b"[" * 20_000),
        token(b'{"a":' * 20_000),
        segment(HEADER) + b"." + segment({}),
        token({"iss": "acme"}) + b".more",
        token({"sub": "1234567890", "name": "John Doe", "iat": 1516239022}),
        token({"sub": "1234567890", "name": "John Doe", "admin": True}),
        token({"iss": "joe", "exp": 1300819380, "http://example.com/is_root": True}),
    ],
)
def test_others_are_invalid(secret: bytes) -> None:
    assert check(secret).verdict is Verdict.INVALID


def test_claims_are_fit_to_print() -> None:
    issuer = told(check(token({"iss": "a\nb\x1b[31m\u202e" + "x" * 500})))["issuer"]
    assert issuer.isprintable()
    assert len(issuer) <= 100


def test_github_app() -> None:
    secret = b"ghs_" + b"123456_" + token({"iss": "github", "exp": 1_777_300_000}, {"alg": "RS256"}, bytes(256))
    proof = check(secret, "github-app-jwt")
    assert (proof.verdict, proof.severity) == (Verdict.VALID, Severity.LOW)
    assert told(proof)["app id"] == "123456"
    assert told(proof)["expiry"] == "expired 2026-04-27"


@pytest.mark.parametrize("start", [b"ghs_", b"ghs_abc_", b"ghp_123456_", b"ghs_123456_x"])
def test_github_app_needs_its_frame(start: bytes) -> None:
    assert check(start + token({"iss": "github"}), "github-app-jwt").verdict is Verdict.INVALID
