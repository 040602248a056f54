"""The command line: options in, exit code out. It decides nothing that the library does not."""

from __future__ import annotations

import os
import sys

INTERRUPTED = 130
"""As a shell reports a program that Ctrl-C ended; see `pitviper.cli.exit_codes`, which costs an import."""


def main() -> None:
    """Run the command and leave. The version needs no more than this: click alone would cost more than all the rest.

    Ctrl-C while the program is still being imported ends it as it does later, without a traceback.
    """
    try:
        _main()
    except KeyboardInterrupt:
        os.write(2, b"interrupted\n")
        os._exit(INTERRUPTED)


def _main() -> None:
    if sys.argv[1:] in (["--version"], ["-V"]):
        from pitviper import __version__  # noqa: PLC0415 - not needed otherwise

        print(f"pitviper {__version__}")  # noqa: T201 - a command line prints
        return
    from pitviper.cli.commands import run  # noqa: PLC0415 - see above

    run()
