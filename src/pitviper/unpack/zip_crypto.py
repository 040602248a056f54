"""The old encryption of zip archives (APPNOTE 6.1): weak, and still what most tools write."""

from __future__ import annotations

_HEADER = 12
_KEYS = 0x12345678, 0x23456789, 0x34567890


def _crc(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ 0xEDB88320 if byte & 1 else byte >> 1
    return byte


_TABLE = [_crc(byte) for byte in range(256)]


def decrypted(packed: bytes, password: bytes, check: int, *, has_descriptor: bool) -> bytes | None:
    """The plain bytes of `packed`; None if the byte that ends its header is not `check`, so that `password` is wrong.

    With a data descriptor that byte comes from the time instead (as Info-ZIP has it), and is not compared.
    """
    key0, key1, key2 = _KEYS
    table = _TABLE

    def update(byte: int) -> None:
        nonlocal key0, key1, key2
        key0 = (key0 >> 8) ^ table[(key0 ^ byte) & 0xFF]
        key1 = ((key1 + (key0 & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        key2 = (key2 >> 8) ^ table[(key2 ^ (key1 >> 24)) & 0xFF]

    for byte in password:
        update(byte)
    plain = bytearray()
    for byte in packed:
        mask = key2 | 2
        clear = byte ^ (((mask * (mask ^ 1)) >> 8) & 0xFF)
        update(clear)
        plain.append(clear)
        if len(plain) == _HEADER and not has_descriptor and clear != check:
            return None
    return bytes(plain[_HEADER:])
