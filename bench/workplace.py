"""Where the benchmarks work, and what they run."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def folder() -> Iterator[str]:
    """A folder where everything is ours: below `PITVIPER_BENCH_DIR`, kept for the next time, else a temporary one."""
    if kept := os.environ.get("PITVIPER_BENCH_DIR"):
        path = os.path.join(os.path.realpath(kept), "pitviper-bench")
        os.makedirs(path, exist_ok=True)
        yield path
    else:
        with tempfile.TemporaryDirectory(prefix="pitviper-bench-") as temporary:
            yield os.path.realpath(temporary)


def add_pitviper(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the program."""
    beside = os.path.join(os.path.dirname(sys.executable), "pitviper")
    parser.add_argument("--pitviper", default=beside, help="the program [the one beside the running Python]")
