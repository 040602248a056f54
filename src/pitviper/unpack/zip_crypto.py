"""The old encryption of zip archives (APPNOTE 6.1): weak, and still what most tools write."""

from __future__ import annotations

from pitviper.engine.data import Reader

HEADER = 12
_KEYS = 0x12345678, 0x23456789, 0x34567890


def _crc(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ 0xEDB88320 if byte & 1 else byte >> 1
    return byte


_TABLE = [_crc(byte) for byte in range(256)]


def decrypted(header: bytes, read: Reader, password: bytes, check: int) -> Reader | None:
    """A reader of the plain bytes of what `read` gives behind `header`.

    None if the byte that ends the header is not `check`, so that `password` is wrong; by chance one of 256 passes.
    """
    key0, key1, key2 = _KEYS
    table = _TABLE

    def plain(packed: bytes) -> bytes:
        nonlocal key0, key1, key2
        out = bytearray()
        for byte in packed:
            mask = key2 | 2
            clear = byte ^ (((mask * (mask ^ 1)) >> 8) & 0xFF)
            key0 = (key0 >> 8) ^ table[(key0 ^ clear) & 0xFF]
            key1 = ((key1 + (key0 & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
            key2 = (key2 >> 8) ^ table[(key2 ^ (key1 >> 24)) & 0xFF]
            out.append(clear)
        return bytes(out)

    for byte in password:
        key0 = (key0 >> 8) ^ table[(key0 ^ byte) & 0xFF]
        key1 = ((key1 + (key0 & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        key2 = (key2 >> 8) ^ table[(key2 ^ (key1 >> 24)) & 0xFF]
    if plain(header)[-1:] != bytes((check,)):
        return None
    return lambda size: plain(read(size))
