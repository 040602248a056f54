"""Checksums and encodings against vectors that others published."""

from __future__ import annotations

import pytest

from pitviper.formats import FORMATS, age
from pitviper.formats.encoding import (
    base32_bytes,
    base36_number,
    base58_bytes,
    base64_bytes,
    to_base32,
    to_base36,
    to_base58,
    to_base62,
    to_base64,
    to_base64url,
)
from pitviper.formats.interface import Verdict
from pitviper.formats.marvin import marvin32, marvin64

A33, A52, A76 = "a" * 33, "a" * 52, "a" * 76

VECTORS = [
    # GitHub blog, 2021-04-05, and CredSweeper: the checksum of a public example.
    ("crc32-base62", ("ghp_", "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ", "0mLq17")),
    # secretlint, rule for Cloudflare, snapshot ng.secret.
    ("crc32-hex", ("cfut_", "aAbBcCdDeEfFgGhHiIjJkKlLmMnNoOpPqQrRsStT", "03fa099b")),
    ("crc32-hex", ("cfk_", "aAbBcCdDeEfFgGhHiIjJkKlLmMnNoOpPqQrRsStT", "03fa099b")),
    # grafana/grafana, pkg/components/satokengen/tokengen_test.go.
    ("grafana-crc32", ("glsa_", "iNValIdinValiDinvalidinvalidinva", "_5b582697")),
    # CredSweeper, tests/filters/test_value_grafana_service_check.py.
    ("grafana-crc32", ("glsa_", "DuMmY-T0K3N-f0R-tHe-Te5t-CRC32Ok", "_770c8cda")),
    # microsoft/security-utilities, src/security_utilities_rust, identifiable_scans.rs.
    ("azure-identifiable", (A33, "+ARm", "D7h+qo=")),
    ("azure-identifiable", (A33, "+AEh", "G2s/8w=")),
    ("azure-identifiable", (A33, "+ASb", "HpHeAI=")),
    ("azure-identifiable", (A33, "AIoT", "Oumzco=")),
    ("azure-identifiable", (A76, "+ASt", "5mnCaw==")),
    ("azure-identifiable", (A76, "ACDb", "OpqrYA==")),
    ("azure-identifiable", (A76, "+ABa", "13FZVQ==")),
    ("azure-identifiable", (A76, "APIM", "HbKhsQ==")),
    ("azure-identifiable", ("d" * 44, "AzFu", "182vhA")),
    # NuGet/NuGetGallery, ApiKeyV5Facts.cs.
    ("azure-cask", (A52, "JQQJ99ALN5Z0000LZENeS003", "NUGT", "3OrW")),
]


@pytest.mark.parametrize(("name", "pieces"), VECTORS)
def test_public_vectors_are_valid(name: str, pieces: tuple[str, ...]) -> None:
    assert FORMATS[name].check("".join(pieces).encode(), {}).verdict is Verdict.VALID


@pytest.mark.parametrize(("name", "pieces"), VECTORS)
def test_public_vectors_with_another_checksum_are_not(name: str, pieces: tuple[str, ...]) -> None:
    secret = "".join(pieces).rstrip("=")
    wrong = f"{secret[:-2]}{'1' if secret[-2] != '1' else '2'}{secret[-1]}"
    assert FORMATS[name].check(wrong.encode(), {}).verdict is not Verdict.VALID


