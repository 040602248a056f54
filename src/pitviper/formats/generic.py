"""Values without a format: the name they are assigned to speaks for a secret, and that no person would write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise

from pitviper.formats.encoding import base64_bytes
from pitviper.formats.interface import Proof, Verdict
from pitviper.formats.placeholder import is_placeholder

_NO_SECRET = frozenset(
    b"""
    alg algorithm arn attr attribute audience button bytes callback checksum class classes classification column count
    default desc description digest dir doc docs domain element email endpoint env error errors example expiration
    expire expires expiry field fields file filename folder form format handler hash hashes header headers help hint
    host icon id ids index input issuer label len length lifetime limit login manager max message method min mode msg
    name names page param parameter path pattern placeholder policies policy prefix provider pub public realm ref
    regex resource role route rule rules scheme scope scopes selector server service size source state status store
    strategy subject suffix table target template text title type types uri url urls usage user username validator var
    variable version view
    """.split()
)
"""Last words of names that speak about secrets and hold none: `token_url`, `password_field`, `secretName`."""

_ENDINGS = tuple(word for word in _NO_SECRET if len(word) > len("name"))
"""Those that end a longer word too, as in `secretsmanager`; shorter ones may do so by chance."""

_NO_TOKEN = re.compile(
    rb"(?:next|lock|page|verification|paging|pagination|change|request|update|continuation|forward|backward|sync|cursor|idempotency"
    rb"|csrf|xsrf|unk|unknown|pad|mask|eos|bos|sep|cls|stop|end|start|default)[_.-]?(?:lock[_.-]?)?tokens?[\d_.-]*\Z",
    re.IGNORECASE,
)
"""Tokens that open nothing: of paging, of idempotency, of language models."""

_HASHES = frozenset(b"sha md hash hashed digest fingerprint thumbprint checksum etag crc".split())
"""Words of names that hold a hash, wherever they stand: `PASSWORD_SHA1`, `hashed_token`. A hash is made to be shown."""
_WORD = re.compile(rb"[A-Z]?[a-z]+|[A-Z]+")

_UUID = re.compile(rb"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")

_LAST_WORD = re.compile(rb"(?:[A-Z]?[a-z]+|[A-Z]+)(?=[\d_.-]*\Z)")

_WORDY = re.compile(rb"[A-Za-z]*(?:[-_./:,;|+@#~ ][A-Za-z]*)*\d{0,4}")
"""Words, joined in any of the ways in which people join words, with a number behind at most."""

_PATH = re.compile(
    rb"[A-Za-z]:\\.*|~?/[\w./-]*|\.{1,2}/.*|[a-z][a-z0-9+.-]*://.*|[\w-]+(?:\.[\w-]+){2,}|#[0-9a-fA-F]{3,8}|\w+\(.*"
    rb"|0x[0-9a-fA-F]{40}|arn:aws[\w-]*:.*|%\w+%"
    rb"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*|(?:pbkdf2_\w+|bcrypt\w*|argon2\w*|scrypt)\$.*"
)
"""Paths, addresses, dotted names, colours, calls, names of resources, `%VARIABLES%`, dates, password hashes."""
_CODE = re.compile(rb"[<>{}()\[\]\\]|%[sdr(]|&&|=>|\A\$|::|;\Z")

_PART = re.compile(rb"[^-_/+=.]+")
_RUN_OF_LETTERS = re.compile(rb"[A-Z]?[a-z]+|[A-Z]+")
_DIGITS = re.compile(rb"[0-9]+")
_SHORT_WORD, _LONG_WORD = 3, 4
"""Letters of a word, on average: in names such as `TLS_AES_128_GCM_SHA256`, and in `CodeBlockWithIssue14118`."""
_LONG_PART = 10
"""Characters from which on a part of a value is judged alone: what is behind `acme_live_`."""

_LONGEST_WORD = 24
_LEAST_DIGITS = 2
_CHANGES = 4
"""A random value changes between kinds of characters at least every fourth byte: base 62 at 0.65 of them, hexadecimal
at 0.47; words in camel case at 0.2."""


def check(secret: bytes, groups: Mapping[str, bytes]) -> Proof:
    """A value assigned to a name of secrets: INVALID where value or name say that it is none, else UNKNOWN."""
    if _WORDY.fullmatch(secret) or _PATH.fullmatch(secret) or _CODE.search(secret) or _UUID.fullmatch(secret):
        return Proof(Verdict.INVALID)
    name = groups.get("name", b"")
    if _NO_TOKEN.search(name[-_LONGEST_WORD:]) or _is_hash(name):
        return Proof(Verdict.INVALID)
    last = _LAST_WORD.search(name[-_LONGEST_WORD:])
    if last and (last[0].lower() in _NO_SECRET or last[0].lower().endswith(_ENDINGS)):
        return Proof(Verdict.INVALID)
    if is_placeholder(secret) or secret.lower() in name.lower() or _hides_words(secret):
        return Proof(Verdict.INVALID)
    return Proof(Verdict.UNKNOWN)


def _is_hash(name: bytes) -> bool:
    return not _HASHES.isdisjoint(word.lower() for word in _WORD.findall(name))


def _hides_words(secret: bytes) -> bool:
    """Whether it is base64 of words, or of a placeholder."""
    inner = base64_bytes(secret) if len(secret) % 4 == 0 else None
    return bool(inner and inner.isascii() and (_WORDY.fullmatch(inner) or is_placeholder(inner)))


def check_random(secret: bytes, groups: Mapping[str, bytes]) -> Proof:
    """As `check`, for values that only a machine would write: letters and digits well mixed, or hexadecimal digits."""
    if check(secret, groups).verdict is Verdict.INVALID:
        return Proof(Verdict.INVALID)
    if _is_numbered(secret):
        return Proof(Verdict.INVALID)
    digits = sum(byte in b"0123456789" for byte in secret)
    changes = sum(_kind(before) != _kind(after) for before, after in pairwise(secret))
    return Proof(Verdict.UNKNOWN if digits >= _LEAST_DIGITS and changes * _CHANGES >= len(secret) else Verdict.INVALID)


def _is_numbered(secret: bytes) -> bool:
    """Whether it is words with numbers, as in `check_openssl_supports_tls_1_2` or `Route53RecordSetGroup`.

    Of random values of 20 characters that is said of 0.4 % in base 62, 1.9 % in base 36 and 11 % in base 32; of 32
    characters 0.1 %, 0.1 % and 1.3 % (20,000 each).
    """
    return _letters(secret) >= _SHORT_WORD and all(
        _is_word(part) for part in _PART.findall(secret) if len(part) >= _LONG_PART
    )


def _is_word(part: bytes) -> bool:
    if part.islower() or part.isupper():
        return len(_DIGITS.findall(part)) <= 1
    return _letters(part) >= _LONG_WORD


def _letters(text: bytes) -> float:
    """Letters of a run in the same case, on average."""
    runs = _RUN_OF_LETTERS.findall(text)
    return sum(map(len, runs)) / len(runs) if runs else 0


def _kind(byte: int) -> int:
    """0 digit, 1 capital, 2 small letter, 3 other."""
    if byte in b"0123456789":
        return 0
    return 1 if byte in b"ABCDEFGHIJKLMNOPQRSTUVWXYZ" else 2 if byte in b"abcdefghijklmnopqrstuvwxyz" else 3
