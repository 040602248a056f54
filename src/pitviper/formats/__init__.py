"""What a token says about itself: checksums and structures, checked offline.

Each format is one noun in one module with two sides: `check` decides on a candidate, `make` builds a fake that passes,
for the examples of rules (so that no token stands in the repository). Rules refer to a format by its name in `FORMATS`,
in `validators` and in templates alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from importlib import import_module
from random import Random
from typing import Any

from pitviper.formats.interface import Format, Proof


def _format(check: str, make: str = "") -> Format:
    """The format whose sides are these functions, given as `module.function`.

    A module is imported when one of its functions is first called: a scan needs two or three of them, and compiling the
    patterns of all would cost every start 10 ms and more.
    """
    return Format(partial(_check, check), partial(_make, make) if make else None)


def _check(place: str, secret: bytes, groups: Mapping[str, bytes]) -> Proof:
    proof: Proof = _function(place)(secret, groups)
    return proof


def _make(place: str, rng: Random, before: str) -> str:
    text: str = _function(place)(rng, before)
    return text


@cache
def _function(place: str) -> Any:
    module, _, name = place.partition(".")
    return getattr(import_module(f"{__name__}.{module}"), name)


FORMATS: dict[str, Format] = {
    "age-key": _format("age.check", "age.make"),
    "atlassian-crc32": _format("crc.check_atlassian", "crc.make_atlassian"),
    "aws-access-key-id": _format("aws.check_key_id", "aws.make_key_id"),
    "azure-cask": _format("azure.check_cask", "azure.make_cask"),
    "azure-identifiable": _format("azure.check_identifiable", "azure.make_identifiable"),
    "azure-identifiable-32": _format("azure.check_identifiable", "azure.make_identifiable_32"),
    "azure-sas": _format("sas.check", "sas.make"),
    "base64-json": _format("base64_json.check", "base64_json.make"),
    "basic-auth": _format("basic_auth.check", "basic_auth.make"),
    "bedrock-api-key": _format("aws.check_bedrock", "aws.make_bedrock"),
    "bitbucket-access-token": _format("bitbucket.check", "bitbucket.make"),
    "crc32-base62": _format("crc.check_base62", "crc.make_base62"),
    "crc32-hex": _format("crc.check_hex", "crc.make_hex"),
    "discord-bot": _format("discord.check", "discord.make"),
    "docker-auth": _format("basic_auth.check", "basic_auth.make"),
    "fernet-key": _format("fernet.check", "fernet.make"),
    "gcp-service-account": _format("service_account.check", "service_account.make"),
    "github-app-jwt": _format("jwt.check_github_app", "jwt.make_github_app"),
    "generic-random-secret": _format("generic.check_random"),
    "generic-secret": _format("generic.check"),
    "gitlab-routable": _format("gitlab.check", "gitlab.make"),
    "grafana-crc32": _format("crc.check_grafana", "crc.make_grafana"),
    "hex-digest-free": _format("digest.check"),
    "jfrog-api-key": _format("jfrog.check_api_key", "jfrog.make_api_key"),
    "jfrog-reference-token": _format("jfrog.check_reference_token", "jfrog.make_reference_token"),
    "jwt": _format("jwt.check", "jwt.make"),
    "nkey": _format("nkey.check", "nkey.make"),
    "private-key": _format("pem.check", "pem.make"),
    "putty-key": _format("putty.check", "putty.make"),
    "pypi-macaroon": _format("macaroon.check", "macaroon.make"),
    "stripe-mode": _format("stripe.check"),
    "testpypi-macaroon": _format("macaroon.check", "macaroon.make_test"),
    "url-credentials": _format("url.check"),
    "uuid": _format("uuids.check", "uuids.make"),
}
"""Name → format: the one list of them."""
