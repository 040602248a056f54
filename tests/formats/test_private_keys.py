"""Private keys: every structure, every way to write them, and all that only looks like one."""

from __future__ import annotations

import base64
import random

import pytest

from pitviper.formats import FORMATS, der, pem, pkcs
from pitviper.formats.interface import Proof, Verdict
from pitviper.model.finding import Severity

RNG = random.Random(7)
DASHES = "-" * 5
OIDS = {
    "rsa": "2a864886f70d010101",
    "ec": "2a8648ce3d0201",
    "p256": "2a8648ce3d030107",
    "ed25519": "2b6570",
    "dsa": "2a8648ce380401",
    "pbes2": "2a864886f70d01050d",
}


def armoured(data: bytes, label: str = "PRIVATE KEY", header: str = "") -> str:
    text = base64.b64encode(data).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join(
        [f"{DASHES}BEGIN {label}{DASHES}", *([header] if header else []), *lines, f"{DASHES}END {label}{DASHES}"]
    )


def check(text: str) -> Proof:
    return FORMATS["private-key"].check(text.encode(), {})


def told(proof: Proof) -> tuple[str, ...]:
    assert proof.verdict is Verdict.VALID
    return tuple(evidence.text for evidence in proof.evidence)


def sequence(*parts: bytes) -> bytes:
    return der.encoded(der.SEQUENCE, b"".join(parts))


def octets(data: bytes) -> bytes:
    return der.encoded(der.OCTETS, data)


def oid(name: str) -> bytes:
    return der.encoded(der.OID, bytes.fromhex(OIDS[name]))


def numbers(*values: int) -> bytes:
    return sequence(*map(der.encoded_number, values))


def pkcs8(name: str, key: bytes, *parameters: bytes) -> bytes:
    return sequence(der.encoded_number(0), sequence(oid(name), *parameters), octets(key))


def string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def openssh(public: bytes, cipher: bytes = b"none", numbers: bytes = b"\1\2\3\4\1\2\3\4") -> bytes:
    return b"openssh-key-v1\0" + b"".join(
        (
            string(cipher),
            string(b"none"),
            string(b""),
            (1).to_bytes(4, "big"),
            string(public),
            string(numbers + bytes(80)),
        )
    )


def packet(body: bytes) -> bytes:
    """A secret key in OpenPGP's old packet format."""
    return b"\x95" + len(body).to_bytes(2, "big") + body


def new_packet(body: bytes) -> bytes:
    """The same in its new one."""
    assert 192 <= len(body) < 8384
    return bytes([0xC5, (len(body) - 192 >> 8) + 192, (len(body) - 192) & 0xFF]) + body


P, Q = (RNG.getrandbits(1024) | 3 << 1022 | 1 for _ in range(2))
RSA = numbers(0, P * Q, 65537, P, P, Q, P, Q, Q)
DSA = numbers(0, P, Q >> 800, 5, 6, 7)
EC = sequence(der.encoded_number(1), octets(bytes(range(32))), der.encoded(0xA0, oid("p256")))
PGP_BODY = b"\x04" + bytes(4) + b"\x01" + (2048).to_bytes(2, "big") + b"\x80" + bytes(255) + b"\0\x11\1\0\1"


