"""Private keys in PuTTY's own file format, versions 2 and 3."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from pitviper.formats.encoding import base64_bytes, to_base64
from pitviper.formats.interface import Proof, Verdict
from pitviper.formats.octets import Malformed, Truncated
from pitviper.formats.openssh import algorithm
from pitviper.formats.pem import prove, unescaped
from pitviper.formats.pkcs import Key

_MAGIC = b"PuTTY-User-Key-File-"
_MOST_LINES = 1000  # a key of 16,384 bits has 250
_QUOTES = b" \t\r\"',+\\"


def check(secret: bytes, groups: Mapping[str, bytes]) -> Proof:
    """The file has a public key of the algorithm that it names, and a private part of as many lines as it says.

    An encrypted key is worth MEDIUM. INVALID where a part is no base64 or the public key none; UNKNOWN where lines are
    missing.

    Source: PuTTY User Manual, appendix C, "PPK file format".
    """
    del groups
    try:
        return prove(_read(secret))
    except Truncated:
        return Proof(Verdict.UNKNOWN)
    except Malformed:
        return Proof(Verdict.INVALID)


def make(rng: Random, before: str) -> str:
    """A whole file, version 3, with a random Ed25519 key that is not encrypted."""
    del before
    public = _string(b"ssh-ed25519") + _string(rng.randbytes(32))
    return "\n".join(
        (
            f"{_MAGIC.decode()}3: ssh-ed25519",
            "Encryption: none",
            f"Comment: ed25519-key-2024{rng.randrange(1, 13):02}01",
            "Public-Lines: 2",
            *_lines(public),
            "Private-Lines: 1",
            *_lines(_string(rng.randbytes(32))),
            f"Private-MAC: {rng.randbytes(32).hex()}",
        )
    )


def _read(secret: bytes) -> Key:
    lines = [line.strip(_QUOTES) for line in unescaped(secret).split(b"\n", _MOST_LINES)]
    fields = dict(_fields([line for line in lines if line]))
    named = next((value for name, value in fields.items() if name.startswith(_MAGIC)), None)
    if named is None:
        raise Malformed
    public, private = fields.get(b"Public-Lines"), fields.get(b"Private-Lines")
    if public is None or private is None:
        raise Truncated
    blob = base64_bytes(public)
    if blob is None or base64_bytes(private) is None or not blob.startswith(_string(named)):
        raise Malformed
    cipher = fields.get(b"Encryption", b"none").decode("ascii", "replace")
    return Key(_checked(blob), "" if cipher == "none" else cipher)


def _checked(blob: bytes) -> str:
    try:
        return algorithm(blob)
    except Truncated:
        raise Malformed from None  # all lines are there, so that the blob is as long as it will get


def _fields(lines: list[bytes]) -> list[tuple[bytes, bytes]]:
    """Names and values; that of `Public-Lines` and `Private-Lines` is the base64 on the lines that they announce."""
    found = []
    at = 0
    while at < len(lines):
        name, _, value = lines[at].partition(b":")
        at += 1
        text = value.strip()
        if name.endswith(b"-Lines"):
            count = int(text) if text.isdigit() and len(text) < 5 else _MOST_LINES  # noqa: PLR2004 - digits, for int()
            if at + count > len(lines):
                break
            text = b"".join(lines[at : at + count])
            at += count
        found.append((name, text))
    return found


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def _lines(data: bytes) -> list[str]:
    text = to_base64(data)
    return [text[at : at + 64] for at in range(0, len(text), 64)]
