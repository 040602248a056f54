"""`pitviper baseline`: accept today's findings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from pitviper.cli.exit_codes import ExitCode

Run = Callable[..., Result]
pytestmark = pytest.mark.usefixtures("project")

FILE = "old.baseline"


def entries() -> list[str]:
    return [line.partition(" ")[2] for line in Path(FILE).read_text("utf-8").splitlines()[2:]]


def test_new_file(run: Run) -> None:
    result = run("baseline", FILE, "project")
    assert (result.exit_code, result.stderr) == (ExitCode.CLEAN, "")
    assert result.stdout == "old.baseline: 1 accepted, 0 accepted before, 0 dropped\n"
    assert entries() == ["github-pat project/src/app.py"]


def test_this_folder_is_the_default(run: Run) -> None:
    assert run("baseline", FILE).exit_code == ExitCode.CLEAN
    assert entries() == ["github-pat project/src/app.py"]
    assert run("scan", ".", "--baseline", FILE).exit_code == ExitCode.CLEAN


def test_what_may_be_opened_is_chosen_as_for_a_scan(run: Run) -> None:
    """Else a baseline would not hold what a scan with the same options finds."""
    result = run("baseline", FILE, "pypi:shop", "--index-url", "http://127.0.0.1:1/", "--max-depth", "2")
    assert result.exit_code == ExitCode.INCOMPLETE
    assert "127.0.0.1 cannot be reached" in result.stderr


def test_what_was_accepted_stays(run: Run, token: Callable[[str], str]) -> None:
    run("baseline", FILE, "project")
    before = Path(FILE).read_text("utf-8")
    Path("project/new.py").write_text(token("new"))
    result = run("baseline", FILE, "project")
    assert result.stdout == "old.baseline: 1 accepted, 1 accepted before, 0 dropped\n"
    assert set(before.splitlines()) < set(Path(FILE).read_text("utf-8").splitlines())


def test_again_changes_nothing(run: Run) -> None:
    run("baseline", FILE, "project")
    before = Path(FILE).read_bytes()
    assert run("baseline", FILE, "project").stdout == "old.baseline: 0 accepted, 1 accepted before, 0 dropped\n"
    assert Path(FILE).read_bytes() == before


def test_prune(run: Run) -> None:
    run("baseline", FILE, "project")
    Path("project/src/app.py").write_text("")
    assert run("baseline", FILE, "project").stdout.endswith(", 0 dropped\n")
    result = run("baseline", FILE, "project", "--prune")
    assert result.stdout == "old.baseline: 0 accepted, 0 accepted before, 1 dropped\n"
    assert entries() == []


def test_nothing_is_pruned_for_a_target_that_nobody_saw(run: Run) -> None:
    run("baseline", FILE, "project")
    Path("project").rename("moved")
    result = run("baseline", FILE, "project", "--prune")
    assert result.exit_code == ExitCode.INCOMPLETE
    assert "error: project: No such file or directory" in result.stderr
    assert entries() == ["github-pat project/src/app.py"]


def test_options_that_choose(run: Run) -> None:
    run("baseline", FILE, "project", "--disable", "github-pat", "--only", "secret")
    assert entries() == []


def test_baseline_of_the_settings_accepts_nothing_here(run: Run) -> None:
    """Or what it accepts would be missing in the new one."""
    run("baseline", "other.baseline", "project")
    Path("pitviper.toml").write_text('baseline = "other.baseline"\n')
    assert run("scan", "project").exit_code == ExitCode.CLEAN
    run("baseline", FILE, "project")
    assert entries() == ["github-pat project/src/app.py"]


@pytest.mark.parametrize("text", ["", "no baseline\n"])
def test_other_files_are_not_overwritten(text: str, run: Run) -> None:
    Path(FILE).write_text(text)
    result = run("baseline", FILE, "project")
    assert result.exit_code == ExitCode.USAGE
    assert "old.baseline:1: no baseline: the first line is not '# pitviper baseline 1'" in result.stderr
    assert Path(FILE).read_text() == text


def test_missing_folder(run: Run) -> None:
    result = run("baseline", "missing/old.baseline", "project")
    assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
    assert result.stderr == (
        "error: missing/old.baseline: cannot be written: its folder does not exist\nhint: Create the folder first.\n"
    )
