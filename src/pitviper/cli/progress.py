"""Progress for people who wait: bytes, rate and time left, from the second second on, in a terminal only."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING

from pitviper.look import Outcome
from pitviper.output import _words as words

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from pitviper.scanning import Scan

_PATIENCE = 1.0
"""Seconds before anything is shown: most scans are over by then, and rich need not be imported."""

_WIDE = 80
"""Columns from which on there is room for more than a bar, how much, and how long."""
_WIDEST_BAR = 40
_BESIDE, _BESIDE_WIDE = 24, 72
"""Columns that the bar leaves to all else. Four of them stay empty: a terminal writes `^C` behind the cursor, and where
that would begin another line, the bar could not be wiped off."""


class Progress:
    """Counts outcomes, and draws them on standard error once the scan takes long."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._bytes = 0
        self._all = 0
        """Bytes in all targets; 0 as long as nobody knows."""
        self._findings = 0
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._scan: Scan | None = None
        self._is_wide = True

    def watch(self, scan: Scan) -> None:
        """Draw the progress of `scan`, whose outcomes are passed to `count`."""
        self._scan = scan

    def count(self, outcome: Outcome) -> None:
        """Account for one outcome."""
        self._bytes += outcome.bytes
        self._findings += len(outcome.findings)
        if self._bar is None:
            if time.monotonic() - self._started < _PATIENCE:
                return
            self._start()
        assert self._bar is not None  # noqa: S101 - set by _start
        assert self._task is not None  # noqa: S101 - set by _start
        findings = words.count(self._findings, "finding")
        self._bar.update(self._task, completed=self._bytes, amount=self._amount(), findings=findings)

    def stop(self) -> None:
        """Wipe it off the terminal."""
        if self._bar:
            self._bar.stop()

    def _start(self) -> None:
        from rich.console import Console  # noqa: PLC0415 - 60 ms that a short scan does not pay
        from rich.progress import (  # noqa: PLC0415 - same
            BarColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        console = Console(stderr=True)
        self._is_wide = console.width >= _WIDE
        room = console.width - (_BESIDE_WIDE if self._is_wide else _BESIDE)
        bar = BarColumn(bar_width=max(4, min(room, _WIDEST_BAR)))
        amount, left = TextColumn("{task.fields[amount]}"), TimeRemainingColumn(compact=True)
        columns = [bar, amount, left]
        if self._is_wide:
            findings = TextColumn("{task.fields[findings]}")
            columns = [TextColumn("looking"), bar, amount, TransferSpeedColumn(), left, findings]
        self._bar = Progress(*columns, console=console, transient=True)
        self._task = self._bar.add_task("looking", total=None, amount="", findings="")
        self._bar.start()
        threading.Thread(target=self._measure, daemon=True).start()

    def _amount(self) -> str:
        """How much is done, and of how much as soon as that is known."""
        done = words.size(self._bytes)
        if not self._all:
            return done
        share = f"{min(self._bytes / self._all, 1):.0%}"
        return f"{share} {done} of {words.size(self._all)}" if self._is_wide else f"{share} {done}"

    def _measure(self) -> None:
        """How much there is in all: only known after listing everything once, so only worked out for those who wait."""
        sizes = [source.size() for source in self._scan.sources] if self._scan else []
        if sizes and all(sizes) and self._bar and self._task is not None:
            self._all = sum(sizes)
            self._bar.update(self._task, total=self._all)


def wanted(*, quiet: bool, progress: bool) -> bool:
    """Whether to draw: the user did not refuse, and standard error is a terminal that can."""
    return progress and not quiet and sys.stderr.isatty()
