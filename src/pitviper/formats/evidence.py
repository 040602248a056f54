"""Evidence from inside tokens: short, printable, and never the secret."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from pitviper.model.finding import Evidence, Severity
from pitviper.model.place import escape

_MOST = 80  # characters: enough for a host or an account, too few for a token to hide in
_END_OF_TIME = 253_402_300_800  # 10000-01-01, where datetime ends


def fact(name: str, text: str) -> Evidence:
    """Evidence `name` with `text` made fit to print: one line, at most 80 characters."""
    return Evidence(name, escape(text if len(text) <= _MOST else text[: _MOST - 1] + "…"))


def date(epoch: float) -> str:
    """The day (UTC) of `epoch`, seconds since 1970, as `2021-03-04`; empty where there is no such day."""
    if not 0 <= epoch < _END_OF_TIME:
        return ""
    return datetime.fromtimestamp(epoch, UTC).date().isoformat()


def expiry(epoch: object) -> tuple[tuple[Evidence, ...], Severity | None]:
    """What an expiry `epoch` (seconds since 1970) says: evidence, and LOW where it has passed; nothing if none."""
    if isinstance(epoch, bool) or not isinstance(epoch, int | float):
        return (), None
    day = date(epoch)
    if not day:
        return (), None
    if epoch < time.time():
        return (Evidence("expiry", f"expired {day}"),), Severity.LOW
    return (Evidence("expiry", f"expires {day}"),), None
