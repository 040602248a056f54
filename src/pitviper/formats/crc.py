"""Tokens that end in a CRC32 of the rest."""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random
from zlib import crc32

from pitviper.formats.interface import Proof, Verdict
from pitviper.model.finding import Evidence

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

_VALID = Proof(Verdict.VALID, (Evidence("checksum", "CRC32 matches"),))
_INVALID = Proof(Verdict.INVALID)
_ATLASSIAN_START = re.compile(r"AT(?:BB|ATT3|CTT3)")
_ATLASSIAN_RUN = re.compile(r"[\w=-]*\Z", re.ASCII)


def check_base62(secret: bytes, groups: Mapping[str, bytes]) -> Proof:
    """GitHub and npm: the last 6 characters are the CRC32 of the 30 before them, in base 62, padded with zeros.

    Source: "Behind GitHub's new authentication token formats", GitHub blog, 2021-04-05.
    """
    del groups
    return _decide(secret[-6:] == _base62(crc32(secret[-36:-6])).encode())


def make_base62(rng: Random, before: str) -> str:
    """The six characters that belong to the last 30 of `before`."""
    del rng
    return _base62(crc32(before[-30:].encode()))


def check_hex(secret: bytes, groups: Mapping[str, bytes]) -> Proof:
    """Cloudflare: the last 8 characters are the CRC32 of the 40 before them (the prefix left out), in lower-case hex.

    Source: Cloudflare, "Token formats" (developers.cloudflare.com/fundamentals/api/get-started/token-formats), which
    names the checksum; secretlint's rule for Cloudflare (MIT), which names the algorithm.
    """
    del groups
    return _decide(secret[-8:] == b"%08x" % crc32(secret[-48:-8]))


def make_hex(rng: Random, before: str) -> str:
    """The eight characters that belong to the last 40 of `before`."""
    del rng
    return f"{crc32(before[-40:].encode()):08x}"


def check_atlassian(secret: bytes, groups: Mapping[str, bytes]) -> Proof:
    """Atlassian and Bitbucket (`ATATT3`, `ATCTT3`, `ATBB`): the last 8 characters are the CRC32 of the rest, in hex.

    Atlassian writes the hex in upper case; either case passes. In a URL the `=` before the checksum may be escaped.

    Source: CredSweeper (MIT), `value_atlassian_token_check.py`.
    """
    del groups
    token = secret.replace(b"%3D", b"=").replace(b"%3d", b"=").replace(b"\\", b"")
    return _decide(token[-8:].upper() == b"%08X" % crc32(token[:-8]))


def make_atlassian(rng: Random, before: str) -> str:
    """The eight characters that belong to the token at the end of `before`."""
    del rng
    run = _ATLASSIAN_RUN.search(before)
    text = run[0] if run else ""
    start = _ATLASSIAN_START.search(text)
    return f"{crc32(text[start.start() if start else 0 :].encode()):08X}"


def check_grafana(secret: bytes, groups: Mapping[str, bytes]) -> Proof:
    """Grafana service accounts (`glsa_`): behind the second `_`, the CRC32 of all before it, little-endian, in hex.

    Source: grafana/grafana (AGPL; the facts only), `pkg/components/satokengen`; CredSweeper (MIT) agrees.
    """
    del groups
    body, _, checksum = secret.rpartition(b"_")
    return _decide(checksum == crc32(body).to_bytes(4, "little").hex().encode())


def make_grafana(rng: Random, before: str) -> str:
    """The eight characters that belong to the 37 before the `_` at the end of `before`."""
    del rng
    return crc32(before[-38:-1].encode()).to_bytes(4, "little").hex()


def _decide(matches: bool) -> Proof:  # noqa: FBT001 - the one fact that it turns into a proof
    return _VALID if matches else _INVALID


def _base62(number: int) -> str:
    digits = ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = BASE62[digit] + digits
    return digits
