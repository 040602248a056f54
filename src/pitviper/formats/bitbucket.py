"""HTTP access tokens of Bitbucket Data Center."""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random

from pitviper.formats.encoding import base64_bytes, to_base64
from pitviper.formats.interface import Proof, Verdict
from pitviper.model.finding import Evidence

_PREFIX = b"BBDC-"
_SHAPE = re.compile(rb"(?P<id>[1-9]\d{0,19}):(?P<secret>.{16,64})", re.DOTALL)
_SIZE = 20  # bytes of the secret


def check(secret: bytes, groups: Mapping[str, bytes]) -> Proof:
    """`BBDC-` and base64 of `<number>:<random bytes>`. INVALID where it decodes to anything else, or to plain text.

    Source: CredSweeper (MIT), `value_atlassian_token_check.py`.
    """
    del groups
    shape = _SHAPE.fullmatch(base64_bytes(secret.removeprefix(_PREFIX)) or b"")
    if shape is None or shape["secret"].isascii():
        return Proof(Verdict.INVALID)
    return Proof(Verdict.VALID, (Evidence("token id", shape["id"].decode()),))


def make(rng: Random, before: str) -> str:
    """A whole token: 49 characters, the base64 without `+` and `/`."""
    del before
    while True:
        data = rng.randbytes(_SIZE)
        text = to_base64(f"{rng.randrange(10**11, 10**12)}:".encode() + data)
        if text.isalnum() and not data.isascii():
            return _PREFIX.decode() + text
