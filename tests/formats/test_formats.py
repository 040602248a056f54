"""What holds for every format: fakes pass, damage is noticed, nothing raises, and evidence is fit to print."""

from __future__ import annotations

import pkgutil
import random
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pitviper.formats
from pitviper.formats import FORMATS
from pitviper.formats.interface import Verdict
from pitviper.rules.template import make

TEMPLATES = {
    "age-key": "{age-key}",
    "atlassian-crc32": "ATATT3{base64url:180}={atlassian-crc32}",
    "aws-access-key-id": "AKIA{aws-access-key-id}",
    "azure-cask": "{azure-cask}",
    "azure-identifiable": "{azure-identifiable}",
    "azure-identifiable-32": "{azure-identifiable-32}",
    "azure-sas": "{azure-sas}",
    "base64-json": "sntrys_{base64-json}_{base64:43}",
    "basic-auth": "{basic-auth}",
    "bedrock-api-key": "{bedrock-api-key}",
    "bitbucket-access-token": "{bitbucket-access-token}",
    "crc32-base62": "ghp_{base62:30}{crc32-base62}",
    "crc32-hex": "cfut_{base62:40}{crc32-hex}",
    "discord-bot": "{discord-bot}",
    "docker-auth": "{docker-auth}",
    "fernet-key": "{fernet-key}",
    "gcp-service-account": "{gcp-service-account}",
    "github-app-jwt": "ghs_{digits:6}_{github-app-jwt}",
    "gitlab-routable": "glpat-{gitlab-routable}",
    "grafana-crc32": "glsa_{base62:32}_{grafana-crc32}",
    "jfrog-api-key": "{jfrog-api-key}",
    "jfrog-reference-token": "{jfrog-reference-token}",
    "jwt": "{jwt}",
    "nkey": "{nkey}",
    "private-key": "{private-key}",
    "putty-key": "{putty-key}",
    "pypi-macaroon": "pypi-{pypi-macaroon}",
    "testpypi-macaroon": "pypi-{testpypi-macaroon}",
    "uuid": "{uuid}",
}
"""Name of a format → a template of a whole secret."""

PROVES_NOTHING = {"aws-access-key-id", "fernet-key", "jfrog-api-key", "uuid"}
"""Formats without a checksum or a structure of their own: the best verdict is UNKNOWN."""

CHECKSUMS = {
    "age-key": slice(16, None),
    "atlassian-crc32": slice(6, None),
    "azure-identifiable": slice(76),  # behind it stands the signature, without which nothing says which seed to use
    "crc32-base62": slice(4, None),
    "crc32-hex": slice(5, None),
    "grafana-crc32": slice(None),
    "nkey": slice(-1),  # the last character of base32 has bits to spare
}
"""Formats whose checksum finds any wrong character → where such a character may stand."""

HELPERS = {
    "der",
    "encoding",
    "evidence",
    "interface",
    "marvin",
    "octets",
    "openssh",
    "pgp",
    "pkcs",
    "placeholder",
    "published",
}
"""Modules of the room that are no formats but help them."""


@pytest.mark.parametrize("name", TEMPLATES)
def test_fakes_pass(name: str) -> None:
    want = Verdict.UNKNOWN if name in PROVES_NOTHING else Verdict.VALID
    for seed in range(100):
        secret = make(TEMPLATES[name], f"{name} {seed}")
        assert FORMATS[name].check(secret.encode(), {}).verdict is want, seed


@pytest.mark.parametrize("before", ['KEY="', "https://user:", "ghp_glpat-x ATATT3= ", "- \N{SNAKE} "])
@pytest.mark.parametrize("name", TEMPLATES)
def test_fakes_pass_whatever_stands_before_them(name: str, before: str) -> None:
    text = make(before + TEMPLATES[name], "surrounded")
    assert FORMATS[name].check(text[len(before) :].encode(), {}).verdict is not Verdict.INVALID


