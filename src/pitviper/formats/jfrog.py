"""JFrog: API keys in base 58, and reference tokens, which tell their expiry."""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random

from pitviper.formats.crc import BASE62
from pitviper.formats.encoding import base58_bytes, base64_bytes, to_base58, to_base64
from pitviper.formats.evidence import expiry
from pitviper.formats.interface import Proof, Verdict
from pitviper.model.finding import Evidence

_KEY_SIZE = 54  # bytes behind an API key
_KEY_START = "AKCp"
_REFERENCE = re.compile(rb"reftkn:\d{1,4}:(?P<expiry>\d{1,12}):[\w/+-]{16,128}", re.ASCII)
_REFERENCE_TEXT = 27  # characters of the token proper


def check_api_key(secret: bytes, groups: Mapping[str, bytes]) -> Proof:
    """`AKCp…` decodes from base 58 to 54 bytes. That is UNKNOWN, for nearly any text of this length does.

    Source: CredSweeper (MIT), `value_jfrog_token_check.py`, which has found no better check.
    """
    del groups
    return Proof(Verdict.UNKNOWN if len(base58_bytes(secret) or b"") == _KEY_SIZE else Verdict.INVALID)


def make_api_key(rng: Random, before: str) -> str:
    """A whole API key: 73 characters."""
    del before
    # Two numbers of 54 bytes between which all text starts with the prefix.
    low, high = (int.from_bytes(base58_bytes(_KEY_START.encode() + digit * 69) or b"", "big") for digit in (b"1", b"z"))
    return to_base58(rng.randrange(low, high).to_bytes(_KEY_SIZE, "big"))


def check_reference_token(secret: bytes, groups: Mapping[str, bytes]) -> Proof:
    """Base64 of `reftkn:<version>:<expiry>:<token>`; expiry in seconds since 1970, or 0. Expired is worth LOW.

    Source: CredSweeper (MIT), `value_jfrog_token_check.py`.
    """
    del groups
    shape = _REFERENCE.fullmatch(base64_bytes(secret) or b"")
    if shape is None:
        return Proof(Verdict.INVALID)
    epoch = int(shape["expiry"])
    if epoch == 0:
        return Proof(Verdict.VALID, (Evidence("expiry", "never expires"),))
    return Proof(Verdict.VALID, *expiry(epoch))


def make_reference_token(rng: Random, before: str) -> str:
    """A whole reference token that expires in the 2090s: 64 characters."""
    del before
    text = "".join(rng.choices(BASE62, k=_REFERENCE_TEXT))
    return to_base64(f"reftkn:01:{rng.randrange(3_800_000_000, 4_000_000_000)}:{text}".encode())