@pytest.mark.parametrize(
    ("seed", "text", "want"),
    [
        # SymCrypt, lib/marvin32.c, by way of microsoft/security-utilities, MarvinTests.cs.
        (0xD53CD9CECD0893B7, b"abc", 0x22C74339492769BF),
        (0xDDDDEEEEFFFF000, b"abcdefghijklmnopqrstuvwxyz", 0xA128EB7E7260ACA2),
        # MarvinShared.cs: all lengths modulo 4.
        (0x004FB61A001BDBCC, b"", 0x30ED35C100CD3C7D),
        (0x004FB61A001BDBCC, b"\xaf", 0x48E73FC77D75DDC1),
        (0x004FB61A001BDBCC, b"\xe7\x0f", 0xB5F6E1FC485DBFF8),
        (0x004FB61A001BDBCC, b"\x37\xf4\x95", 0xF0B07C789B8CF7E8),
        (0x004FB61A001BDBCC, b"\x86\x42\xdc\x59", 0x7008F2E87E9CF556),
        (0x804FB61A801BDBCC, b"\x00\xff\x00\xff\x00\xff\x00", 0x71876F2EFB1B0EE8),
    ],
)
def test_marvin(seed: int, text: bytes, want: int) -> None:
    assert marvin64(text, seed) == want
    assert marvin32(text, seed) == ((want >> 32) ^ (want & 0xFFFFFFFF)).to_bytes(4, "little")


def test_age_encodes_as_its_specification() -> None:
    key = age.encoded("AGE-SECRET-KEY-", b"\x42" * 32)
    assert key == "AGE-SECRET-KEY-" + "1" + "GFPYYSJZ" * 6 + "GFP" + "Q4EGAEX"
    assert FORMATS["age-key"].check(key.encode(), {}).verdict is Verdict.INVALID  # the specification's own sample


def test_aws_account_as_published() -> None:
    """Tal Be'ery, "A short note on AWS KEY ID"."""
    proof = FORMATS["aws-access-key-id"].check(b"ASIA" + b"QNZGKIQY56JQ" + b"7WML", {})
    assert [(evidence.name, evidence.text) for evidence in proof.evidence] == [
        ("kind", "temporary access key"),
        ("account", "029608264753"),
    ]


@pytest.mark.parametrize(("text", "data"), [(b"MY", b"f"), (b"MZXW6", b"foo"), (b"MZXW6YTBOI", b"foobar")])
def test_base32_as_in_rfc_4648(text: bytes, data: bytes) -> None:
    assert base32_bytes(text) == data
    assert to_base32(data).encode() == text


def test_base58_as_in_its_draft() -> None:
    """draft-msporny-base58."""
    assert base58_bytes(b"2NEpo7TZRRrLZSi2U") == b"Hello World!"
    assert to_base58(b"Hello World!") == "2NEpo7TZRRrLZSi2U"
    assert base58_bytes(b"11233QC4") == b"\0\0\x28\x7f\xb4\xcd"
    assert to_base58(b"\0\0\x28\x7f\xb4\xcd") == "11233QC4"


@pytest.mark.parametrize("text", [b"", b"0OIl", b"z" * 129, b"a\xff"])
def test_base58_refuses(text: bytes) -> None:
    assert base58_bytes(text) is None


@pytest.mark.parametrize("text", [b"-_A", b"+/A=", b"-_A=", b"+/A"])
def test_base64_in_both_alphabets(text: bytes) -> None:
    assert base64_bytes(text) == b"\xfb\xf0"


@pytest.mark.parametrize("text", [b"", b"=", b"A", b"AB CD", b"A=BC", b"AB\nCD", b"\xffBCD", b"ABCDE"])
def test_base64_refuses(text: bytes) -> None:
    assert base64_bytes(text) is None


def test_base64_writes_both_alphabets() -> None:
    assert (to_base64(b"\xfb\xf0"), to_base64url(b"\xfb\xf0")) == ("+/A=", "-_A")


@pytest.mark.parametrize("text", [b"", b"-1", b"+1", b"1_0", b" 1", b"Z", b"0" * 33])
def test_base36_refuses_what_python_would_read(text: bytes) -> None:
    assert base36_number(text) is None


@pytest.mark.parametrize("number", [1, 35, 36, 61, 62, 2**32 - 1])
def test_numbers_come_back(number: int) -> None:
    assert base36_number(to_base36(number, 7).encode()) == number
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    digits = to_base62(number)
    assert sum(alphabet.index(digit) * 62**at for at, digit in enumerate(reversed(digits))) == number
