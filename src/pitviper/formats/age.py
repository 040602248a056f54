"""Secret keys of age, the file encryption tool."""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random

from pitviper.formats.interface import Proof, Verdict
from pitviper.model.finding import Evidence

_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_SHAPE = re.compile(rb"(?P<name>AGE-SECRET-KEY-(?:PQ-)?)1(?P<data>[AC-HJ-NP-Z02-9]{58})")
_CHECKSUM = 6  # characters


def check(secret: bytes, groups: Mapping[str, bytes]) -> Proof:
    """`AGE-SECRET-KEY-1` and 32 bytes in Bech32, whose checksum must match.

    The specification's sample, a key of 32 equal bytes, is INVALID.

    Source: BIP 173; the age specification (age-encryption.org/v1), "X25519 recipient stanza".
    """
    del groups
    shape = _SHAPE.fullmatch(secret)
    if shape is None:
        return Proof(Verdict.INVALID)
    values = [_ALPHABET.index(char) for char in shape["data"].decode().lower()]
    if _polymod(_expanded(shape["name"].decode().lower()) + values) != 1 or len(set(_bytes(values))) == 1:
        return Proof(Verdict.INVALID)
    return Proof(Verdict.VALID, (Evidence("checksum", "Bech32 matches"),))


def make(rng: Random, before: str) -> str:
    """A whole key: 74 characters."""
    del before
    return encoded("AGE-SECRET-KEY-", rng.randbytes(32))


def encoded(name: str, data: bytes) -> str:
    """`data` in Bech32 behind `name`, upper case."""
    spare = -8 * len(data) % 5
    number = int.from_bytes(data, "big") << spare
    values = [number >> 5 * at & 31 for at in reversed(range((8 * len(data) + spare) // 5))]
    check_bits = _polymod(_expanded(name.lower()) + values + [0] * _CHECKSUM) ^ 1
    values += [check_bits >> 5 * at & 31 for at in reversed(range(_CHECKSUM))]
    return f"{name}1{''.join(_ALPHABET[value] for value in values)}".upper()


def _expanded(name: str) -> list[int]:
    return [ord(char) >> 5 for char in name] + [0] + [ord(char) & 31 for char in name]


def _polymod(values: list[int]) -> int:
    state = 1
    for value in values:
        top = state >> 25
        state = (state & 0x1FF_FFFF) << 5 ^ value
        for at, term in enumerate(_GENERATOR):
            if top >> at & 1:
                state ^= term
    return state


def _bytes(values: list[int]) -> bytes:
    """The 32 bytes before the checksum; the last character has 4 bits to spare."""
    number = 0
    for value in values[:-_CHECKSUM]:
        number = number << 5 | value
    return (number >> 4).to_bytes(33, "big")[1:]
