"""Macaroons of the package index and of its test index."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any

import pytest

from pitviper.formats import FORMATS
from pitviper.formats.interface import Proof, Verdict
from pitviper.model.finding import Severity

INDEX = "pypi" + ".org"
TEST_INDEX = "test." + INDEX
UUID = b"01234567-89ab-4def-8123-456789abcdef"
SIGNATURE = bytes(range(32))
USER = [3, "6a0fb0a5-13d6-4a5b-9f6c-1d4e5b8f7a21"]


def field(kind: int, content: bytes) -> bytes:
    size = len(content)
    length = bytes([size]) if size < 128 else bytes([size & 0x7F | 0x80, size >> 7])
    return bytes([kind]) + length + content


def packed(
    *caveats: object, host: str = INDEX, identifier: bytes = UUID, signature: bytes = SIGNATURE, version: int = 2
) -> bytes:
    data = bytes([version]) + field(1, host.encode()) + field(2, identifier) + b"\0"
    for caveat in caveats:
        data += field(2, caveat if isinstance(caveat, bytes) else json.dumps(caveat).encode()) + b"\0"
    return data + b"\0" + field(6, signature)


def check(data: bytes) -> Proof:
    text = base64.urlsafe_b64encode(data).rstrip(b"=")
    return FORMATS["pypi-macaroon"].check(b"pypi-" + text, {})


def told(proof: Proof) -> dict[str, str]:
    return {evidence.name: evidence.text for evidence in proof.evidence}


@pytest.mark.parametrize(
    ("caveats", "scope", "severity"),
    [
        ([USER], "the whole account", Severity.CRITICAL),
        ([{"version": 1, "permissions": "user"}], "the whole account", Severity.CRITICAL),
        ([[1, ["acme", "acme-cli"]], USER], "project acme, acme-cli", Severity.HIGH),
        ([{"version": 1, "permissions": {"projects": ["acme"]}}], "project acme", Severity.HIGH),
        ([[2, ["0f3a"]], USER], "some projects, by id", Severity.HIGH),
        ([{"project_ids": ["0f3a"]}], "some projects, by id", Severity.HIGH),
        ([[4, "0f3a"]], "projects of a trusted publisher", Severity.HIGH),
        ([[99, {}], b"\xff no JSON", [], 5, USER], "the whole account", Severity.CRITICAL),
    ],
)
def test_scope_decides_the_severity(caveats: Iterable[Any], scope: str, severity: Severity) -> None:
    proof = check(packed(*caveats))
    assert proof.verdict is Verdict.VALID
    assert told(proof) == {"host": INDEX, "scope": scope}
    assert proof.severity is severity


@pytest.mark.parametrize("caveat", [[0, 1_600_000_000, 1_500_000_000], {"exp": 1_600_000_000, "nbf": 1_500_000_000}])
def test_expired_is_worth_little(caveat: object) -> None:
    proof = check(packed(caveat, USER))
    assert told(proof)["expiry"] == "expired 2020-09-13"
    assert proof.severity is Severity.LOW


def test_not_yet_expired_is_worth_as_much_as_ever() -> None:
    proof = check(packed([0, 4_000_000_000, 0], USER))
    assert told(proof)["expiry"] == "expires 2096-10-02"
    assert proof.severity is Severity.CRITICAL


def test_the_test_index_leaves_severity_to_the_rule() -> None:
    proof = check(packed(USER, host=TEST_INDEX))
    assert told(proof)["host"] == TEST_INDEX
    assert proof.severity is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        packed(USER, version=1),
        packed(USER, host="example.com"),
        packed(USER, host="pypi.example"),
        packed(USER, identifier=b"123foo"),
        packed(USER, signature=SIGNATURE[:31]),
        packed(USER)[:-34] + field(5, SIGNATURE),
        b"\x02" + field(2, UUID) + field(1, INDEX.encode()) + b"\0\0" + field(6, SIGNATURE),
        packed(*[USER] * 65),
        b"\x02\x01\xff\xff\xff\xff" + b"A" * 80,
    ],
)
def test_other_structures_are_invalid(data: bytes) -> None:
    assert check(data).verdict is Verdict.INVALID


def test_a_cut_token_is_never_valid() -> None:
    secret = b"pypi-" + base64.urlsafe_b64encode(packed([1, ["acme"]], USER)).rstrip(b"=")
    head = 5 + 4 * (1 + 2 + len(INDEX) + 2 + len(UUID) + 1) // 3 + 2
    for size in range(len(secret)):
        verdict = FORMATS["pypi-macaroon"].check(secret[:size], {}).verdict
        assert verdict is (Verdict.UNKNOWN if size >= head else Verdict.INVALID) or abs(size - head) < 3, size


def test_a_cut_token_tells_its_host_but_no_scope() -> None:
    proof = check(packed(USER)[:-20])
    assert (proof.verdict, told(proof), proof.severity) == (Verdict.UNKNOWN, {"host": INDEX}, None)


def test_text_behind_the_signature_leaves_doubt() -> None:
    assert check(packed(USER) + b"abc").verdict is Verdict.UNKNOWN


def test_names_of_projects_are_fit_to_print() -> None:
    scope = told(check(packed([1, ["a\x1b[31m\u202eb", "x" * 500]])))["scope"]
    assert scope.isprintable()
    assert len(scope) <= 100
