"""Private keys of OpenPGP."""

from __future__ import annotations

from pitviper.formats.octets import Malformed, Octets
from pitviper.formats.pkcs import Key

_SECRET_KEY = 5  # packet tag (RFC 9580, section 5)
_INDETERMINATE = 3  # length type of the old packet format
_RSA, _ELGAMAL, _DSA = "RSA", "Elgamal", "DSA"
_NUMBERS = {1: (_RSA, 2), 2: (_RSA, 2), 3: (_RSA, 2), 16: (_ELGAMAL, 3), 17: (_DSA, 4)}
"""Public-key algorithm → its name and how many numbers its public key has."""
_CURVES = {18: "ECDH", 19: "ECDSA", 22: "EdDSA"}
_FIXED = {25: ("X25519", 32), 26: ("X448", 56), 27: ("Ed25519", 32), 28: ("Ed448", 57)}
"""Public-key algorithm → its name and the bytes of its public key."""


def read(data: bytes) -> Key:
    """The first key in `data`, a transferable secret key; raises `Malformed`, or `Truncated` where it is cut."""
    body = _packet(Octets(data))
    version = body.number(1)
    body.number(4)  # time of creation
    if version == 3:  # noqa: PLR2004 - versions stand as they are called
        body.number(2)  # days of validity
    elif version not in (4, 5, 6):
        raise Malformed
    code = body.number(1)
    if version > 4:  # noqa: PLR2004 - versions stand as they are called
        body.number(4)  # size of the public key
    name = _public(code, body)
    return Key(f"OpenPGP {name}", "a passphrase" if body.number(1) else "")


def _packet(data: Octets) -> Octets:
    """The body of the first packet, a secret key."""
    first = data.number(1)
    if not first & 0x80:
        raise Malformed
    if first & 0x40:
        tag, length = first & 0x3F, _new_length(data)
    else:
        tag, kind = first >> 2 & 0xF, first & 3
        length = data.left if kind == _INDETERMINATE else data.number(1 << kind)
    if tag != _SECRET_KEY:
        raise Malformed
    return Octets(data.take(length))


def _new_length(data: Octets) -> int:
    """A length of the new packet format (RFC 9580, section 4.2.1); keys have no partial ones."""
    first = data.number(1)
    if first < 192:  # noqa: PLR2004 - the RFC's own figures
        return first
    if first < 224:  # noqa: PLR2004 - the RFC's own figures
        return (first - 192 << 8) + data.number(1) + 192
    if first < 255:  # noqa: PLR2004 - the RFC's own figures
        raise Malformed
    return data.number(4)


def _public(code: int, body: Octets) -> str:
    """Reads the public key, and tells algorithm and size."""
    if code in _NUMBERS:
        name, count = _NUMBERS[code]
        sizes = [_skip_number(body) for _ in range(count)]
        return f"{name}, {sizes[0]} bits"
    if code in _CURVES:
        body.take(body.number(1))  # object identifier of the curve
        _skip_number(body)
        if _CURVES[code] == "ECDH":
            body.take(body.number(1))  # parameters of the key derivation
        return _CURVES[code]
    if code in _FIXED:
        name, size = _FIXED[code]
        body.take(size)
        return name
    raise Malformed


def _skip_number(body: Octets) -> int:
    """Reads a multiprecision integer, and returns its bits."""
    bits = body.number(2)
    body.take((bits + 7) // 8)
    return bits
