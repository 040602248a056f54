"""Marvin32, the checksum in Microsoft's keys."""

from __future__ import annotations

_MASK = 0xFFFF_FFFF


def marvin32(data: bytes, seed: int) -> bytes:
    """The 4 bytes (little-endian) of Marvin32 over `data` with a 64-bit `seed`: both halves of the hash, xored.

    Source: dotnet/runtime (MIT), `Marvin.cs`; microsoft/security-utilities (MIT) for the fold to 32 bits.
    """
    folded = marvin64(data, seed)
    return (folded >> 32 ^ folded & _MASK).to_bytes(4, "little")


def marvin64(data: bytes, seed: int) -> int:
    """The 64-bit hash, which the published test vectors give."""
    low, high = seed & _MASK, seed >> 32
    padded = data + b"\x80"
    padded += bytes(-len(padded) % 4)
    for at in range(0, len(padded), 4):
        low, high = _mixed(low + int.from_bytes(padded[at : at + 4], "little") & _MASK, high)
    low, high = _mixed(low, high)
    return high << 32 | low


def _mixed(low: int, high: int) -> tuple[int, int]:
    high ^= low
    low = _turned(low, 20) + high & _MASK
    high = _turned(high, 9) ^ low
    low = _turned(low, 27) + high & _MASK
    return low, _turned(high, 19)


def _turned(number: int, by: int) -> int:
    return (number << by | number >> 32 - by) & _MASK
