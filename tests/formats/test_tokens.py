"""The other tokens: what they tell, and what they are not."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import time
from zlib import crc32

import pytest

from pitviper.formats import FORMATS
from pitviper.formats.encoding import to_base32, to_base36
from pitviper.formats.interface import Proof, Verdict
from pitviper.model.finding import Severity


def check(name: str, secret: str | bytes) -> Proof:
    return FORMATS[name].check(secret.encode() if isinstance(secret, str) else secret, {})


def told(proof: Proof) -> dict[str, str]:
    return {evidence.name: evidence.text for evidence in proof.evidence}


def fake(name: str, seed: int = 1) -> str:
    make = FORMATS[name].make
    assert make
    return make(random.Random(seed), "")


def encoded(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def routable(routes: str, *, version: str = ".01", prefix: str = "glpat-", signed: str | None = None) -> str:
    text = routes.encode()
    data = bytes(range(16)) + text + bytes([len(text)]) if version else text + bytes(range(16)) + b"\x10"
    payload = base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    token = f"{prefix}{payload}{version}.{to_base36(len(payload), 2)}"
    return token + to_base36(crc32((signed or token).encode()), 7)


@pytest.mark.parametrize("version", [".01", ""])
@pytest.mark.parametrize("prefix", ["glpat-", "glrt-t1_", "ACME-glpat-"])
def test_gitlab_tells_whom_it_belongs_to(prefix: str, version: str) -> None:
    proof = check("gitlab-routable", routable("c:1\ng:2s\no:1\np:3\nu:zz", version=version, prefix=prefix))
    assert proof.verdict is Verdict.VALID
    assert told(proof)["belongs to"] == "cell 1, group 100, organisation 1, project 3, user 1295"


def test_gitlab_behind_an_instance_prefix_is_unknown() -> None:
    """The checksum covers a prefix that the match does not hold."""
    whole = routable("o:1\nu:9", prefix="ACME-glpat-")
    proof = check("gitlab-routable", whole.removeprefix("ACME-"))
    assert (proof.verdict, told(proof)) == (Verdict.UNKNOWN, {"belongs to": "organisation 1, user 9"})


@pytest.mark.parametrize(
    "secret",
    [
        "",
        routable("o:1")[1:],
        routable("o:1").replace(".01.", ".02."),
        routable("o:1\nx:2"),
        routable("o:UPPER"),
        routable(""),
        routable("o:1").replace("glpat-", "glpat-x"),
        routable("o:1", prefix="ghp_"),
        "glpat-" + "A" * 40 + ".01.14" + "0000000",
        "glpat-" + "A" * 27 + ".zz0000000",
    ],
)
def test_gitlab_others_are_invalid(secret: str) -> None:
    assert check("gitlab-routable", secret).verdict is Verdict.INVALID


@pytest.mark.parametrize("escape", ["=", "%3D", "%3d", "\\="])
def test_atlassian_in_urls_and_either_case(escape: str) -> None:
    body = "ATATT3" + "aB3_-" * 36 + "="
    checksum = f"{crc32(body.encode()):08X}"
    for text in (checksum, checksum.lower()):
        assert check("atlassian-crc32", body.replace("=", escape) + text).verdict is Verdict.VALID


CLAIMS = {
    "iat": 1614816000.5,
    "url": "https://sentry.example",
    "region_url": "https://eu.sentry.example",
    "org": "acme",
    "k": "the key itself",
    "secretKey": "and another",
}


@pytest.mark.parametrize(
    "secret",
    [
        f"sntrys_{encoded(json.dumps(CLAIMS))}_{'a' * 43}",
        f"sntrys_{encoded(json.dumps(CLAIMS))}_{'a/' * 21}b",
        f"ops_{base64.urlsafe_b64encode(json.dumps(CLAIMS).encode()).rstrip(b'=').decode()}",
        f"glc_{encoded(json.dumps(CLAIMS))}",
    ],
)
def test_base64_json_tells_no_keys(secret: str) -> None:
    proof = check("base64-json", secret)
    assert proof.verdict is Verdict.VALID
    assert told(proof) == {
        "organisation": "acme",
        "host": "https://sentry.example",
        "region": "https://eu.sentry.example",
        "issued": "2021-03-04",
    }


def test_base64_json_in_base64url() -> None:
    """A text that base64 writes with `/` and `+`, and base64url with `_` and `-`."""
    text = base64.urlsafe_b64encode(json.dumps({"n": "???>>>???>>>"}).encode()).decode()
    assert "_" in text
    assert told(check("base64-json", f"ops_{text}")) == {"name": "???>>>???>>>"}


@pytest.mark.parametrize(
    "secret", ["", "ops_", f"ops_{encoded('[1, 2]')}", f"ops_{encoded('{}')}", "ops_eyJ" + "x" * 250, "glc_" + "A" * 80]
)
def test_base64_json_others_are_invalid(secret: str) -> None:
    assert check("base64-json", secret).verdict is Verdict.INVALID


def test_base64_json_fake_fits_all_three_patterns() -> None:
    for seed in range(50):
        text = fake("base64-json", seed)
        assert len(text) == 272
        assert text.isalnum()
        assert text.startswith("eyJpYXQiO")


@pytest.mark.parametrize(
    ("text", "user"),
    [
        ("ann:Tr0ub4dor&3x", "ann"),
        ("ann@acme.example:correct horse battery", "ann@acme.example"),
        ("_json_key:" + json.dumps({"type": "service_account", "n": 1}, indent=1), "_json_key"),
        ("AWS:" + "eyJwYXlsb2FkIjoi" * 20, "AWS"),
        ("J\u00fcrgen:gr\u00fc\u00dfe-aus-B3rlin", "J\u00fcrgen"),
        ("ab:cd:ef42", "ab"),
        ("ghp_" + "r4nd0m" * 6 + ":x-oauth-basic", "ghp_\u2026"),
    ],
)
@pytest.mark.parametrize("name", ["basic-auth", "docker-auth"])
def test_basic_auth_tells_the_user(name: str, text: str, user: str) -> None:
    proof = check(name, encoded(text))
    assert proof.verdict is Verdict.VALID
    assert told(proof) == {"user": user}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no colon",
        ":password-without-user",
        "user-without-password:",
        " :x9s8d7f6",
        "user:pass",
        "user:password",
        "admin:admin",
        "Aladdin:open sesame",
        "user:<password>",
        "user:${PASSWORD}",
        "user:{{ password }}",
        "user:xxxxxxxx",
        "user:your-password-here",
        "user:changeme",
        "us\x00er:x9s8d7f6",
        "user:x9s8\x1bd7f6",
        b"user:\xff\xfe\xfd",
    ],
)
def test_basic_auth_others_are_invalid(text: str | bytes) -> None:
    assert check("basic-auth", encoded(text)).verdict is Verdict.INVALID


def test_basic_auth_refuses_what_is_no_base64() -> None:
    assert check("basic-auth", "user:Tr0ub4dor&3x").verdict is Verdict.INVALID


@pytest.mark.parametrize(
    ("letter", "kind"),
    [("A", "account"), ("C", "cluster"), ("N", "server"), ("O", "operator"), ("U", "user"), ("X", "curve")],
)
@pytest.mark.parametrize("size", [32, 64])
def test_nkey_kinds(letter: str, kind: str, size: int) -> None:
    import binascii  # noqa: PLC0415 - the checksum of one test

    code = "ABCDEFGHIJKLMNOPQRSTUVWXYZ".index(letter) << 3
    data = bytes([18 << 3 | code >> 5, (code & 31) << 3]) + bytes(range(size))
    seed = to_base32(data + binascii.crc_hqx(data, 0).to_bytes(2, "little"))
    assert seed.startswith(f"S{letter}")
    assert told(check("nkey", seed))["kind"] == f"{kind} seed"


@pytest.mark.parametrize(
    "secret", ["", "SUA", "U" + fake("nkey")[1:], "SP" + fake("nkey")[2:], fake("nkey").lower(), "S" * 58]
)
def test_nkey_others_are_invalid(secret: str) -> None:
    assert check("nkey", secret).verdict is Verdict.INVALID


def test_age_for_post_quantum_keys_too() -> None:
    from pitviper.formats.age import encoded as bech32  # noqa: PLC0415 - `encoded` is base64 in this file

    assert check("age-key", bech32("AGE-SECRET-KEY-PQ-", bytes(range(32)))).verdict is Verdict.VALID
    assert check("age-key", bech32("AGE-SECRET-KEY-QP-", bytes(range(32)))).verdict is Verdict.INVALID


def discord(application: int | str) -> str:
    return ".".join((encoded(str(application)).rstrip("="), "GaBcDe", "x9s8D7f6" * 4))


def test_discord_tells_the_application_and_its_age() -> None:
    created = (1_614_816_000 - 1_420_070_400) * 1000
    proof = check("discord-bot", discord(created << 22))
    assert proof.verdict is Verdict.VALID
    assert told(proof) == {"application": str(created << 22), "created": "2021-03-04"}


@pytest.mark.parametrize(
    "secret",
    [
        "",
        discord(1000),
        discord("not a number at all"),
        pytest.param(discord(int(time.time() - 1_420_070_400 + 200_000) * 1000 << 22), id="of the day after tomorrow"),
        discord(123456789012345678) + ".more",
        discord(123456789012345678).replace(".GaBcDe", ".!!!!!!"),
        discord(123456789012345678).replace(".GaBcDe", "."),
        "x" * 24 + "." + "x" * 6 + "." + "x" * 27,
    ],
)
def test_discord_others_are_invalid(secret: str) -> None:
    assert check("discord-bot", secret).verdict is Verdict.INVALID


@pytest.mark.parametrize(
    ("epoch", "expiry", "severity"),
    [
        ("1614816000", "expired 2021-03-04", Severity.LOW),
        ("4000000000", "expires 2096-10-02", None),
        ("0000000000", "never expires", None),
    ],
)
def test_jfrog_reference_tokens_tell_their_expiry(epoch: str, expiry: str, severity: Severity | None) -> None:
    proof = check("jfrog-reference-token", encoded(f"reftkn:01:{epoch}:{'aB3' * 9}"))
    assert (proof.verdict, told(proof), proof.severity) == (Verdict.VALID, {"expiry": expiry}, severity)


@pytest.mark.parametrize("text", ["", "reftkn:", "reftkn:01:soon:" + "aB3" * 9, "reftkn:01:1614816000:short", "x" * 48])
def test_jfrog_reference_tokens_need_their_text(text: str) -> None:
    assert check("jfrog-reference-token", encoded(text)).verdict is Verdict.INVALID


@pytest.mark.parametrize("secret", ["", "AKCp", "AKCp" + "1" * 60, "AKCp" + "0" * 69, "AKCp" + "z" * 200])
def test_jfrog_api_keys_need_their_length(secret: str) -> None:
    assert check("jfrog-api-key", secret).verdict is Verdict.INVALID


@pytest.mark.parametrize(
    ("secret", "verdict"),
    [
        (base64.urlsafe_b64encode(bytes(range(200, 232))).decode(), Verdict.UNKNOWN),
        (base64.b64encode(bytes(range(200, 232))).decode(), Verdict.UNKNOWN),
        (base64.b64encode(bytes(32)).decode(), Verdict.INVALID),
        (base64.b64encode(b"AB" * 16).decode(), Verdict.INVALID),
        (base64.b64encode(bytes(range(31))).decode(), Verdict.INVALID),
        (base64.b64encode(bytes(range(200, 232))).decode()[:-2] + "/=", Verdict.INVALID),
        ("this-is-forty-four-characters-of-plain-text=", Verdict.INVALID),
        ("", Verdict.INVALID),
    ],
)
def test_fernet(secret: str, verdict: Verdict) -> None:
    assert check("fernet-key", secret).verdict is verdict


def test_bitbucket_tells_its_id() -> None:
    assert told(check("bitbucket-access-token", "BBDC-" + encoded(b"123456789012:" + bytes(range(120, 140))))) == {
        "token id": "123456789012"
    }


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"123456789012:",
        b"123:" + b"plain text of twenty",
        b"0123:" + bytes(range(120, 140)),
        bytes(range(120, 150)),
    ],
)
def test_bitbucket_others_are_invalid(data: bytes) -> None:
    assert check("bitbucket-access-token", "BBDC-" + encoded(data)).verdict is Verdict.INVALID


@pytest.mark.parametrize(
    ("prefix", "mode", "severity"),
    [
        ("sk_test_", {"mode": "test"}, Severity.LOW),
        ("sk_org_test_", {"mode": "test"}, Severity.LOW),
        ("rk_live_", {"mode": "live"}, None),
        ("whsec_", {}, None),
        ("sk_live_x_test_", {"mode": "live"}, None),
    ],
)
def test_stripe(prefix: str, mode: dict[str, str], severity: Severity | None) -> None:
    proof = check("stripe-mode", prefix + "x9s8D7f6" * 3)
    assert (proof.verdict, told(proof), proof.severity) == (Verdict.UNKNOWN, mode, severity)


@pytest.mark.parametrize(
    ("secret", "verdict"),
    [
        ("6a0fb0a5-13d6-4a5b-9f6c-1d4e5b8f7a21", Verdict.UNKNOWN),
        ("6A0FB0A5-13D6-4A5B-9F6C-1D4E5B8F7A21", Verdict.UNKNOWN),
        ("018f3a5c-7b2e-7d41-a6c0-93e1f45b8d02", Verdict.UNKNOWN),
        ("00000000-0000-0000-0000-000000000000", Verdict.INVALID),
        ("ffffffff-ffff-ffff-ffff-ffffffffffff", Verdict.INVALID),
        ("11111111-1111-4111-8111-111111111111", Verdict.INVALID),
        ("12345678-1234-1234-1234-123456789012", Verdict.INVALID),
        ("12345678-90ab-4def-8123-4567890abcde", Verdict.INVALID),
        ("550e8400-e29b-41d4-a716-446655440000", Verdict.INVALID),
        ("123e4567-e89b-12d3-a456-426614174000", Verdict.INVALID),
        ("6a0fb0a5-13d6-0a5b-9f6c-1d4e5b8f7a21", Verdict.INVALID),
        ("6a0fb0a5-13d6-4a5b-1f6c-1d4e5b8f7a21", Verdict.INVALID),
        ("6a0fb0a513d64a5b9f6c1d4e5b8f7a21", Verdict.INVALID),
        ("", Verdict.INVALID),
    ],
)
def test_uuid(secret: str, verdict: Verdict) -> None:
    assert check("uuid", secret).verdict is verdict


@pytest.mark.parametrize("word", [b"", b"password", b"test", b"hello", b"admin", b"secret", b"123456", b"foo"])
@pytest.mark.parametrize("make", [hashlib.md5, hashlib.sha1, hashlib.sha256])
def test_digests_of_words_are_no_secrets(word: bytes, make: type) -> None:
    digest = make(word).hexdigest()
    assert check("hex-digest-free", digest).verdict is Verdict.INVALID
    assert check("hex-digest-free", digest.upper()).verdict is Verdict.INVALID


@pytest.mark.parametrize(
    "secret",
    [
        "0" * 32,
        "f" * 64,
        "0123456789abcdef" * 2,
        "0123456789ABCDEF" * 2,
        "89abcdef0123456789abcdef01234567",
        "fedcba9876543210" * 4,
        "1234567890" * 4,
        "deadbeef" * 5,
        "a1b2c3d4e5f60718" * 2,
    ],
)
def test_patterns_are_no_secrets(secret: str) -> None:
    assert check("hex-digest-free", secret).verdict is Verdict.INVALID


@pytest.mark.parametrize(
    "secret", ["", "not hex", "9f86d081884c7d659a2feaa0c55ad016", "7c4a8d09ca3762af61e59520943dc26494f8941f"]
)
def test_other_text_is_unknown(secret: str) -> None:
    assert check("hex-digest-free", secret).verdict is Verdict.UNKNOWN
