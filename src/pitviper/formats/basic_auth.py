"""User and password in base64: HTTP Basic, Docker's `config.json`, npm's `_auth`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random

from pitviper.formats.crc import BASE62
from pitviper.formats.encoding import base64_bytes, to_base64
from pitviper.formats.evidence import fact
from pitviper.formats.interface import Proof, Verdict
from pitviper.formats.placeholder import is_placeholder
from pitviper.model.finding import Evidence

_WORDS = re.compile(
    r"(?:my|your|some|the|db|user)?(?:pass|passw(?:or)?d|pwd|pw|secret|token|key)\d{0,3}|admin|apikey|bar|baz|example|foo"
    r"|foobar|guest|hunter2|letmein|none|null|opensesame|root|test(?:ing)?\d{0,3}|user(?:name)?|\d{1,6}"
)
"""Passwords that are none, once spaces and marks are out of them."""
_MARKS = re.compile(r"[^a-z0-9]+")
_OPENLY = 20  # characters: users are shorter, or e-mail addresses; a token in the user's place is longer
_MAIL = re.compile(r"[\w.+-]{1,40}@[\w.-]{1,40}", re.ASCII)


def check(secret: bytes, groups: Mapping[str, bytes]) -> Proof:
    """The text decodes to a user and a password, both printable, and the password is no placeholder.

    Evidence tells the user, unless it is so long that it may be a token; then it tells how the user begins.

    Source: RFC 7617, whose own sample is among the placeholders.
    """
    del groups
    try:
        text = (base64_bytes(secret) or b"").decode()
    except UnicodeDecodeError:
        return Proof(Verdict.INVALID)
    user, _, password = text.partition(":")
    if not user.isprintable() or not user.strip() or not "".join(password.split()).isprintable():
        return Proof(Verdict.INVALID)
    if _is_placeholder(password):
        return Proof(Verdict.INVALID)
    openly = len(user) <= _OPENLY or _MAIL.fullmatch(user)
    return Proof(Verdict.VALID, (fact("user", user) if openly else Evidence("user", f"{user[:4]}…"),))


def make(rng: Random, before: str) -> str:
    """A user with a random password of 20 characters."""
    del before
    return to_base64(f"deploy{rng.randrange(1000)}:{''.join(rng.choices(BASE62, k=20))}".encode())


def _is_placeholder(password: str) -> bool:
    plain = _MARKS.sub("", password.lower())
    return not plain or bool(_WORDS.fullmatch(plain)) or is_placeholder(password.encode())
