"""The command line: options in, exit code out. It decides nothing that the library does not."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command and leave. The version needs no more than this: click alone would cost more than all the rest."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from pitviper import __version__  # noqa: PLC0415 - not needed otherwise

        print(f"pitviper {__version__}")  # noqa: T201 - a command line prints
        return
    from pitviper.cli.commands import run  # noqa: PLC0415 - see above

    run()
