"""`Report`: everything that one scan has to say, as `pitviper.report/1`."""

from __future__ import annotations

import msgspec

from pitviper.model.finding import Finding
from pitviper.model.gap import Gap

SCHEMA = "pitviper.report/1"


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """What made the report: `rules` is the digest of the rule set, so that two reports can be compared."""

    name: str = "pitviper"
    version: str
    rules: str


class Hidden(msgspec.Struct):
    """How many findings the settings keep out: only for auditors, below `--min-severity`, of a kind not in `--only`."""

    auditor: int = 0
    severity: int = 0
    kind: int = 0

    def add(self, other: Hidden) -> None:
        """Count what `other` counts, too."""
        self.auditor += other.auditor
        self.severity += other.severity
        self.kind += other.kind


class Stats(msgspec.Struct, frozen=True):
    """What the scan cost.

    `bytes` were read, `expanded_bytes` came out of containers; `skipped` files and folders `.gitignore` left out.
    """

    artifacts: int = 0
    blobs: int = 0
    bytes: int = 0
    expanded_bytes: int = 0
    seconds: float = 0.0
    skipped: int = 0
    hidden: Hidden = msgspec.field(default_factory=Hidden)


class Ignored(msgspec.Struct, frozen=True):
    """A finding that somebody accepted in place, with the reason they gave."""

    finding: Finding
    reason: str = ""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a scan.

    `ignored` findings were accepted by a comment on their line, `suppressed` ones by the baseline. `interrupted` says
    that the scan was stopped and the report holds what was found until then.
    """

    schema: str = SCHEMA
    tool: Tool
    targets: tuple[str, ...]
    findings: tuple[Finding, ...]
    verdicts: tuple[()] = ()
    ignored: tuple[Ignored, ...] = ()
    suppressed: tuple[Finding, ...] = ()
    gaps: tuple[Gap, ...] = ()
    stats: Stats
    interrupted: bool = False
