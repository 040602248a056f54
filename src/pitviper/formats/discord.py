"""Discord bot tokens, which hold the id of their application."""

from __future__ import annotations

import time
from collections.abc import Mapping
from random import Random

from pitviper.formats.encoding import base64_bytes, to_base64url
from pitviper.formats.evidence import date
from pitviper.formats.interface import Proof, Verdict
from pitviper.model.finding import Evidence

_PARTS = 3
_DIGITS = range(16, 21)
_EPOCH = 1_420_070_400  # 2015-01-01 in seconds, where Discord's ids begin
_DAY = 86_400
_ID_SHIFT = 22  # bits of an id below its milliseconds


def check(secret: bytes, groups: Mapping[str, bytes]) -> Proof:
    """Three parts of base64url with dots between; the first is an id in digits, which tells the application's age.

    INVALID where the first part is no such id, or one from the future. There is no checksum, but few texts decode to
    digits.

    Source: Discord, "API reference", "Snowflakes"; CredSweeper (MIT), `value_discord_bot_check.py`.
    """
    del groups
    parts = secret.split(b".")
    digits = base64_bytes(parts[0]) or b""
    if len(parts) != _PARTS or not digits.isdigit() or len(digits) not in _DIGITS:
        return Proof(Verdict.INVALID)
    created = (int(digits) >> _ID_SHIFT) / 1000 + _EPOCH
    if created > time.time() + _DAY or not all(base64_bytes(part) for part in parts):
        return Proof(Verdict.INVALID)
    facts = (Evidence("application", digits.decode()), Evidence("created", date(created)))
    return Proof(Verdict.VALID, facts)


def make(rng: Random, before: str) -> str:
    """A whole token, of an application made between 2016 and 2022."""
    del before
    created = rng.randrange(365, 365 * 7) * _DAY * 1000
    number = str(created << _ID_SHIFT | rng.getrandbits(_ID_SHIFT))
    return ".".join(map(to_base64url, (number.encode(), rng.randbytes(4), rng.randbytes(28))))
