"""AES encryption of 7z archives: 256 bits, chained blocks, a key from as many rounds of SHA-256 as the archive says.

Nothing tells whether a password fits, other than what comes out. Source: 7-Zip's CPP/7zip/Crypto/7zAes.cpp.
"""

from __future__ import annotations

import hashlib

from pitviper.engine.data import Reader
from pitviper.model.gap import Reason
from pitviper.unpack.interface import Refused, damaged

METHOD = bytes.fromhex("06f10701")
_BLOCK = 16
_KEY = 32
_POWER, _HAS_SALT, _HAS_IV = 0x3F, 0x80, 0x40
_NO_ROUNDS = 0x3F
"""Instead of a power: the password itself is the key."""
_MOST_ROUNDS = 1 << 24
"""Rounds for all keys of one archive, about a second. 7-Zip takes 2^19 for its one key, and refuses more than 2^24."""
_AT_ONCE = 1 << 16
_CHUNK = 65536


class Keys:
    """The keys of one archive, made once for each password, with what these may still cost."""

    def __init__(self, passwords: tuple[str, ...]) -> None:
        self.passwords = list(passwords)
        """The one that opened something last is in front."""
        self._made: dict[tuple[str, bytes, int], bytes] = {}
        self._left = _MOST_ROUNDS

    def prefer(self, password: str) -> None:
        """`password` opened something, and will most likely open the rest."""
        self.passwords.remove(password)
        self.passwords.insert(0, password)

    def decrypted(self, read: Reader, properties: bytes, password: str) -> Reader:
        """A reader of what `read` gives, with `password`. Raises `Refused`."""
        from cryptography.hazmat.primitives.ciphers import Cipher  # noqa: PLC0415 - 20 ms, only for what is encrypted
        from cryptography.hazmat.primitives.ciphers.algorithms import AES  # noqa: PLC0415 - same
        from cryptography.hazmat.primitives.ciphers.modes import CBC  # noqa: PLC0415 - same

        power, salt, first = _settings(properties)
        cipher = Cipher(AES(self._key(password, salt, power)), CBC(first)).decryptor()

        rest = b""

        def plain(size: int) -> bytes:
            nonlocal rest
            while not rest and (piece := read(_CHUNK)):
                rest = cipher.update(piece)
            piece, rest = rest[:size], rest[size:]
            return piece

        return plain

    def _key(self, password: str, salt: bytes, power: int) -> bytes:
        known = password, salt, power
        if known not in self._made:
            if power != _NO_ROUNDS:
                self._left -= 1 << power
            if self._left < 0:
                raise Refused(Reason.OVER_BUDGET, f"its keys take more than {_MOST_ROUNDS:,} rounds to make")
            self._made[known] = _made(password.encode("utf-16-le", "surrogatepass"), salt, power)
        return self._made[known]


def _settings(properties: bytes) -> tuple[int, bytes, bytes]:
    """The power of two of the rounds, the salt, and what the first block is chained to."""
    flags, sizes = (properties + b"\0\0")[:2]
    salt_size = bool(flags & _HAS_SALT) + (sizes >> 4)
    size = bool(flags & _HAS_IV) + (sizes & 0xF)
    salt, first = properties[2 : 2 + salt_size], properties[2 + salt_size : 2 + salt_size + size]
    if len(salt) + len(first) != salt_size + size:
        raise damaged("the properties of its encryption are cut short")
    return flags & _POWER, salt, first.ljust(_BLOCK, b"\0")


def _made(password: bytes, salt: bytes, power: int) -> bytes:
    """The digest of salt, password and number of each round; many rounds at once, of which only the numbers differ."""
    each = salt + password
    if power == _NO_ROUNDS:
        return each[:_KEY].ljust(_KEY, b"\0")
    length, count = len(each) + 8, min(_AT_ONCE, 1 << power)
    rounds = bytearray((each + bytes(8)) * count)
    for place in range(2):
        numbers = bytes(number >> 8 * place & 0xFF for number in range(count))
        rounds[len(each) + place :: length] = numbers
    digest = hashlib.sha256()
    for high in range((1 << power) // count):
        for place in range(2, 4):
            rounds[len(each) + place :: length] = bytes((high >> 8 * (place - 2) & 0xFF,)) * count
        digest.update(rounds)
    return digest.digest()
