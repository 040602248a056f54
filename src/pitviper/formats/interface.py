"""What a format is: two functions, one that checks a token and one that makes a fake."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from random import Random

import msgspec

from pitviper.model.finding import Evidence, Severity


class Verdict(StrEnum):
    """What a format's check concludes."""

    VALID = "valid"
    """The checksum or structure proves the token genuine in form: confidence `certain`."""
    INVALID = "invalid"
    """It cannot be such a token: no finding."""
    UNKNOWN = "unknown"
    """Nothing decided; the rule's own confidence stands."""


class Proof(msgspec.Struct, frozen=True):
    """A format's verdict, with what it could read out of the token.

    `severity` replaces the rule's where the token tells (an expired JWT, a test key); `evidence` holds readable facts
    (account id, project, expiry), never the secret.
    """

    verdict: Verdict
    evidence: tuple[Evidence, ...] = ()
    severity: Severity | None = None


Check = Callable[[bytes, Mapping[str, bytes]], Proof]
"""`check(secret, groups)`: the secret's bytes and the named groups of the match. Never raises, whatever the bytes."""

Make = Callable[[Random, str], str]
"""`make(rng, before)`: text that passes `check` when it is appended to `before`, the template's text so far."""


class Format(msgspec.Struct, frozen=True):
    """The two sides of one format."""

    check: Check
    make: Make | None = None
