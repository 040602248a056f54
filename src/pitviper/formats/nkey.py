"""Seeds of NATS keys (NKEYS)."""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from random import Random

from pitviper.formats.encoding import base32_bytes, to_base32
from pitviper.formats.interface import Proof, Verdict
from pitviper.model.finding import Evidence

_SEED = 18 << 3
_KINDS = {
    0 << 3: "account",
    2 << 3: "cluster",
    13 << 3: "server",
    14 << 3: "operator",
    20 << 3: "user",
    23 << 3: "curve",
}
_SIZES = (36, 68)  # bytes: two of prefix, a seed (at first a whole key), two of checksum


def check(secret: bytes, groups: Mapping[str, bytes]) -> Proof:
    """Base32 of a prefix, the seed and a CRC16 (XMODEM, little-endian); evidence tells whose key it is.

    Source: nats-io/nkeys (Apache-2.0), `strkey.go`, `crc16.go`.
    """
    del groups
    data = base32_bytes(secret) or b""
    if len(data) not in _SIZES or data[0] & 0xF8 != _SEED:
        return Proof(Verdict.INVALID)
    kind = _KINDS.get((data[0] & 7) << 5 | data[1] >> 3)
    if kind is None or _checksum(data[:-2]) != data[-2:]:
        return Proof(Verdict.INVALID)
    return Proof(Verdict.VALID, (Evidence("checksum", "CRC16 matches"), Evidence("kind", f"{kind} seed")))


def make(rng: Random, before: str) -> str:
    """A whole seed of a user, an account or an operator: 58 characters."""
    del before
    kind = rng.choice((20 << 3, 0, 14 << 3))
    data = bytes([_SEED | kind >> 5, (kind & 31) << 3]) + rng.randbytes(32)
    return to_base32(data + _checksum(data))


def _checksum(data: bytes) -> bytes:
    return binascii.crc_hqx(data, 0).to_bytes(2, "little")
