"""Secrets in the shape of a UUID."""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random
from uuid import UUID

from pitviper.formats.interface import Proof, Verdict

_SHAPE = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_SAMPLES = frozenset(
    {
        b"123e4567e89b12d3a456426614174000",  # Wikipedia
        b"123e4567e89b12d3a456426655440000",  # Wikipedia, before 2020
        b"550e8400e29b41d4a716446655440000",  # Java's documentation, and half the web
        b"f81d4fae7dec11d0a76500a0c91e6bf6",  # RFC 4122 and 9562
        b"6ba7b8109dad11d180b400c04fd430c8",  # RFC 9562, namespaces, and three more
        b"6ba7b8119dad11d180b400c04fd430c8",
        b"6ba7b8129dad11d180b400c04fd430c8",
        b"6ba7b8149dad11d180b400c04fd430c8",
    }
)
_FEWEST = 8  # different digits; of 30 random ones there are about 14
_SEQUENCES = b"0123456789abcdef0123456789", b"9876543210fedcba9876543210"
_RUN = 8  # digits of a sequence: random ones hold one in five million


def check(secret: bytes, groups: Mapping[str, bytes]) -> Proof:
    """A version and a variant that exist (RFC 9562), no sample, and no pattern; UNKNOWN, for a UUID proves nothing."""
    del groups
    text = secret.lower()
    if not _SHAPE.fullmatch(text):
        return Proof(Verdict.INVALID)
    digits = text.replace(b"-", b"")
    patterned = len(set(digits)) < _FEWEST or any(
        digits[at : at + _RUN] in sequence for at in range(len(digits) - _RUN + 1) for sequence in _SEQUENCES
    )
    return Proof(Verdict.INVALID if patterned or digits in _SAMPLES else Verdict.UNKNOWN)


def make(rng: Random, before: str) -> str:
    """A random UUID, version 4."""
    del before
    return str(UUID(int=rng.getrandbits(128), version=4))
