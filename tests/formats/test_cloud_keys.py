"""Keys of the three big clouds."""

from __future__ import annotations

import base64
import json
import random

import pytest

from pitviper.formats import FORMATS
from pitviper.formats.encoding import to_base32
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


def key_id(account: int, kind: str = "AKIA") -> str:
    return kind + to_base32((1 << 79 | account << 39 | 12345).to_bytes(10, "big"))


@pytest.mark.parametrize(
    ("prefix", "kind"),
    [
        ("AKIA", "long-lived access key"),
        ("ASIA", "temporary access key"),
        ("ABIA", "service bearer token"),
        ("ACCA", "context-specific credential"),
    ],
)
def test_aws_kinds(prefix: str, kind: str) -> None:
    proof = check("aws-access-key-id", key_id(123_456_789, prefix))
    assert (proof.verdict, proof.severity) == (Verdict.UNKNOWN, None)
    assert told(proof) == {"kind": kind, "account": "000123456789"}


def test_aws_first_generation_has_no_account() -> None:
    proof = check("aws-access-key-id", "AKIA" + "JQ7R2XN5K4M3P6T2")
    assert (proof.verdict, told(proof)) == (Verdict.UNKNOWN, {"kind": "long-lived access key"})


def test_aws_unknown_prefix_tells_nothing() -> None:
    proof = check("aws-access-key-id", key_id(123_456_789, "A3TX"))
    assert (proof.verdict, proof.evidence) == (Verdict.UNKNOWN, ())


def test_aws_canary_is_worth_little() -> None:
    proof = check("aws-access-key-id", key_id(534261010715))
    assert proof.severity is Severity.LOW
    assert "raises an alarm" in told(proof)["canary"]


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "AKIA",
        "AKIA" + "IOSFODNN7EXAMPLE",
        "AKIA" + "QQQQ0189QQQQQQQQ",
        key_id(10**12),
        key_id(1).lower(),
        key_id(1) + "A",
    ],
)
def test_aws_impossible_ids_are_invalid(secret: str) -> None:
    assert check("aws-access-key-id", secret).verdict is Verdict.INVALID


def bedrock(text: str) -> str:
    return "ABSK" + base64.b64encode(text.encode("latin-1")).decode()


def short_lived(date: str, lifetime: str = "43200") -> str:
    credential = f"{key_id(123_456_789, 'ASIA')}%2F20250708%2Feu-west-1%2Fbedrock%2Faws4_request"
    url = (
        "bedrock.amazonaws.com/?Action=CallWithBearerToken&X-Amz-Algorithm=AWS4-HMAC-SHA256"
        f"&X-Amz-Credential={credential}&X-Amz-Date={date}&X-Amz-Expires={lifetime}&X-Amz-Signature=00&Version=1"
    )
    return "bedrock-api-key-" + base64.b64encode(url.encode()).decode()


def test_bedrock_long_lived() -> None:
    proof = check("bedrock-api-key", bedrock(f"BedrockAPIKey-a1b2-at-123456789012:{'s3cr' * 10}"))
    assert proof.verdict is Verdict.VALID
    assert told(proof) == {"kind": "long-lived key", "account": "123456789012", "user": "BedrockAPIKey-a1b2"}


def test_bedrock_short_lived() -> None:
    proof = check("bedrock-api-key", short_lived("20250708T101112Z"))
    assert (proof.verdict, proof.severity) == (Verdict.VALID, Severity.LOW)
    assert told(proof) == {
        "kind": "short-lived key",
        "account": "000123456789",
        "region": "eu-west-1",
        "expiry": "expired 2025-07-08",
    }


@pytest.mark.parametrize(("date", "lifetime"), [("20251399T000000Z", "60"), ("today", "60"), ("20250708T101112Z", "x")])
def test_bedrock_without_a_date_tells_no_expiry(date: str, lifetime: str) -> None:
    proof = check("bedrock-api-key", short_lived(date, lifetime))
    assert proof.verdict is Verdict.VALID
    assert "expiry" not in told(proof)


@pytest.mark.parametrize(
    ("secret", "verdict"),
    [
        (bedrock(f"someone:{'s3cr' * 10}"), Verdict.UNKNOWN),
        (bedrock("no colon in all of this text"), Verdict.INVALID),
        (bedrock("\xff\xfe: random bytes"), Verdict.INVALID),
        ("ABSK" + "!" * 40, Verdict.INVALID),
        ("bedrock-api-key-" + base64.b64encode(b"example.com/?X-Amz-Date=1").decode(), Verdict.INVALID),
        ("bedrock-api-key-", Verdict.INVALID),
    ],
)
def test_bedrock_others(secret: str, verdict: Verdict) -> None:
    assert check("bedrock-api-key", secret).verdict is verdict


def test_azure_cask_tells_service_and_month() -> None:
    secret = "a" * 52 + "JQQJ99ALN5Z0000LZENeS003" + "NUGT" + "3OrW"
    assert told(check("azure-cask", secret)) == {
        "checksum": "Marvin32 matches",
        "service": "NuGet (NUGT)",
        "created": "2024-12",
    }


def test_azure_cask_with_another_checksum_is_unknown() -> None:
    proof = check("azure-cask", fake("azure-cask")[:-4] + "AAAA")
    assert proof.verdict is Verdict.UNKNOWN
    assert set(told(proof)) == {"service", "created"}


