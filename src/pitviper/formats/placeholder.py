"""Values that stand where a secret would: placeholders, examples, references to what is kept elsewhere."""

from __future__ import annotations

import re
from functools import lru_cache

_WORDS = re.compile(
    rb"example|placeholder|change.?me|change.?this|replace.?me|replace.?with|redacted|insert.?your|lorem.?ipsum|undefined"
    rb"|your.?(?:own)?.?(?:api|secret|token|key|pass|access|account|project|client)|not.?a?.?real|this.?is.?(?:a|not|my)"
    rb"|s3cr3t|super.?secret|my.?secret|my.?password|test.?test|foo.?bar|dead.?beef.?dead"
    rb"|(?<![a-z])(?:fake|dummy|sample|todo|xxxx+|none|null)(?![a-z])",
    re.IGNORECASE,
)
"""What people write when they write no secret. Short words stand alone, or chance would make them: a word of four
letters appears in 1 of 25,000 random base-62 tokens of 40 characters if any neighbours will do, in 1 of 900,000 so."""

_REFERENCE = re.compile(
    rb"\$\{[^}]*\}?"  # ${VAR}
    rb"|\$\([^)]*\)?"  # $(command)
    rb"|\{\{.*"  # {{ template }}
    rb"|<[A-Za-z][\w .-]*>"  # <your password>
    rb"|%\([\w.]+\)s|%[sdr]"  # %(password)s
    rb"|\{[\w.]*\}"  # {password}
    rb"|\[[A-Za-z_ -]+\]"  # [password]
    rb"|\$[A-Za-z_]\w*"  # $PASSWORD
    rb"|@@?\w+@@?"  # @PASSWORD@
    rb"|[*.x]+"
)
_FORWARDS = (b"abcdefghijklmnopqrstuvwxyz", b"0123456789", b"qwertyuiopasdfghjklzxcvbnm", b"0123456789abcdef")
_ROWS = tuple(row * 16 for forwards in _FORWARDS for row in (forwards, forwards[::-1]))
_NAME = re.compile(rb"[A-Za-z]+(?:[-_. ][A-Za-z]+){1,8}[-_]?\d{0,3}")
_NOUNS = (b"token", b"key", b"password", b"passwd", b"pwd", b"pass", b"secret", b"id")
_RUN = 8
_GRAM = 4
_REPEATED = re.compile(rb"(.)\1{7}", re.DOTALL)


@lru_cache(maxsize=4096)  # the same value stands in many files, and in many versions of one
def is_placeholder(secret: bytes) -> bool:
    """Whether `secret` is made up: words that say so, a reference, one character over and over, rows of a keyboard."""
    return (
        bool(_WORDS.search(secret))
        or is_reference(secret)
        or _is_monotonous(secret)
        or _has_sequence(secret)
        or (_has_sequence(secret[::2]) and _has_sequence(secret[1::2]))  # 1a2b3c4d5e6f7g8h
        or _is_name(secret)
    )


def _is_name(secret: bytes) -> bool:
    """Whether `secret` is words that name one: `my_twitch_password`, `pypi-token`, `AWS_SECRET_ACCESS_KEY`."""
    return bool(_NAME.fullmatch(secret)) and secret.lower().rstrip(b"0123456789_-").endswith(_NOUNS)


def is_reference(secret: bytes) -> bool:
    """Whether `secret` is filled in at run time: `${VAR}`, `{{ token }}`, `<password>`, `%(password)s`."""
    return bool(_REFERENCE.fullmatch(secret.strip())) or b"${" in secret or b"{{" in secret


def _is_monotonous(secret: bytes) -> bool:
    """Whether one character is repeated eight times, or there are at most an eighth as many different ones as bytes."""
    return len(set(secret)) <= max(2, min(len(secret), 32) // 8) or _REPEATED.search(secret) is not None


def _has_sequence(secret: bytes) -> bool:
    """Whether half of it or more, and at least eight characters, follow the alphabet, the digits or a keyboard."""
    lower = secret[:256].lower()
    want = max(_RUN, len(lower) // 2)
    step = want - _GRAM + 1  # a sequence of `want` characters holds one of the grams that begin at multiples of this
    grams = (lower[start : start + _GRAM] for start in range(0, len(lower) - _GRAM + 1, step))
    if not any(gram in row for gram in grams for row in _ROWS):
        return False
    pieces = (lower[start : start + want] for start in range(len(lower) - want + 1))
    return any(piece in row for piece in pieces for row in _ROWS)
