"""JSON Web Tokens: signed statements that anybody can read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random

from pitviper.formats.encoding import base64_bytes, json_object, to_base64url, to_json
from pitviper.formats.evidence import expiry, fact
from pitviper.formats.interface import Proof, Verdict
from pitviper.model.finding import Evidence, Severity

_SIGNED, _ENCRYPTED = 3, 5  # parts
_SIGNATURES = {"HS256": 32, "HS384": 48, "HS512": 64, "ES256": 64, "ES384": 96, "ES512": 132, "EdDSA": 64}
"""Bytes of a signature (RFC 7518, section 3; RFC 8037); those of RSA depend on the key."""
_RSA_SIGNATURE = 128  # bytes at least: a key of 1,024 bits
_PUBLIC_ROLES = frozenset({"anon", "anonymous", "guest", "public"})
_SUBJECTS = (
    ("system:serviceaccount:", "a Kubernetes service account"),
    ("repo:", "a GitHub Actions workflow"),
    ("project_path:", "a GitLab CI job"),
    ("auth0|", "a user"),
)
_MACHINE = "@clients"  # how Auth0 ends the subject of a machine
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_GITHUB = re.compile(rb"ghs_(?P<app>\d{1,12})_(?P<jwt>[\w.-]+)", re.ASCII)


def check(secret: bytes, groups: Mapping[str, bytes]) -> Proof:
    """Header and payload are JSON objects, and the signature has the length of its algorithm.

    Evidence tells algorithm, issuer, audience, kind of subject and expiry. An expired or unsigned token is worth LOW,
    one with a public role (Supabase's `anon`) INFO, one with Supabase's `service_role` CRITICAL. UNKNOWN where the
    signature has another length, or the token is encrypted (5 parts). INVALID are the samples of jwt.io and RFC 7519.

    Source: RFC 7515, 7518, 7519; Supabase, "Understanding API keys".
    """
    del groups
    parts = secret.split(b".")
    header = json_object(base64_bytes(parts[0]) or b"")
    if header is None or not isinstance(algorithm := header.get("alg"), str):
        return Proof(Verdict.INVALID)
    named = fact("algorithm", algorithm)
    if len(parts) == _ENCRYPTED and "enc" in header:
        return Proof(Verdict.UNKNOWN, (named, Evidence("payload", "encrypted")))
    payload = json_object(base64_bytes(parts[1]) or b"") if len(parts) == _SIGNED else None
    if payload is None or _is_sample(payload):
        return Proof(Verdict.INVALID)
    evidence, severity = _claims(payload)
    if algorithm.lower() == "none":
        return Proof(Verdict.VALID, (named, *evidence), severity or Severity.LOW)
    return Proof(Verdict.VALID if _is_signed(algorithm, parts[2]) else Verdict.UNKNOWN, (named, *evidence), severity)


def make(rng: Random, before: str) -> str:
    """A whole token with HS256 that expires in the 2090s."""
    del before
    issued = rng.randrange(1_700_000_000, 1_760_000_000)
    claims = {
        "iss": f"https://login.acme-{rng.randrange(1000)}.internal/",
        "sub": f"{rng.getrandbits(64):016x}",
        "aud": "orders",
        "iat": issued,
        "exp": issued + 2_100_000_000,
    }
    return _made(rng, {"alg": "HS256", "typ": "JWT"}, claims, 32)


def check_github_app(secret: bytes, groups: Mapping[str, bytes]) -> Proof:
    """GitHub App installation tokens since 2026: `ghs_<app id>_<JWT>`. What they say is what the JWT says.

    Source: GitHub changelog, 2026-04-24 and 2026-05-15.
    """
    shape = _GITHUB.fullmatch(secret)
    if shape is None:
        return Proof(Verdict.INVALID)
    proof = check(shape["jwt"], groups)
    if proof.verdict is Verdict.INVALID:
        return proof
    return Proof(proof.verdict, (Evidence("app id", shape["app"].decode()), *proof.evidence), proof.severity)


def make_github_app(rng: Random, before: str) -> str:
    """The JWT of an installation token, about 500 characters."""
    del before
    issued = rng.randrange(1_777_000_000, 1_790_000_000)
    claims = {
        "iss": "github",
        "sub": f"installation:{rng.randrange(10**8)}",
        "iat": issued,
        "exp": issued + 2_100_000_000,
    }
    return _made(rng, {"alg": "RS256", "typ": "JWT"}, claims, 256)


def _made(rng: Random, header: dict[str, str], claims: dict[str, object], signature: int) -> str:
    return ".".join(map(to_base64url, (to_json(header), to_json(claims), rng.randbytes(signature))))


def _is_sample(payload: dict[str, object]) -> bool:
    """Whether the payload is that of jwt.io's sample or of RFC 7519, section 3.1."""
    if payload.get("sub") == "1234567890" and (payload.get("name") == "John Doe" or payload.get("iat") == 1516239022):  # noqa: PLR2004 - jwt.io's own date
        return True
    return payload.get("iss") == "joe" and "http://example.com/is_root" in payload


def _is_signed(algorithm: str, signature: bytes) -> bool:
    size = len(base64_bytes(signature) or b"")
    if algorithm.startswith(("RS", "PS")):
        return size >= _RSA_SIGNATURE
    return size == _SIGNATURES.get(algorithm)


def _claims(payload: dict[str, object]) -> tuple[tuple[Evidence, ...], Severity | None]:
    facts = []
    for claim, name in (("iss", "issuer"), ("aud", "audience"), ("role", "role")):
        value = payload.get(claim)
        text = ", ".join(map(str, value[:3])) if isinstance(value, list) else value
        if isinstance(text, str):
            facts.append(fact(name, text))
    if isinstance(subject := payload.get("sub"), str):
        facts.append(Evidence("subject", _kind(subject)))
    expires, severity = expiry(payload.get("exp"))
    facts += expires or (() if "exp" in payload else (Evidence("expiry", "never expires"),))
    role = payload.get("role")
    if isinstance(role, str) and role in _PUBLIC_ROLES:
        severity = Severity.INFO
    elif role == "service_role":
        severity = severity or Severity.CRITICAL
    return tuple(facts), severity


def _kind(subject: str) -> str:
    for start, kind in _SUBJECTS:
        if subject.startswith(start):
            return kind
    if subject.endswith(_MACHINE):
        return "a machine client"
    if "@" in subject:
        return "an e-mail address"
    return "a UUID" if _UUID.fullmatch(subject) else "an id"
