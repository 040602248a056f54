"""Private keys in text armour: PEM, OpenSSH's and OpenPGP's, as files have it and as strings in code do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random

from pitviper.formats import openssh, pgp, pkcs
from pitviper.formats.encoding import base64_bytes, to_base64
from pitviper.formats.evidence import fact
from pitviper.formats.interface import Proof, Verdict
from pitviper.formats.octets import Malformed, Truncated
from pitviper.formats.pkcs import Key
from pitviper.model.finding import Evidence, Severity

_BEGIN = re.compile(rb"-----BEGIN (?P<label>[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?)-----")
_END = b"-----END"
_LINE_END = re.compile(rb"\\+[nrt]")
_JOIN = re.compile(rb"[\"'](?:\s{0,80}[+.,&\\]){0,2}\s{0,80}[\"']")
_NOISE = re.compile(rb"[\s\"'\\,#>`|;*]+")
_CIPHER = re.compile(
    rb"Proc-Type:\s{0,4}4,\s{0,4}ENCRYPTED[\s#,\\*|>]{1,80}"
    rb"DEK-Info:\s{0,4}(?P<cipher>[A-Za-z0-9-]{3,20}),\s{0,4}[0-9A-Fa-f]{16,64}"
)
_ARMOUR_HEADER = re.compile(rb"(?:Version|Comment|MessageID|Hash|Charset):[^\n]{0,200}\n")
_ARMOUR_CHECKSUM = re.compile(rb"=[A-Za-z0-9+/]{4}\Z")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]*={0,2}")
_CUT, _STUB = 16, 64  # bytes: less of a longer key, where END is missing or follows, is a sample, and of no use
_BLOCK = 8  # bytes: the smallest block of the ciphers that PEM knows


def unescaped(text: bytes) -> bytes:
    """`text` with the escapes of strings, and the seams between joined strings, made line ends."""
    return _JOIN.sub(b"\n", _LINE_END.sub(b"\n", text))


def check(secret: bytes, groups: Mapping[str, bytes]) -> Proof:
    r"""The block from BEGIN to END parses as a private key; evidence tells algorithm, size, and how it is encrypted.

    Line ends may be written as `\n`, lines may be indented, quoted or joined as in source, JSON and YAML. An encrypted
    key is worth MEDIUM. INVALID where the body is a placeholder or decodes to nonsense, UNKNOWN where it was cut.

    Source: RFC 7468, 1421 (encryption by header), 8017 (PKCS#1), 5208 and 5958 (PKCS#8), 5915 (SEC1), 9580 (OpenPGP);
    openssh-portable, PROTOCOL.key.
    """
    del groups
    shape = _BEGIN.match(secret)
    if shape is None:
        return Proof(Verdict.INVALID)
    body, end, _ = secret[shape.end() :].partition(_END)
    text = unescaped(body)
    header = _CIPHER.search(text)
    data = _decoded(_CIPHER.sub(b"", text), whole=bool(end))
    try:
        if header:
            return prove(_encrypted(shape["label"], data, header["cipher"].decode(), whole=bool(end)))
        return prove(_read(shape["label"], data))
    except Truncated:
        return Proof(Verdict.UNKNOWN if len(data) >= (_STUB if end else _CUT) else Verdict.INVALID)
    except Malformed:
        return Proof(Verdict.INVALID)


def prove(key: Key) -> Proof:
    """The proof that a private key was there; an encrypted one is worth MEDIUM."""
    if key.cipher:
        protection = fact("protection", f"encrypted ({key.cipher})")
        return Proof(Verdict.VALID, (fact("algorithm", key.algorithm), protection), Severity.MEDIUM)
    return Proof(Verdict.VALID, (fact("algorithm", key.algorithm), Evidence("protection", "not encrypted")))


def make(rng: Random, before: str) -> str:
    """A whole block with a fake RSA key in PKCS#8, on lines of 64 characters."""
    del before
    text = to_base64(pkcs.make_rsa(rng))
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join(("-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----"))


def _decoded(text: bytes, *, whole: bool) -> bytes:
    """What the base64 in `text` stands for; nothing where there is anything else but what strings and comments add."""
    bare = _ARMOUR_CHECKSUM.sub(b"", _NOISE.sub(b"", _ARMOUR_HEADER.sub(b"", text)))
    if not _BASE64.fullmatch(bare):
        return b""
    return base64_bytes(bare if whole else bare[: len(bare) // 4 * 4]) or b""


def _encrypted(label: bytes, data: bytes, cipher: str, *, whole: bool) -> Key:
    """A key that only its header tells about, as RFC 1421 and OpenSSL have it."""
    if not whole:
        raise Truncated
    if not data or len(data) % _BLOCK:
        raise Malformed
    return Key(label.removesuffix(b" PRIVATE KEY").decode(), cipher)


def _read(label: bytes, data: bytes) -> Key:
    if label.startswith(b"PGP"):
        return pgp.read(data)
    if label.startswith(b"OPENSSH"):
        return openssh.read(data)
    return pkcs.read(data)
