"""The picture in the README: what a terminal shows of the leak of July 2024, made anew.

`python demo/picture.py FILE.svg` saves an image like that of the demo, scans it in a pseudo-terminal, and draws what
that shows. The tokens are fakes, made from the templates of the rules.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import image
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

_WIDTH = 100
_FORMAT = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL).replace(
    "Fira Code, monospace", "ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace"
)
"""Rich's, without fonts from the network."""
_COMMAND = ("scan", "app.tar")
_LEFT_OUT = ("app/deploy.ini", "app/vendor/assistant-1.0-py3-none-any.whl")
"""A picture tells one story."""


def main() -> None:
    """Write the picture to the file that is named."""
    with tempfile.TemporaryDirectory(prefix="pitviper-demo-") as folder:
        image.save(Path(folder, "app.tar"), without=_LEFT_OUT)
        shown = _terminal([sys.executable, "-m", "pitviper", *_COMMAND], folder)
    console = Console(record=True, width=_WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(f"$ pitviper {' '.join(_COMMAND)}\n{shown}"))
    console.save_svg(sys.argv[1], title="pitviper", code_format=_FORMAT)


def _terminal(call: list[str], folder: str) -> str:
    """What `call` writes to a terminal."""
    outer, inner = os.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(_WIDTH)}
    with subprocess.Popen(call, cwd=folder, stdin=inner, stdout=inner, stderr=inner, env=environment) as process:
        os.close(inner)
        text = b""
        with contextlib.suppress(OSError):  # Linux's way to say that the other side is closed
            while piece := os.read(outer, 4096):
                text += piece
        process.wait()
    os.close(outer)
    return text.decode().replace("\r\n", "\n")


if __name__ == "__main__":
    main()
