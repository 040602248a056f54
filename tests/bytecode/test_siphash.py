"""The hash of sources, held against what interpreters say."""

from __future__ import annotations

import importlib.util

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitviper.bytecode.code import Version
from pitviper.bytecode.siphash import siphash, source_hash

MAGIC = int.from_bytes(importlib.util.MAGIC_NUMBER[:2], "little")
VERSION = Version(3, 11)


def test_vector() -> None:
    # of the paper's appendix A: the key 00..0f, the message 00..0e, SipHash-2-4
    assert siphash(bytes(range(16)), bytes(range(15)), 2, 4) == (0xA129CA6149BE45E5).to_bytes(8, "little")


@pytest.mark.parametrize(
    ("magic", "version", "told"),
    [
        (3394, Version(3, 7), "d1723e7c4adc3f1f"),
        (3413, Version(3, 8), "5beee8f4f1a8e594"),
        (3439, Version(3, 10), "e0fe90e097e8204a"),
        (3495, Version(3, 11), "f33abdc50816ac07"),
        (3571, Version(3, 13), "6fa38a80154e48e4"),
        (336, Version(3, 9, "pypy"), "6ee7161b80c130d9"),
    ],
)
def test_of_version(magic: int, version: Version, told: str) -> None:
    assert source_hash(b"hello world", magic, version).hex() == told


@given(st.binary(max_size=100))
def test_like_the_interpreter(source: bytes) -> None:
    assert source_hash(source, MAGIC, VERSION) == importlib.util.source_hash(source)
