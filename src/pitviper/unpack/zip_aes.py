"""AES encryption of zip archives, as WinZip brought it and most others write it: AE-1 and AE-2.

An extra field says how strong it is and by which method the content is compressed. The content is a salt, two bytes
that tell whether a password fits, what is encrypted (counter mode, the counter with its lowest byte first), and a code
that proves it. Source: WinZip, AES Encryption Information, 1.04.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from pitviper.engine.data import Cursor, Reader
from pitviper.unpack.interface import damaged

FIELD = 0x9901
"""The kind of the extra field."""
_KEYS = {1: 16, 2: 24, 3: 32}
"""Bytes of a key by strength."""
_VENDOR = b"AE"
_WITHOUT_CHECKSUM = 2
"""The version that has no CRC, because that would tell something about short contents."""
_ROUNDS = 1000
_VERIFIER, _CODE = 2, 10
_BLOCK = 16
_MOST_BLOCKS = 4096
"""Blocks of 16 bytes at once: 64 KiB stay in the cache."""
_ONES = int.from_bytes((b"\1" + bytes(_BLOCK - 1)) * _MOST_BLOCKS, "little")
_STEPS = int.from_bytes(b"".join(step.to_bytes(_BLOCK, "little") for step in range(_MOST_BLOCKS)), "little")
"""1, 1, 1, … and 0, 1, 2, … as blocks: `count * _ONES + _STEPS` are counters from `count` on, without a loop."""


def told(field: bytes) -> tuple[int, int, bool] | None:
    """What the extra field says: bytes of the key, method of compression, and whether there is a CRC."""
    if len(field) < 7 or field[2:4] != _VENDOR or field[4] not in _KEYS:  # noqa: PLR2004 - its fields
        return None
    return _KEYS[field[4]], int.from_bytes(field[5:7], "little"), field[:2] != bytes((_WITHOUT_CHECKSUM, 0))


def decrypted(cursor: Cursor, packed: int, key_size: int, passwords: Iterable[bytes]) -> Reader | None:
    """A reader of what is encrypted in the `packed` bytes at `cursor`.

    None if none of `passwords` fits; by chance one of 65,536 wrong ones passes.
    """
    salt, verifier = cursor.read(key_size // 2), cursor.read(_VERIFIER)
    left = packed - len(salt) - len(verifier) - _CODE
    if left < 0:
        raise damaged("it is too short to be encrypted")
    for password in passwords:
        derived = hashlib.pbkdf2_hmac("sha1", password, salt, _ROUNDS, 2 * key_size + _VERIFIER)
        if derived[2 * key_size :] == verifier:
            return _Decrypted(cursor, left, derived[:key_size], derived[key_size : 2 * key_size])
    return None


class _Decrypted:
    """The plain bytes of the next `left` of `cursor`, behind which stands the code that proves them."""

    def __init__(self, cursor: Cursor, left: int, key: bytes, proof: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers import Cipher  # noqa: PLC0415 - 20 ms, only for what is encrypted
        from cryptography.hazmat.primitives.ciphers.algorithms import AES  # noqa: PLC0415 - same
        from cryptography.hazmat.primitives.ciphers.modes import ECB  # noqa: PLC0415 - same

        self._cursor = cursor
        self._left = left
        self._position = 0
        self._stream = Cipher(AES(key), ECB()).encryptor()  # noqa: S305 - of counters: no library counts like this
        self._code = hmac.new(proof, digestmod="sha1")
        self._proved = False

    def __call__(self, size: int) -> bytes:
        """See `pitviper.engine.data.Reader`. Raises `Refused` at the end if the code there is another."""
        skipped = self._position % _BLOCK
        piece = self._cursor.read(min(size, self._left, _MOST_BLOCKS * _BLOCK - skipped))
        if not piece:
            self._prove()
            return b""
        self._code.update(piece)
        blocks = -(-(skipped + len(piece)) // _BLOCK)
        counters = (self._position // _BLOCK + 1) * _ONES + _STEPS & (1 << 8 * _BLOCK * blocks) - 1
        stream = self._stream.update(counters.to_bytes(blocks * _BLOCK, "little"))[skipped : skipped + len(piece)]
        self._position += len(piece)
        self._left -= len(piece)
        return (int.from_bytes(piece, "little") ^ int.from_bytes(stream, "little")).to_bytes(len(piece), "little")

    def _prove(self) -> None:
        if self._left:
            raise EOFError(f"{self._left:,} bytes are missing")
        if not self._proved:
            self._proved = True
            if self._cursor.read(_CODE) != self._code.digest()[:_CODE]:
                raise damaged("its authentication code does not fit; it was searched as it came out")
