"""Private keys as OpenSSH writes them, and the public blobs that PuTTY shares with it."""

from __future__ import annotations

from pitviper.formats.octets import Malformed, Octets, Truncated
from pitviper.formats.pkcs import Key

MAGIC = b"openssh-key-v1\0"
"""The first bytes of a key (openssh-portable, PROTOCOL.key)."""

_NAMES = {
    b"ssh-ed25519": "Ed25519",
    b"ssh-ed448": "Ed448",
    b"ecdsa-sha2-nistp256": "EC, P-256",
    b"ecdsa-sha2-nistp384": "EC, P-384",
    b"ecdsa-sha2-nistp521": "EC, P-521",
    b"sk-ssh-ed25519@openssh.com": "Ed25519 on a security key",
    b"sk-ecdsa-sha2-nistp256@openssh.com": "EC, P-256 on a security key",
}
_MOST_KEYS = 1  # the format allows more, OpenSSH does not


def read(data: bytes) -> Key:
    """The private key in `data`; raises `Malformed`, or `Truncated` where it is a beginning."""
    if not data.startswith(MAGIC):
        raise Truncated if data and MAGIC.startswith(data) else Malformed
    octets = Octets(data[len(MAGIC) :])
    cipher = octets.string()
    octets.string()  # name of the key derivation
    octets.string()  # its options
    if octets.number(4) != _MOST_KEYS:
        raise Malformed
    name = algorithm(octets.string())
    private = octets.string()
    if cipher == b"none":
        # The same random number twice, by which OpenSSH knows that it decrypted with the right passphrase.
        numbers = Octets(private)
        if numbers.number(4) != numbers.number(4):
            raise Malformed
        return Key(name)
    return Key(name, cipher.decode("ascii", "replace"))


def algorithm(blob: bytes) -> str:
    """Algorithm and size in a public key `blob` (RFC 4253, section 6.6); raises `Malformed` where it is none."""
    octets = Octets(blob)
    name = octets.string()
    if name == b"ssh-rsa":
        octets.string()  # the exponent
        return f"RSA, {int.from_bytes(octets.string(), 'big').bit_length()} bits"
    if name == b"ssh-dss":
        return f"DSA, {int.from_bytes(octets.string(), 'big').bit_length()} bits"
    if name not in _NAMES:
        raise Malformed
    return _NAMES[name]
