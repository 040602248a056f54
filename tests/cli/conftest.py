"""A working directory with a leak in it, and two ways to run the command: in this process, and as users do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pitviper.cli.commands import cli

Run = Callable[..., Result]
Command = Callable[..., subprocess.CompletedProcess[str]]

TIMEOUT = 60
"""Seconds after which a command hangs."""


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder of its own, a width of 100 columns, and nothing that the user's shell wants."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "PITVIPER_TRACEBACK"):
        monkeypatch.delenv(name, raising=False)
    handler = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture
def project(token: Callable[[str], str]) -> str:
    """The folder `project` with a GitHub token in line 2 of `src/app.py`; the token."""
    leaked = token("project")
    os.makedirs("project/src")
    Path("project/src/app.py").write_text(f"from acme import client\nclient.login('{leaked}')\n")
    Path("project/README.md").write_text("# A project\n")
    return leaked


@pytest.fixture
def run() -> Run:
    """A function that runs the command line in this process."""

    def invoke(*arguments: str) -> Result:
        result = CliRunner().invoke(cli, arguments, prog_name="pitviper")
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return invoke


@pytest.fixture
def command() -> Command:
    """A function that runs the command in a process of its own, without a terminal."""

    def start(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
        call = [sys.executable, "-m", "pitviper", *arguments]
        given = {"stdin": subprocess.DEVNULL} if "input" not in options else {}
        return subprocess.run(  # type: ignore[call-overload,no-any-return]  # the caller's options
            call, capture_output=True, encoding="utf-8", timeout=TIMEOUT, check=False, **given, **options
        )

    return start
