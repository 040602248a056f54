"""Pitviper finds what does not belong in the Python that people ship and install.

    import pitviper

    for finding in pitviper.scan("src"):
        print(finding.severity, finding.place.path, finding.title)

`scan` is the verb, `Settings` what can be chosen, `Report` and `Finding` what comes back, and `PitviperError` what is
raised.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pitviper.config import Settings
    from pitviper.errors import PitviperError
    from pitviper.model.finding import Finding
    from pitviper.model.report import Report
    from pitviper.scanning import Scan, scan

__version__ = "0.1.0"
__all__ = ["Finding", "PitviperError", "Report", "Scan", "Settings", "__version__", "scan"]

_HOMES = {
    "Finding": "pitviper.model.finding",
    "PitviperError": "pitviper.errors",
    "Report": "pitviper.model.report",
    "Scan": "pitviper.scanning",
    "Settings": "pitviper.config",
    "scan": "pitviper.scanning",
}


def __getattr__(name: str) -> Any:
    """Public names are imported when they are used: `pitviper --version` needs none of them."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
