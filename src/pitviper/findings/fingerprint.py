"""The `id` of a finding: the same secret under the same rule, wherever it lies."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b, scrypt

_SHORT = 24
_SIZE = 16


@lru_cache(maxsize=4096)
def fingerprint(rule: str, secret: bytes) -> str:
    """32 hexadecimal digits that stand for `secret` under `rule`, and do not betray it.

    Reports are published, so it must not be cheap to try a dictionary of passwords against an `id`. A secret of at
    least 24 bytes is beyond guessing; a shorter one goes through scrypt with 256 KiB of memory (about 1 ms: a file of
    nothing but passwords must not take minutes).
    """
    if len(secret) < _SHORT:
        secret = scrypt(secret, salt=b"pitviper.fingerprint/1:" + rule.encode(), n=256, r=8, p=1, dklen=32)
    return blake2b(secret, key=rule.encode()[:64], person=b"pitviper/1", digest_size=_SIZE).hexdigest()
