"""GitLab's routable tokens, which say whom they belong to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random
from zlib import crc32

from pitviper.formats.encoding import base36_number, base64_bytes, to_base36, to_base64url
from pitviper.formats.evidence import fact
from pitviper.formats.interface import Proof, Verdict
from pitviper.model.finding import Evidence

_SHAPE = re.compile(
    rb"(?P<body>[\w-]{27,340})(?P<version>\.01)?\.(?P<length>[0-9a-z]{2})(?P<checksum>[0-9a-z]{7})", re.ASCII
)
_PREFIX = re.compile(rb"[\w-]{0,40}gl[a-z]{2,10}-(?:t\d_)?", re.ASCII)
_PREFIX_AT_END = re.compile(r"gl[a-z]{2,10}-(?:t\d_)?\Z", re.ASCII)
_ROUTE = re.compile(rb"(?P<key>[cgoptu]):(?P<value>[0-9a-z]{1,16})")
_OWNERS = {b"c": "cell", b"o": "organisation", b"g": "group", b"p": "project", b"t": "type", b"u": "user"}
_RANDOM = 16  # bytes of randomness in every token


def check(secret: bytes, groups: Mapping[str, bytes]) -> Proof:
    """`<prefix><payload>[.01].<length><checksum>`: lengths, routing text and CRC32; evidence names who it belongs to.

    The payload in base64url holds 16 random bytes and lines such as `o:1` and `u:2s` (ids in base 36); `length` is its
    length in 2 digits of base 36, `checksum` the CRC32 of all before it in 7. An administrator may have put the name of
    the instance before the prefix; it counts in the CRC32 but is no part of the match, so that a token with the right
    structure and another CRC32 stays UNKNOWN.

    Source: gitlabhq/gitlabhq (MIT), `lib/authn/token_field/generator/routable_token.rb`, both of its layouts.
    """
    del groups
    shape = _SHAPE.fullmatch(secret)
    size = base36_number(shape["length"]) if shape else None
    if shape is None or size is None or not _PREFIX.fullmatch(shape["body"][:-size]):
        return Proof(Verdict.INVALID)
    routes = _routes(base64_bytes(shape["body"][-size:]) or b"", versioned=shape["version"] is not None)
    if not routes:
        return Proof(Verdict.INVALID)
    owner = fact("belongs to", ", ".join(f"{_OWNERS[key]} {number}" for key, number in routes.items()))
    if base36_number(shape["checksum"]) != crc32(secret[:-7]):
        return Proof(Verdict.UNKNOWN, (owner,))
    return Proof(Verdict.VALID, (Evidence("checksum", "CRC32 matches"), owner))


def make(rng: Random, before: str) -> str:
    """Payload, version, length and checksum that belong to the prefix at the end of `before`."""
    routes = f"o:1\nu:{to_base36(rng.randrange(36**4), 1)}".encode()
    payload = to_base64url(rng.randbytes(_RANDOM) + routes + bytes([len(routes)]))
    rest = f"{payload}.01.{to_base36(len(payload), 2)}"
    prefix = _PREFIX_AT_END.search(before)
    return rest + to_base36(crc32(f"{prefix[0] if prefix else ''}{rest}".encode()), 7)


def _routes(payload: bytes, *, versioned: bool) -> dict[bytes, int]:
    """Who the token belongs to, by GitLab's one-letter keys; empty where the payload is none of GitLab's."""
    if len(payload) <= _RANDOM:
        return {}
    text = payload[_RANDOM:-1] if versioned else payload[: -_RANDOM - 1]
    if payload[-1] != (len(text) if versioned else _RANDOM):
        return {}
    lines = [_ROUTE.fullmatch(line) for line in text.split(b"\n")]
    return {line["key"]: int(line["value"], 36) for line in lines if line} if all(lines) else {}
