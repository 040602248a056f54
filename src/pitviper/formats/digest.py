"""Hex text that is no secret: digests of nothing in particular."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from pitviper.formats.interface import Proof, Verdict

_WORDS = (
    b"", b"\n", b"0", b"1", b"123", b"1234", b"12345", b"123456", b"12345678", b"123456789", b"abc", b"abc123",
    b"admin", b"bar", b"changeme", b"example", b"foo", b"foobar", b"Hello World", b"hello", b"hello world", b"letmein",
    b"null", b"pass", b"password", b"Password", b"password1", b"qwerty", b"root", b"secret", b"test", b"test123",
    b"token", b"user",
)  # fmt: skip
_HEX = re.compile(rb"[0-9a-f]{8,512}")
_PERIODS = (1, 2, 4, 8, 16)
_SEQUENCES = b"0123456789abcdef" * 33, b"fedcba9876543210" * 33, b"1234567890" * 53, b"0987654321" * 53


def check(secret: bytes, groups: Mapping[str, bytes]) -> Proof:
    """INVALID for hex that repeats after at most 16 digits, counts up or down, or is a digest of a common word.

    Digests are MD5, SHA-1 and SHA-256; the words are the empty string and those that examples are made of. All other
    text is UNKNOWN.
    """
    del groups
    text = secret.lower()
    if _HEX.fullmatch(text) and (_repeats(text) or any(text in line for line in _SEQUENCES) or text in _digests()):
        return Proof(Verdict.INVALID)
    return Proof(Verdict.UNKNOWN)


def _repeats(text: bytes) -> bool:
    return any(len(text) >= 2 * period and text[period:] == text[:-period] for period in _PERIODS)


@cache
def _digests() -> frozenset[bytes]:
    import hashlib  # noqa: PLC0415 - loads OpenSSL, which most scans never need

    hashes = (hashlib.md5, hashlib.sha1, hashlib.sha256)
    return frozenset(make(word, usedforsecurity=False).hexdigest().encode() for make in hashes for word in _WORDS)