@pytest.mark.parametrize("name", TEMPLATES)
def test_fakes_differ(name: str) -> None:
    fakes = {make(TEMPLATES[name], str(seed)) for seed in range(20)}
    assert len(fakes) == 20


def test_every_maker_is_tried() -> None:
    assert {name for name, fmt in FORMATS.items() if fmt.make} == set(TEMPLATES)


@pytest.mark.parametrize("name", CHECKSUMS)
@given(data=st.data())
@settings(deadline=None, max_examples=60)
def test_one_wrong_character_is_invalid(name: str, data: st.DataObject) -> None:
    secret = make(TEMPLATES[name], data.draw(st.sampled_from("abcdefgh"), label="seed"))
    at = data.draw(st.sampled_from(range(len(secret))[CHECKSUMS[name]]), label="position")
    other = data.draw(st.sampled_from(sorted(set(secret[CHECKSUMS[name]]) - {secret[at]})), label="other")
    wrong = f"{secret[:at]}{other}{secret[at + 1 :]}"
    assert FORMATS[name].check(wrong.encode(), {}).verdict is Verdict.INVALID


@pytest.mark.parametrize("name", FORMATS)
@given(secret=st.binary(max_size=400))
@settings(deadline=None, max_examples=40)
def test_check_never_raises_on_bytes(name: str, secret: bytes) -> None:
    assert FORMATS[name].check(secret, {}).verdict in Verdict


@pytest.mark.parametrize("name", TEMPLATES)
@given(data=st.data())
@settings(deadline=None, max_examples=80)
def test_check_never_raises_on_damaged_fakes(name: str, data: st.DataObject) -> None:
    secret = bytearray(make(TEMPLATES[name], "damaged").encode())
    for _ in range(data.draw(st.integers(1, 3), label="wounds")):
        start = data.draw(st.integers(0, len(secret)), label="start")
        end = min(len(secret), start + data.draw(st.integers(0, 60), label="length"))
        secret[start:end] = data.draw(st.binary(max_size=12) | st.text("AZaz09+/=-_.:", max_size=12).map(str.encode))
    proof = FORMATS[name].check(bytes(secret), {})
    assert proof.verdict in Verdict
    assert all(evidence.text.isprintable() and len(evidence.text) <= 100 for evidence in proof.evidence)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "filler", [b"A", b"0", b"{", b'"  ', b"eyJ", b"\n", b"\xff", b".", b"-----BEGIN PRIVATE KEY-----"]
)
def test_check_is_bounded(name: str, filler: bytes) -> None:
    secret = filler * (32_768 // len(filler))
    prefix = TEMPLATES.get(name, "").partition("{")[0].encode()
    assert FORMATS[name].check(prefix + secret, {}).verdict in Verdict


@pytest.mark.parametrize("name", TEMPLATES)
def test_evidence_is_short_and_printable(name: str) -> None:
    for seed in range(20):
        for evidence in FORMATS[name].check(make(TEMPLATES[name], str(seed)).encode(), {}).evidence:
            assert evidence.name
            assert evidence.text.isprintable()
            assert 0 < len(evidence.text) <= 100


def test_every_module_is_in_the_table() -> None:
    modules = {module.name for module in pkgutil.iter_modules(pitviper.formats.__path__)}
    places = {side.args[0].partition(".")[0] for fmt in FORMATS.values() for side in (fmt.check, fmt.make) if side}  # type: ignore[union-attr]  # partial objects
    assert modules - HELPERS == places


def test_every_function_of_the_table_exists() -> None:
    rng = random.Random(1)
    for name, fmt in FORMATS.items():
        assert fmt.check(b"", {}).verdict in Verdict, name
        assert fmt.make is None or fmt.make(rng, ""), name


def test_the_room_opens_without_its_formats() -> None:
    """Compiling the patterns of all formats would cost every start of the program."""
    loaded = "import sys, pitviper.formats; print(*sorted(name for name in sys.modules if 'pitviper.formats.' in name))"
    process = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert process.stdout.split() == ["pitviper.formats.interface"]
