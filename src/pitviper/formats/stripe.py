"""Stripe keys: whether they move money, or pretend to."""

from __future__ import annotations

from collections.abc import Mapping

from pitviper.formats.interface import Proof, Verdict
from pitviper.model.finding import Evidence, Severity

_LIVE, _TEST = b"_live_", b"_test_"
_PREFIX = 12  # bytes in which the mode stands


def check(secret: bytes, groups: Mapping[str, bytes]) -> Proof:
    """The prefix tells the mode; a key of test mode is worth LOW. A key has no checksum: the verdict is UNKNOWN.

    Source: Stripe, "API keys".
    """
    del groups
    head = secret[:_PREFIX]
    if _TEST in head:
        return Proof(Verdict.UNKNOWN, (Evidence("mode", "test"),), Severity.LOW)
    return Proof(Verdict.UNKNOWN, (Evidence("mode", "live"),) if _LIVE in head else ())