@pytest.mark.parametrize(
    ("data", "label", "algorithm"),
    [
        (RSA, "RSA PRIVATE KEY", "RSA, 2048 bits"),
        (RSA, "PRIVATE KEY", "RSA, 2048 bits"),
        (numbers(1, 2**2047, *range(3, 10)), "RSA PRIVATE KEY", "RSA, 2048 bits"),
        (pkcs8("rsa", RSA, b"\5\0"), "PRIVATE KEY", "RSA, 2048 bits"),
        (EC, "EC PRIVATE KEY", "EC, P-256"),
        (pkcs8("ec", EC, oid("p256")), "PRIVATE KEY", "EC, P-256"),
        (pkcs8("ed25519", octets(bytes(range(32)))), "PRIVATE KEY", "Ed25519"),
        (DSA, "DSA PRIVATE KEY", "DSA, 1024 bits"),
        (pkcs8("dsa", der.encoded_number(5), numbers(P, Q, 5)), "PRIVATE KEY", "DSA, 1024 bits"),
        (openssh(string(b"ssh-ed25519") + string(bytes(32))), "OPENSSH PRIVATE KEY", "Ed25519"),
        (
            openssh(string(b"ssh-rsa") + string(b"\1\0\1") + string((P * Q).to_bytes(257, "big"))),
            "OPENSSH PRIVATE KEY",
            "RSA, 2048 bits",
        ),
        (packet(PGP_BODY + b"\0" + bytes(9)), "PGP PRIVATE KEY BLOCK", "OpenPGP RSA, 2048 bits"),
        (new_packet(PGP_BODY + b"\0" + bytes(9)), "PGP PRIVATE KEY BLOCK", "OpenPGP RSA, 2048 bits"),
        (packet(b"\x04" + bytes(4) + b"\x1b" + bytes(32) + b"\0"), "PGP PRIVATE KEY BLOCK", "OpenPGP Ed25519"),
        (packet(b"\x06" + bytes(4) + b"\x19" + bytes(36) + b"\0"), "PGP PRIVATE KEY BLOCK", "OpenPGP X25519"),
        (packet(b"\x04" + bytes(4) + b"\x13\1\2\0\1\1\0"), "PGP PRIVATE KEY BLOCK", "OpenPGP ECDSA"),
    ],
)
def test_structures(data: bytes, label: str, algorithm: str) -> None:
    assert told(check(armoured(data, label))) == (algorithm, "not encrypted")


@pytest.mark.parametrize(
    ("data", "label", "header", "algorithm", "cipher"),
    [
        (
            sequence(sequence(oid("pbes2"), sequence()), octets(bytes(64))),
            "ENCRYPTED PRIVATE KEY",
            "",
            "PKCS#8",
            "PBES2",
        ),
        (
            bytes(range(96)),
            "RSA PRIVATE KEY",
            f"Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,{'0F' * 16}\n",
            "RSA",
            "AES-128-CBC",
        ),
        (
            openssh(string(b"ssh-ed25519") + string(bytes(32)), b"aes256-ctr", b"\1\2\3\4\5\6\7\7"),
            "OPENSSH PRIVATE KEY",
            "",
            "Ed25519",
            "aes256-ctr",
        ),
        (
            packet(PGP_BODY + b"\xfe" + bytes(9)),
            "PGP PRIVATE KEY BLOCK",
            "Version: GnuPG v2\nComment: https://example.org - a key\n",
            "OpenPGP RSA, 2048 bits",
            "a passphrase",
        ),
    ],
)
def test_encrypted_keys_are_worth_less(data: bytes, label: str, header: str, algorithm: str, cipher: str) -> None:
    proof = check(armoured(data, label, header))
    assert told(proof) == (algorithm, f"encrypted ({cipher})")
    assert proof.severity is Severity.MEDIUM


