"""What the place of a match says about it: tests and documentation are full of secrets that are none."""

from __future__ import annotations

import os
import re

_MADE_UP = re.compile(
    r"(?:\A|[/!_.-])(?:tests?|testing|testdata|test_data|fixtures?|mocks?|__snapshots__|cassettes|specs?"
    r"|docs?|documentation|examples?|samples?|demos?|tutorials?|benchmarks?|conftest)(?:[/!_.-]|\Z)",
    re.IGNORECASE,
)


def is_made_up(path: str) -> bool:
    """Whether `path` leads through a folder or a file of tests, fixtures, examples or documentation.

    Of an absolute path only the file's name counts: the rest is where the user keeps things.
    """
    return _MADE_UP.search(os.path.basename(path) if os.path.isabs(path) else path) is not None
