"""Pitviper finds what does not belong in the Python that people ship and install.

    import pitviper

    for finding in pitviper.scan("src"):
        print(finding.severity, finding.place.path, finding.title)

`scan` is the verb, `Settings` what can be chosen, `Report` and `Finding` what comes back, and `PitviperError` what is
raised: `UsageError` for what makes no sense, `TargetError` for what cannot be read. `Severity`, `Confidence`,
`Audience` and `Kind` are the words of settings and findings.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pitviper.config import Settings
    from pitviper.errors import PitviperError, TargetError, UsageError
    from pitviper.model.finding import Audience, Confidence, Finding, Kind, Severity
    from pitviper.model.report import Report
    from pitviper.scanning import Scan, scan

__version__ = "0.1.0"
__all__ = [
    "Audience",
    "Confidence",
    "Finding",
    "Kind",
    "PitviperError",
    "Report",
    "Scan",
    "Settings",
    "Severity",
    "TargetError",
    "UsageError",
    "__version__",
    "scan",
]

_HOMES = {
    "Audience": "pitviper.model.finding",
    "Confidence": "pitviper.model.finding",
    "Finding": "pitviper.model.finding",
    "Kind": "pitviper.model.finding",
    "PitviperError": "pitviper.errors",
    "Report": "pitviper.model.report",
    "Scan": "pitviper.scanning",
    "Settings": "pitviper.config",
    "Severity": "pitviper.model.finding",
    "TargetError": "pitviper.errors",
    "UsageError": "pitviper.errors",
    "scan": "pitviper.scanning",
}


def __getattr__(name: str) -> Any:
    """Public names are imported when they are used: `pitviper --version` needs none of them."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
