"""Zip archives that are encrypted with AES: one that another program wrote, and ours, made block by block."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import struct
import zlib
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from pitviper.model.gap import Gap
from pitviper.unpack.interface import Options

ContentOf = Callable[..., tuple[dict[str, bytes], list[Gap]]]
Told = Callable[..., list[tuple[str, str]]]

TEXT = b"some text that packs well, well, well " * 30
FITS = Options(archive_password=("wrong", "wrong too", "pässword"))

OF_PYZIPPER = base64.b64decode(
    "UEsDBBQAAQBjAIgseV0AAAAANgAAACUAAAABAAsAYQGZBwACAEFFAwgAFWcEl0WRJGDg+ygaCmWUGsxM3wLyvhHseS/bXVr8eNVcZthy9F5FmGGB"
    "xSWXdrya972VjE5TUEsBAhQDFAABAGMAiCx5XQAAAAA2AAAAJQAAAAEACwAAAAAAAAAAAIABAAAAAGEBmQcAAgBBRQMIAFBLBQYAAAAAAQABADoA"
    "AABgAAAAAAA="
)
"""Written by pyzipper 0.4.0 with the password `password`: AE-2, 256 bits, deflate."""


def encrypted(content: bytes, bits: int, password: bytes = FITS.archive_password[-1].encode()) -> bytes:
    salt, size = os.urandom(bits // 16), bits // 8
    derived = hashlib.pbkdf2_hmac("sha1", password, salt, 1000, 2 * size + 2)
    block = Cipher(AES(derived[:size]), ECB()).encryptor().update
    stream = b"".join(block(count.to_bytes(16, "little")) for count in range(1, len(content) // 16 + 2))
    out = bytes(one ^ other for one, other in zip(content, stream, strict=False))
    return salt + derived[-2:] + out + hmac.digest(derived[size:-2], out, "sha1")[:10]


def told_by(bits: int = 256, method: int = 8, version: int = 2, vendor: bytes = b"AE") -> bytes:
    """The extra field."""
    return struct.pack("<3H2sBH", 0x9901, 7, version, vendor, bits // 64 - 1, method)


def archive(content: bytes, packed: bytes, field: bytes, crc: int = 0) -> bytes:
    """An archive of one member `a`."""
    sizes = 99, 0, 0, crc, len(packed), len(content), 1, len(field)
    local = struct.pack("<4s5H3I2H", b"PK\3\4", 51, 1, *sizes) + b"a" + field
    entry = struct.pack("<4s6H3I5H2I", b"PK\1\2", 51, 51, 1, *sizes, 0, 0, 0, 0, 0) + b"a" + field
    at = len(local) + len(packed)
    return local + packed + entry + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, len(entry), at, 0)


def deflated(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(content) + packer.flush()


def test_as_another_program_writes_it(content_of: ContentOf, told: Told) -> None:
    contents, gaps = content_of(OF_PYZIPPER, Options(archive_password=("password",)))
    assert (contents["x!/a"], gaps) == (b"a text of some length, of some length", [])
    assert told(OF_PYZIPPER) == told(OF_PYZIPPER, Options(archive_password=("no",))) == [("x!/a", "encrypted")]


@pytest.mark.parametrize("bits", [128, 192, 256])
@pytest.mark.parametrize("content", [b"", b"x", TEXT, os.urandom(150_001), b"0" * 3_000_000], ids=len)
@pytest.mark.parametrize("version", [1, 2])
def test_each_strength(content_of: ContentOf, bits: int, content: bytes, version: int) -> None:
    crc = zlib.crc32(content) if version == 1 else 0
    for method, packed in ((0, content), (8, deflated(content))):
        if len(packed) > 1_000_000:  # block by block takes its time
            continue
        whole = archive(content, encrypted(packed, bits), told_by(bits, method, version), crc)
        contents, gaps = content_of(whole, FITS)
        assert (contents["x!/a"], gaps) == (content, [])


def test_the_counter_goes_on_where_pieces_end(content_of: ContentOf) -> None:
    content = os.urandom(64 * 1024 * 3 + 7)
    contents, gaps = content_of(archive(content, encrypted(content, 128), told_by(128, 0)), FITS)
    assert (contents["x!/a"], gaps) == (content, [])


@pytest.mark.parametrize("method", [0, 8])
@pytest.mark.parametrize("place", [-11, -1])
def test_what_was_changed_is_told_and_searched(content_of: ContentOf, told: Told, method: int, place: int) -> None:
    packed = bytearray(encrypted(deflated(TEXT) + b"behind" if method else TEXT, 256))
    packed[place] ^= 1
    whole = archive(TEXT, bytes(packed), told_by(256, method))
    assert told(whole, FITS) == [("x!/a", "damaged")]
    assert content_of(whole, FITS)[0]["x!/a"][:-1] == (TEXT if method else TEXT[:-1])[: len(TEXT) - 1]


def test_a_checksum_that_does_not_fit(told: Told) -> None:
    whole = archive(TEXT, encrypted(TEXT, 256), told_by(256, 0, 1), 7)
    assert told(whole, FITS) == [("x!/a", "damaged")]


@pytest.mark.parametrize("size", [0, 5, 16, 18, 27])
def test_shorter_than_what_belongs_to_it(told: Told, size: int) -> None:
    assert told(archive(TEXT, encrypted(TEXT, 256)[:size], told_by()), FITS) == [("x!/a", "damaged")]


def test_without_a_directory(content_of: ContentOf) -> None:
    whole = archive(TEXT, encrypted(TEXT, 192), told_by(192, 0))
    contents, gaps = content_of(whole[: whole.index(b"PK\1\2")], FITS)
    assert (contents["x!/a"], [gap.path for gap in gaps]) == (TEXT, ["x!/(directory)"])


def test_cut_anywhere(content_of: ContentOf) -> None:
    whole = archive(TEXT, encrypted(TEXT, 128), told_by(128, 0))
    for end in range(30, len(whole)):
        assert content_of(whole[:end], FITS)[1]


@pytest.mark.parametrize(
    "field",
    [
        b"\1\2\0\0",
        struct.pack("<2H", 0x9901, 0),
        told_by(bits=320),
        told_by(vendor=b"XX"),
        told_by(method=99),
        told_by(method=98),
    ],
)
def test_an_extra_field_that_says_nothing(told: Told, field: bytes) -> None:
    assert told(archive(TEXT, encrypted(TEXT, 256), field), FITS) == [("x!/a", "unsupported")]


def test_three_deep(buried: Callable[[str, bytes], bytes], content_of: ContentOf, token: Callable[[str], str]) -> None:
    content = f"token = '{token('aes')}'\n".encode()
    whole = buried("inner.zip", archive(content, encrypted(deflated(content), 256), told_by()))
    contents, gaps = content_of(whole, FITS)
    assert (contents["x!/a.whl!/inner.zip!/a"], gaps) == (content, [])
