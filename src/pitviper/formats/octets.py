"""Reading binary structures: nothing beyond the end, nothing without a bound."""

from __future__ import annotations


class Malformed(Exception):  # noqa: N818 - a fact about the input, caught by every check; no error of the program
    """The bytes cannot be of the structure that was expected."""


class Truncated(Malformed):
    """The bytes are the beginning of the structure, and end before it does."""


class Octets:
    """A reader over `data`; every method raises `Truncated` rather than read past its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        """How many bytes have not been read."""
        return len(self._data) - self._at

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        if size > self.left:
            raise Truncated
        self._at += size
        return self._data[self._at - size : self._at]

    def number(self, size: int) -> int:
        """The next `size` bytes as a big-endian number."""
        return int.from_bytes(self.take(size), "big")

    def string(self) -> bytes:
        """A string as SSH writes it: 32 bits of length, then the bytes (RFC 4251, section 5)."""
        return self.take(self.number(4))