FORMS = {
    "CR LF": lambda text: text.replace("\n", "\r\n"),
    "escaped": lambda text: text.replace("\n", "\\n"),
    "escaped twice": lambda text: text.replace("\n", "\\\\n"),
    "escaped CR LF": lambda text: text.replace("\n", "\\r\\n"),
    "escaped slashes": lambda text: text.replace("/", "\\/").replace("\n", "\\n"),
    "one line": lambda text: text.replace("\n", " "),
    "YAML": lambda text: text.replace("\n", "\n      "),
    "comment": lambda text: text.replace("\n", "\n# "),
    "quoted mail": lambda text: text.replace("\n", "\n> "),
    "joined by nothing": lambda text: text.replace("\n", '\\n"\n    "'),
    "joined by plus": lambda text: text.replace("\n", '\\n" +\n    "'),
    "joined by comma": lambda text: text.replace("\n", "',\n    '"),
    "continued": lambda text: text.replace("\n", "\\n\\\n"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "text",
    [
        armoured(RSA, "RSA PRIVATE KEY"),
        armoured(pkcs8("ec", EC, oid("p256"))),
        armoured(bytes(96), "RSA PRIVATE KEY", f"Proc-Type: 4,ENCRYPTED\nDEK-Info: DES-EDE3-CBC,{'0F' * 8}\n"),
        armoured(packet(PGP_BODY + b"\0"), "PGP PRIVATE KEY BLOCK").replace("\n-----END", "\n=aB3/\n-----END"),
    ],
)
def test_forms_say_the_same_as_the_file(form: str, text: str) -> None:
    assert check(FORMS[form](text)) == check(text)
    assert check(text).verdict is Verdict.VALID


@pytest.mark.parametrize(
    "body",
    [
        "",
        "...",
        "MIIEpAIBAAKCAQEA...",
        "MIIEpAIBAAKCAQEA",
        "<your key>",
        "${PRIVATE_KEY}",
        "{{ key }}",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "A" * 256,
        base64.b64encode(b"this is not a private key, it only says that it is one, for tests").decode(),
        base64.b64encode(RNG.randbytes(300)).decode(),
    ],
)
@pytest.mark.parametrize("label", ["RSA PRIVATE KEY", "PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK"])
def test_placeholders_are_invalid(label: str, body: str) -> None:
    assert check(f"{DASHES}BEGIN {label}{DASHES}\n{body}\n{DASHES}END {label}{DASHES}").verdict is Verdict.INVALID
    assert check(f"{DASHES}BEGIN {label}{DASHES}\n{body}").verdict is not Verdict.VALID


@pytest.mark.parametrize(
    "data",
    [
        numbers(0, P * Q + 2, 65537, P, P, Q, P, Q, Q),
        numbers(7, P * Q, 65537, P, P, Q, P, Q, Q),
        numbers(0, 15, 3, 3, 3, 5, 1, 1, 2),
        numbers(0, P * Q, 65537),
        RSA + b"\0",
        sequence(),
        sequence(der.encoded_number(0)),
        sequence(der.encoded(der.INTEGER, b""), *[der.encoded_number(5)] * 8),
        sequence(der.encoded_number(2), octets(bytes(32))),
        pkcs8("rsa", pkcs8("rsa", RSA)),
        sequence(der.encoded_number(0), sequence(), octets(RSA)),
        sequence(der.encoded_number(0), sequence(der.encoded(der.OID, b"\x81" * 70)), octets(RSA)),
        sequence(*[der.encoded_number(1)] * 65),
        b"\x30\x80" + RSA,
        b"\x30\x89" + bytes(90),
        b"\x3f\x05" + bytes(90),
    ],
)
def test_numbers_that_do_not_fit_are_invalid(data: bytes) -> None:
    assert check(armoured(data)).verdict is Verdict.INVALID


@pytest.mark.parametrize(
    "data",
    [
        openssh(string(b"ssh-ed25519") + string(bytes(32)), b"none", b"\1\2\3\4\5\6\7\7"),
        openssh(string(b"ssh-unheard-of") + bytes(40)),
        b"openssh-key-v2\0" + bytes(90),
    ],
)
def test_openssh_that_does_not_fit_is_invalid(data: bytes) -> None:
    assert check(armoured(data, "OPENSSH PRIVATE KEY")).verdict is Verdict.INVALID


@pytest.mark.parametrize(
    "data",
    [
        b"\x15" + bytes(90),
        b"\x99\x00\x20" + bytes(40),
        packet(b"\x02" + bytes(90)),
        packet(b"\x04" + bytes(4) + b"\x63" + bytes(90)),
        b"\xc5\xe0" + bytes(90),
    ],
)
def test_openpgp_that_does_not_fit_is_invalid(data: bytes) -> None:
    assert check(armoured(data, "PGP PRIVATE KEY BLOCK")).verdict is Verdict.INVALID


@pytest.mark.parametrize(
    ("data", "label"),
    [
        (RSA, "RSA PRIVATE KEY"),
        (pkcs8("ed25519", octets(bytes(range(32)))), "PRIVATE KEY"),
        (openssh(string(b"ssh-ed25519") + string(bytes(32))), "OPENSSH PRIVATE KEY"),
        (packet(PGP_BODY + b"\0"), "PGP PRIVATE KEY BLOCK"),
    ],
)
def test_cut_keys_are_unknown(data: bytes, label: str) -> None:
    text = armoured(data, label)
    begin, end = text.index("\n") + 1, text.rindex("\n")
    for size in range(begin + 24, end - 4, 5):
        assert check(text[:size]).verdict is Verdict.UNKNOWN, size


def test_a_key_without_its_last_line_is_whole() -> None:
    text = armoured(RSA, "RSA PRIVATE KEY")
    assert check(text[: text.rindex("\n")]).verdict is Verdict.VALID


def test_a_key_cut_before_its_end_line_is_unknown() -> None:
    assert check(armoured(RSA[:-90], "RSA PRIVATE KEY")).verdict is Verdict.UNKNOWN


def test_an_encrypted_key_that_was_cut_is_unknown() -> None:
    text = armoured(bytes(96), "RSA PRIVATE KEY", f"Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,{'0F' * 16}\n")
    assert check(text[: text.rindex("\n")]).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "text", ["", "BEGIN PRIVATE KEY", f"{DASHES}BEGIN PUBLIC KEY{DASHES}", f"{DASHES}BEGIN CERTIFICATE"]
)
def test_other_blocks_are_invalid(text: str) -> None:
    assert check(text).verdict is Verdict.INVALID


