"""Everything that Pitviper raises on purpose.

    PitviperError
    ├── UsageError       wrong options or settings            exit 2
    │   ├── ConfigError  a configuration file is wrong
    │   ├── RuleError    a rule file is wrong
    │   └── BaselineError  a baseline file is wrong
    ├── OutputError      a report could not be written        exit 2
    └── TargetError      a target could not be read at all    exit 3

A failure on one member of a target is no exception but a `Gap` in the report. The message says what happened, where and
why; `hint` says what to do next, and is shown by the command line on a line of its own.
"""

from __future__ import annotations


class PitviperError(Exception):
    """Base of all errors that a user can see; `hint` is one imperative sentence, or empty."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(PitviperError):
    """Options or settings that make no sense."""


class ConfigError(UsageError):
    """A configuration file that cannot be read, or holds what it should not."""


class RuleError(UsageError):
    """A rule file that cannot be loaded: names the file, the rule, the field, and what is wrong."""


class BaselineError(UsageError):
    """A baseline file that cannot be read: names the file, the line, and what is wrong."""


class OutputError(PitviperError):
    """A report that could not be written completely."""


class TargetError(PitviperError):
    """A target that does not exist or cannot be read."""
