"""Progress for people who wait: bytes, rate and time left, from the second second on, in a terminal only."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING

from pitviper.look import Outcome

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from pitviper.scanning import Scan

_PATIENCE = 1.0
"""Seconds before anything is shown: most scans are over by then, and rich need not be imported."""


class Progress:
    """Counts outcomes, and draws them on standard error once the scan takes long."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._bytes = 0
        self._findings = 0
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._scan: Scan | None = None

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
        self._bar.update(self._task, completed=self._bytes, findings=self._findings)

    def stop(self) -> None:
        """Wipe it off the terminal."""
        if self._bar:
            self._bar.stop()

    def _start(self) -> None:
        from rich.console import Console  # noqa: PLC0415 - 60 ms that a short scan does not pay
        from rich.progress import (  # noqa: PLC0415 - same
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        self._bar = Progress(
            TextColumn("looking"),
            BarColumn(bar_width=None),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[findings]} findings"),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task("looking", total=None, findings=0)
        self._bar.start()
        threading.Thread(target=self._measure, daemon=True).start()

    def _measure(self) -> None:
        """How much there is in all: only known after listing everything once, so only worked out for those who wait."""
        sizes = [source.size() for source in self._scan.sources] if self._scan else []
        if sizes and all(sizes) and self._bar and self._task is not None:
            self._bar.update(self._task, total=sum(sizes))


def wanted(*, quiet: bool, progress: bool) -> bool:
    """Whether to draw: the user did not refuse, and standard error is a terminal that can."""
    return progress and not quiet and sys.stderr.isatty()