def test_the_fake_is_no_key_that_anybody_could_use() -> None:
    lines = pem.make(random.Random(3), "").split("\n")
    assert len(lines) > 5
    assert pkcs.read(base64.b64decode("".join(lines[1:-1]))) == pkcs.Key("RSA, 1024 bits")


PPK = (
    "PuTTY-User-Key-File-{version}: {algorithm}\nEncryption: {cipher}\nComment: rsa-key: 20240501\n"
    "Public-Lines: {public_lines}\n{public}\n{derivation}Private-Lines: 1\nAAAAIIRubOZjPrkBJfX9\nPrivate-MAC: 00ff"
)


def ppk(**changes: object) -> Proof:
    blob = base64.b64encode(string(b"ssh-rsa") + string(b"\1\0\1") + string(b"\0" + b"\xff" * 256)).decode()
    fields: dict[str, object] = {
        "version": 2,
        "algorithm": "ssh-rsa",
        "cipher": "none",
        "public_lines": 2,
        "public": f"{blob[:200]}\n{blob[200:]}",
        "derivation": "",
    }
    return FORMATS["putty-key"].check(PPK.format(**(fields | changes)).encode(), {})


def test_putty() -> None:
    assert told(ppk()) == ("RSA, 2048 bits", "not encrypted")
    encrypted = ppk(version=3, cipher="aes256-cbc", derivation="Key-Derivation: Argon2id\nArgon2-Memory: 8192\n")
    assert told(encrypted) == ("RSA, 2048 bits", "encrypted (aes256-cbc)")
    assert encrypted.severity is Severity.MEDIUM


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"algorithm": "ssh-ed25519"}, Verdict.INVALID),
        ({"public": "not\nbase64!"}, Verdict.INVALID),
        ({"public": "AAAA\nB3NzaC1yc2EA"}, Verdict.INVALID),
        ({"public_lines": 400}, Verdict.UNKNOWN),
        ({"public_lines": 99999}, Verdict.UNKNOWN),
        ({"public_lines": "many"}, Verdict.UNKNOWN),
    ],
)
def test_putty_that_does_not_fit(changes: dict[str, object], verdict: Verdict) -> None:
    assert ppk(**changes).verdict is verdict


@pytest.mark.parametrize("form", ["CR LF", "escaped", "escaped twice", "YAML", "joined by nothing", "joined by comma"])
def test_putty_in_strings(form: str) -> None:
    text = FORMATS["putty-key"].make(random.Random(5), "")  # type: ignore[misc]  # this format has a maker
    assert FORMATS["putty-key"].check(FORMS[form](text).encode(), {}).verdict is Verdict.VALID
