"""`Gap`: a place that could not be (fully) looked into, and why."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Reason(StrEnum):
    """Why nobody looked."""

    UNREADABLE = "unreadable"
    """The operating system refused."""
    VANISHED = "vanished"
    """Gone between listing and opening."""
    CHANGED = "changed"
    """It shrank, grew or was replaced while it was read."""
    SPECIAL_FILE = "special-file"
    """A FIFO, socket or device; reading one could block for ever or change it."""
    BROKEN_SYMLINK = "broken-symlink"
    """It points to nothing, or to itself."""
    OUTSIDE_SYMLINK = "outside-symlink"
    """It points out of the target."""
    ELSEWHERE = "elsewhere"
    """What is installed there lies out of the target."""
    UNSUPPORTED = "unsupported"
    """A container, or a way to compress, that this version does not open."""
    ENCRYPTED = "encrypted"
    """No password that was given opens it."""
    DAMAGED = "damaged"
    """A container that is cut short, or is not what it should be; what could be had of it was looked into."""
    OVER_BUDGET = "over-budget"
    """It would have cost more than the limits allow."""
    FAILED = "failed"
    """Pitviper itself failed on it: a defect worth reporting."""


class Gap(msgspec.Struct, frozen=True, order=True):
    """A place nobody looked into, with the reason and a sentence of detail. `path` is escaped for display."""

    path: str
    reason: Reason
    detail: str = ""
