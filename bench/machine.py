"""Facts about the machine, without which no figure means anything."""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime


def facts() -> dict[str, str]:
    """What a reader needs to judge the figures, in the order to show it."""
    return {
        "Processor": f"{_processor()}, {cores()} cores for this process",
        "Memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "System": f"{platform.system()} {platform.release()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "Date": datetime.now(UTC).date().isoformat(),
        "Load before the run": f"{os.getloadavg()[0]:.2f}",
    }


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                name, _, value = line.partition(":")
                if name.strip() == "model name":
                    return value.strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