def test_azure_cask_hash_opens_nothing() -> None:
    assert check("azure-cask", fake("azure-cask").replace("JQQJ99", "JQQJ9H")).severity is Severity.INFO


def test_azure_cask_long_form() -> None:
    secret = fake("azure-cask")
    assert check("azure-cask", f"{secret}AA==").verdict is Verdict.UNKNOWN
    assert any(check("azure-cask", f"{secret}{a}{b}==").verdict is Verdict.VALID for a in ALPHABET for b in "AQgw")


ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@pytest.mark.parametrize(
    "secret",
    ["", "a" * 84, "a" * 52 + "JQQJ99AM" + "A" * 24, "a" * 52 + "JQQJ99AL" + "A" * 12 + "0000" + "1OrW" + "AAAA"],
)
def test_azure_cask_needs_its_shape(secret: str) -> None:
    assert check("azure-cask", secret).verdict is Verdict.INVALID


@pytest.mark.parametrize(
    ("secret", "verdict"),
    [
        ("a" * 33 + "AzCa" + "AAAAAA=", Verdict.UNKNOWN),  # + and / may have been replaced
        ("a" * 33 + "AZEG" + "AAAAAA=", Verdict.UNKNOWN),  # another seed in other versions
        ("a" * 33 + "+ASb" + "AAAAAA=", Verdict.INVALID),
        ("a" * 33 + "Nope" + "AAAAAA=", Verdict.UNKNOWN),
        ("", Verdict.INVALID),
        ("AAAA", Verdict.INVALID),
        ("not base64 at all", Verdict.INVALID),
    ],
)
def test_azure_identifiable_others(secret: str, verdict: Verdict) -> None:
    assert check("azure-identifiable", secret).verdict is verdict


SIGNATURE = base64.b64encode(bytes(range(200, 232))).decode()
ESCAPED = SIGNATURE.replace("+", "%2B").replace("/", "%2f").replace("=", "%3D")


@pytest.mark.parametrize(
    ("query", "want", "severity"),
    [
        (
            f"sv=2022-11-02&sp=rl&se=2021-03-04T00:00:00Z&sig={ESCAPED}",
            {"permissions": "rl", "expiry": "expired 2021-03-04"},
            Severity.LOW,
        ),
        (
            f"?se=2099-01-01T00%3A00%3A00Z&amp;sp=rwdlacx&amp;sig={ESCAPED}",
            {"permissions": "rwdlacx", "expiry": "expires 2099-01-01"},
            None,
        ),
        (
            f"SharedAccessSignature sr=acme.servicebus.windows.net&sig={ESCAPED}&se=1614816000&skn=Root",
            {"key": "Root", "expiry": "expired 2021-03-04"},
            Severity.LOW,
        ),
        (f"https://acme.blob.core.windows.net/c?si=policy&sig={SIGNATURE}", {"policy": "policy"}, None),
        (f"sig={ESCAPED}&se=tomorrow", {}, None),
    ],
)
def test_azure_sas(query: str, want: dict[str, str], severity: Severity | None) -> None:
    proof = check("azure-sas", query)
    assert (proof.verdict, told(proof), proof.severity) == (Verdict.VALID, want, severity)


@pytest.mark.parametrize(
    "query", ["", "se=2099-01-01", "sig=", "sig=AAAA&se=2099-01-01", "sig=<signature>", "design=AAAA"]
)
def test_azure_sas_needs_a_signature(query: str) -> None:
    assert check("azure-sas", query).verdict is Verdict.INVALID


def account(**changes: object) -> dict[str, object]:
    members: dict[str, object] = json.loads(fake("gcp-service-account"))
    return members | changes


def test_gcp_tells_whose_key_it_is() -> None:
    facts = told(check("gcp-service-account", json.dumps(account())))
    assert facts["project"] == account()["project_id"]
    assert facts["account"] == account()["client_email"]
    assert facts["key id"] == account()["private_key_id"]
    assert facts["algorithm"] == "RSA, 1024 bits"


@pytest.mark.parametrize(
    ("secret", "verdict"),
    [
        (json.dumps(account()), Verdict.VALID),
        (json.dumps(json.dumps(account()))[1:-1], Verdict.VALID),
        (json.dumps(account(private_key="\n" + str(account()["private_key"]))), Verdict.VALID),
        (repr(account()), Verdict.UNKNOWN),
        (fake("gcp-service-account")[:-20], Verdict.UNKNOWN),
        (fake("gcp-service-account")[:600], Verdict.UNKNOWN),
        (json.dumps(account(private_key=str(account()["private_key"])[:400])), Verdict.UNKNOWN),
        (json.dumps(account(type="authorized_user")), Verdict.INVALID),
        (json.dumps(account(private_key=None)), Verdict.INVALID),
        (
            json.dumps(account(private_key="-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n")),
            Verdict.INVALID,
        ),
        (fake("gcp-service-account")[:60], Verdict.INVALID),
        ("{}", Verdict.INVALID),
        ("[]", Verdict.INVALID),
        ("", Verdict.INVALID),
    ],
)
def test_gcp_verdict_is_that_on_the_key(secret: str, verdict: Verdict) -> None:
    assert check("gcp-service-account", secret).verdict is verdict
