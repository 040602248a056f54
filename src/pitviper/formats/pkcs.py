"""Private keys in DER: PKCS#1, PKCS#8, SEC1, and OpenSSL's for DSA."""

from __future__ import annotations

from random import Random

import msgspec

from pitviper.formats import der
from pitviper.formats.octets import Malformed

_RSA = "1.2.840.113549.1.1.1"
_EC = "1.2.840.10045.2.1"
_DSA = "1.2.840.10040.4.1"
_ALGORITHMS = {
    "1.2.840.113549.1.1.10": "RSA (PSS)",
    "1.2.840.113549.1.3.1": "Diffie-Hellman",
    "1.3.101.110": "X25519",
    "1.3.101.111": "X448",
    "1.3.101.112": "Ed25519",
    "1.3.101.113": "Ed448",
    "2.16.840.1.101.3.4.3.17": "ML-DSA-44",
    "2.16.840.1.101.3.4.3.18": "ML-DSA-65",
    "2.16.840.1.101.3.4.3.19": "ML-DSA-87",
    "2.16.840.1.101.3.4.4.1": "ML-KEM-512",
    "2.16.840.1.101.3.4.4.2": "ML-KEM-768",
    "2.16.840.1.101.3.4.4.3": "ML-KEM-1024",
}
_CURVES = {
    "1.2.840.10045.3.1.1": "P-192",
    "1.3.132.0.33": "P-224",
    "1.2.840.10045.3.1.7": "P-256",
    "1.3.132.0.34": "P-384",
    "1.3.132.0.35": "P-521",
    "1.3.132.0.10": "secp256k1",
    "1.3.36.3.3.2.8.1.1.7": "brainpoolP256r1",
    "1.3.36.3.3.2.8.1.1.11": "brainpoolP384r1",
    "1.3.36.3.3.2.8.1.1.13": "brainpoolP512r1",
}
_PBES2 = "1.2.840.113549.1.5.13"

_RSA_NUMBERS = 9  # version, n, e, d, p, q, and three for the Chinese remainder theorem
_DSA_NUMBERS = 6  # version, p, q, g, y, x
_FEWEST_BITS = 256  # smaller ones are exercises in arithmetic


class Key(msgspec.Struct, frozen=True):
    """What a private key tells: `algorithm` with its size, and the `cipher` that protects it, empty where none does."""

    algorithm: str
    cipher: str = ""


def read(data: bytes) -> Key:
    """The private key in `data`, whatever its kind; raises `Malformed`, or `Truncated` where it is a beginning."""
    fields = der.sequence(data)
    match [tag for tag, _ in fields]:
        case [der.INTEGER, der.SEQUENCE, der.OCTETS, *_]:
            return _pkcs8(fields[1][1], fields[2][1])
        case [der.SEQUENCE, der.OCTETS]:
            return _encrypted(fields[0][1])
        case [der.INTEGER, der.OCTETS, *_]:
            return _sec1(fields)
        case _:
            return _numbers(fields)


def make_rsa(rng: Random) -> bytes:
    """PKCS#8 with an RSA key of 1,024 bits whose numbers fit together as far as `read` looks; its primes are none."""
    primes = [rng.getrandbits(512) | 3 << 510 | 1 for _ in range(2)]
    others = [rng.getrandbits(size) | 1 << size - 1 for size in (1023, 511, 511, 511)]
    numbers = (0, primes[0] * primes[1], 65537, others[0], *primes, *others[1:])
    key = der.encoded(der.SEQUENCE, b"".join(map(der.encoded_number, numbers)))
    algorithm = der.encoded(der.SEQUENCE, bytes.fromhex("06092a864886f70d0101010500"))  # rsaEncryption, NULL
    return der.encoded(der.SEQUENCE, der.encoded_number(0) + algorithm + der.encoded(der.OCTETS, key))


def _pkcs8(identifier: bytes, key: bytes) -> Key:
    name, parameters = _algorithm(identifier)
    if name == _RSA:
        return _numbers(der.sequence(key))
    if name == _EC:
        return Key(f"EC, {_curve(parameters)}")
    if name == _DSA:
        numbers = [der.number(content) for tag, content in der.children(_content(parameters)) if tag == der.INTEGER]
        return Key(f"DSA, {numbers[0].bit_length()} bits" if numbers else "DSA")
    return Key(_ALGORITHMS.get(name, f"algorithm {name}"))


def _encrypted(identifier: bytes) -> Key:
    name, _ = _algorithm(identifier)
    return Key("PKCS#8", "PBES2" if name == _PBES2 else f"scheme {name}")


def _sec1(fields: list[tuple[int, bytes]]) -> Key:
    if der.number(fields[0][1]) != 1:
        raise Malformed
    curve = next(
        (_curve(der.children(content)) for tag, content in fields[2:] if tag == der.CONTEXT_0), "unnamed curve"
    )
    return Key(f"EC, {curve}")


def _numbers(fields: list[tuple[int, bytes]]) -> Key:
    """A key that is a list of numbers: one of RSA proves itself, its modulus being the product of its primes."""
    numbers = [der.number(content) for tag, content in fields if tag == der.INTEGER]
    if len(numbers) not in (_DSA_NUMBERS, _RSA_NUMBERS) or min(numbers) < 0:
        raise Malformed
    version, modulus = numbers[:2]
    bits = modulus.bit_length()
    if version not in (0, 1) or bits < _FEWEST_BITS:
        raise Malformed
    if len(numbers) == _DSA_NUMBERS:
        return Key(f"DSA, {bits} bits")
    # Version 1 has more than two primes, the others of them in a structure behind the numbers.
    if version == 0 and modulus != numbers[4] * numbers[5]:
        raise Malformed
    return Key(f"RSA, {bits} bits")


def _algorithm(identifier: bytes) -> tuple[str, list[tuple[int, bytes]]]:
    fields = der.children(identifier)
    if not fields or fields[0][0] != der.OID:
        raise Malformed
    return der.dotted(fields[0][1]), fields[1:]


def _curve(parameters: list[tuple[int, bytes]]) -> str:
    if not parameters or parameters[0][0] != der.OID:
        return "unnamed curve"
    name = der.dotted(parameters[0][1])
    return _CURVES.get(name, f"curve {name}")


def _content(parameters: list[tuple[int, bytes]]) -> bytes:
    return parameters[0][1] if parameters and parameters[0][0] == der.SEQUENCE else b""
