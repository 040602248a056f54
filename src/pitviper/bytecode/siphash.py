"""SipHash: the keyed hash by which a `.pyc` names the source that it was compiled from (PEP 552).

Sources: Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012); CPython, Python/pyhash.c and
`_imp.source_hash`, where the key is the magic number. CPython hashes with two rounds a word and four at the end up to
3.10, and with one and three from 3.11 on.
"""

from __future__ import annotations

import struct

from pitviper.bytecode.code import Version

_MASK = (1 << 64) - 1
_START = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)
_END = 0xFF
_FEWER_ROUNDS = Version(3, 11)


def source_hash(source: bytes, magic: int, version: Version) -> bytes:
    """What the header of a `.pyc` with this magic number says if it was compiled from `source`."""
    key = struct.pack("<H2s4x", magic, b"\r\n")
    fewer = version.implementation == "cpython" and version >= _FEWER_ROUNDS
    rounds, last_rounds = (1, 3) if fewer else (2, 4)
    return siphash(key + bytes(8), source, rounds, last_rounds)


def siphash(key: bytes, data: bytes, rounds: int, last_rounds: int) -> bytes:
    """The hash of `data` under a `key` of sixteen bytes."""
    low, high = struct.unpack("<2Q", key)
    state = (low ^ _START[0], high ^ _START[1], low ^ _START[2], high ^ _START[3])
    whole = len(data) & ~7
    tail = int.from_bytes(data[whole:], "little") | (len(data) & 0xFF) << 56
    for (word,) in struct.iter_unpack("<Q", memoryview(data)[:whole]):
        state = _mixed(state, word, rounds)
    a, b, c, d = _mixed(state, tail, rounds)
    a, b, c, d = _rounds(a, b, c ^ _END, d, last_rounds)
    return (a ^ b ^ c ^ d).to_bytes(8, "little")


_State = tuple[int, int, int, int]


def _mixed(state: _State, word: int, rounds: int) -> _State:
    a, b, c, d = state
    a, b, c, d = _rounds(a, b, c, d ^ word, rounds)
    return a ^ word, b, c, d


def _rounds(a: int, b: int, c: int, d: int, rounds: int) -> _State:
    for _ in range(rounds):
        a = (a + b) & _MASK
        b = ((b << 13) & _MASK | b >> 51) ^ a
        a = (a << 32) & _MASK | a >> 32
        c = (c + d) & _MASK
        d = ((d << 16) & _MASK | d >> 48) ^ c
        a = (a + d) & _MASK
        d = ((d << 21) & _MASK | d >> 43) ^ a
        c = (c + b) & _MASK
        b = ((b << 17) & _MASK | b >> 47) ^ c
        c = (c << 32) & _MASK | c >> 32
    return a, b, c, d
