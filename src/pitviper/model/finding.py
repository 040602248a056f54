"""`Finding`: a match that survived validation, with all a reader needs to act on it."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from pitviper.model.place import Place


class Kind(StrEnum):
    """What sort of thing does not belong."""

    SECRET = "secret"  # noqa: S105 - the word, no password
    BEHAVIOUR = "behaviour"
    HYGIENE = "hygiene"


class Severity(StrEnum):
    """How bad it is if true, worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the worst, growing as it matters less."""
        return _SEVERITY_RANK[self]


class Confidence(StrEnum):
    """How sure we are: a checksum or structure proves it, shape and surroundings say so, or it only looks like it."""

    CERTAIN = "certain"
    FIRM = "firm"
    TENTATIVE = "tentative"

    @property
    def rank(self) -> int:
        """0 for the surest."""
        return _CONFIDENCE_RANK[self]


class Audience(StrEnum):
    """Who wants to see it: everyone, or only an auditor who asked for all of it."""

    EVERYONE = "everyone"
    AUDITOR = "auditor"


_SEVERITY_RANK = {severity: rank for rank, severity in enumerate(Severity)}
_CONFIDENCE_RANK = {confidence: rank for rank, confidence in enumerate(Confidence)}


class Evidence(msgspec.Struct, frozen=True):
    """One reason to believe a finding: `name` is a word or two ("checksum"), `text` a phrase ("CRC32 matches")."""

    name: str
    text: str


class Secret(msgspec.Struct, frozen=True):
    """What may be told of a secret. `length` counts bytes; `value` is None unless the user asked to see secrets."""

    redacted: str
    length: int
    value: str | None = None

    def __repr__(self) -> str:
        """Never shows `value`: a repr ends up in logs."""
        return f"Secret(redacted={self.redacted!r}, length={self.length})"


class Finding(msgspec.Struct, frozen=True):
    """What was found, where, how sure, and what to do.

    `id` is the fingerprint: the same secret under the same rule has the same `id` wherever it lies, so it survives
    moved lines and renamed files. `also_at` lists further places of the same secret, `place` the first.
    """

    id: str
    kind: Kind
    rule: str
    title: str
    severity: Severity
    confidence: Confidence
    audience: Audience
    place: Place
    secret: Secret | None
    evidence: tuple[Evidence, ...] = ()
    remedy: str = ""
    references: tuple[str, ...] = ()
    also_at: tuple[Place, ...] = ()
