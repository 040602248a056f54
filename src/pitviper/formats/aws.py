"""Amazon Web Services: access key ids and Bedrock API keys, which name their account."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from random import Random

from pitviper.formats.crc import BASE62
from pitviper.formats.encoding import base32_bytes, base64_bytes, to_base32, to_base64
from pitviper.formats.evidence import expiry, fact
from pitviper.formats.interface import Proof, Verdict
from pitviper.model.finding import Evidence, Severity

_KINDS = {
    b"AKIA": "long-lived access key",
    b"ASIA": "temporary access key",
    b"ABIA": "service bearer token",
    b"ACCA": "context-specific credential",
}
_KEY_ID = re.compile(rb"(?P<kind>A[A-Z0-9]{3})(?P<body>[A-Z2-7]{16})")
_MOST_ACCOUNT = 999_999_999_999
_CANARIES = frozenset(
    {
        52310077262, 171436882533, 266735846894, 534261010715, 595918472158, 717712589309, 730335385048, 819147034852,
        992382622183,
    }
)  # fmt: skip
"""Accounts of Thinkst's canarytokens.org, as public lists of known accounts and the scanner Kingfisher have them."""

_LONG, _SHORT = b"ABSK", b"bedrock-api-key-"
_LONG_BODY = re.compile(rb"(?P<user>[\w+=,.@-]{1,80})-at-(?P<account>\d{12}):[\x21-\x7e]{16,}")
_SHORT_HOST = b"bedrock.amazonaws.com"
_CREDENTIAL = re.compile(rb"X-Amz-Credential=(?P<key>[A-Z0-9]{16,32})%2F\d{8}%2F(?P<region>[a-z0-9-]{5,32})%2F")
_DATE = re.compile(rb"X-Amz-Date=(?P<date>\d{8}T\d{6})Z")
_LIFETIME = re.compile(rb"X-Amz-Expires=(?P<seconds>\d{1,7})")


def check_key_id(secret: bytes, groups: Mapping[str, bytes]) -> Proof:
    """Prefix and 16 characters of base32; the newer ids (from `Q` on) hold their account's number.

    An id has no checksum, so what can be read is UNKNOWN at best. INVALID are the documentation's ids (`…EXAMPLE`) and
    those with characters or an account that cannot be. One of a canary account is worth LOW: using it raises an alarm.

    Source: AWS, IAM User Guide, "IAM identifiers", for the prefixes; Tal Be'ery, "A short note on AWS KEY ID", and
    Aidan Steele, "AWS Access Key ID formats", for the account.
    """
    del groups
    shape = _KEY_ID.fullmatch(secret)
    if shape is None or secret.endswith(b"EXAMPLE"):
        return Proof(Verdict.INVALID)
    kind = _KINDS.get(shape["kind"])
    evidence = (Evidence("kind", kind),) if kind else ()
    account = _account(shape["body"])
    if kind is None or account is None:
        return Proof(Verdict.UNKNOWN, evidence)
    if account > _MOST_ACCOUNT:
        return Proof(Verdict.INVALID)
    evidence = (*evidence, Evidence("account", f"{account:012}"))
    if account not in _CANARIES:
        return Proof(Verdict.UNKNOWN, evidence)
    canary = Evidence("canary", "an account of canarytokens.org: use of the key raises an alarm")
    return Proof(Verdict.UNKNOWN, (*evidence, canary), Severity.LOW)


def make_key_id(rng: Random, before: str) -> str:
    """Sixteen characters with a random account of twelve digits."""
    del before
    account = rng.randrange(10**11, 10**12)
    return to_base32((1 << 79 | account << 39 | rng.getrandbits(39)).to_bytes(10, "big"))


def check_bedrock(secret: bytes, groups: Mapping[str, bytes]) -> Proof:
    """Long-lived keys (`ABSK`) hold user and account in base64, short-lived ones (`bedrock-api-key-`) a presigned URL.

    VALID where it decodes to that; UNKNOWN where a long-lived key decodes to other text; INVALID where it does not
    decode. An expired key is worth LOW.

    Source: aws/aws-bedrock-token-generator-python (Apache-2.0) for short-lived keys; AWS, IAM User Guide,
    "Service-specific credentials", for the name `<user>-at-<account>`.
    """
    del groups
    if secret.startswith(_SHORT):
        return _short_lived(base64_bytes(secret.removeprefix(_SHORT)) or b"")
    body = base64_bytes(secret.removeprefix(_LONG)) or b""
    if not body.isascii() or b":" not in body:
        return Proof(Verdict.INVALID)
    name = _LONG_BODY.fullmatch(body)
    if name is None:
        return Proof(Verdict.UNKNOWN)
    facts = (Evidence("account", name["account"].decode()), fact("user", name["user"].decode()))
    return Proof(Verdict.VALID, (Evidence("kind", "long-lived key"), *facts))


def make_bedrock(rng: Random, before: str) -> str:
    """A whole long-lived key."""
    del before
    user = "".join(rng.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=4))
    password = "".join(rng.choices(BASE62, k=60))
    return _LONG.decode() + to_base64(f"BedrockAPIKey-{user}-at-{rng.randrange(10**11, 10**12)}:{password}".encode())


def _account(body: bytes) -> int | None:
    """The account in the last 16 characters of an id; None in the first generation (`A` to `P`), which holds none."""
    data = base32_bytes(body)
    if data is None or not data[0] & 0x80:
        return None
    return int.from_bytes(data[:6], "big") >> 7 & 0xFF_FFFF_FFFF


def _short_lived(url: bytes) -> Proof:
    if not url.startswith(_SHORT_HOST):
        return Proof(Verdict.INVALID)
    facts = [Evidence("kind", "short-lived key")]
    credential = _CREDENTIAL.search(url)
    if credential:
        facts += check_key_id(credential["key"], {}).evidence[1:]
        facts.append(fact("region", credential["region"].decode()))
    expires, severity = expiry(_expires(url))
    return Proof(Verdict.VALID, (*facts, *expires), severity)


def _expires(url: bytes) -> float | None:
    issued, lifetime = _DATE.search(url), _LIFETIME.search(url)
    if issued is None or lifetime is None:
        return None
    try:
        start = datetime.strptime(issued["date"].decode(), "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        return start.timestamp() + int(lifetime["seconds"])
    except (ValueError, OverflowError, OSError):
        return None
