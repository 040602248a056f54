"""What the exit code says. docs/exit-codes.md explains each."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The five answers; where several hold, the one that stands last here wins over `FINDINGS`."""

    CLEAN = 0
    """Nothing at or above `--fail-on`."""
    FINDINGS = 1
    """Findings at or above `--fail-on`."""
    USAGE = 2
    """Wrong options or configuration, or a report that could not be written."""
    INCOMPLETE = 3
    """A target could not be read, or with `--strict` any Gap."""
    INTERRUPTED = 130
    """Stopped by the user (128 + SIGINT); the report holds what was found until then."""
