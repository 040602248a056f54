"""What holds for all commands: help, version, and what is said when something goes wrong."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import click
import pytest
from click.testing import CliRunner, Result

import pitviper
from pitviper.cli.commands import cli
from pitviper.cli.exit_codes import ExitCode
from pitviper.rules import loading

Run = Callable[..., Result]
Command = Callable[..., subprocess.CompletedProcess[str]]


def commands(command: click.Command = cli, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The way to each command, and to each command of a group."""
    found = [path]
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child
            found += commands(child, (*path, name))
    return found


class TestHelp:
    """Every word of it is compared with the documentation in `tests/test_docs.py`."""

    @pytest.mark.parametrize("arguments", commands(), ids=" ".join)
    def test_of_every_command(self, arguments: tuple[str, ...], run: Run) -> None:
        result = run(*arguments, "--help")
        assert result.exit_code == ExitCode.CLEAN
        assert result.stdout.startswith(f"Usage: {' '.join(('pitviper', *arguments))} ")
        assert max(map(len, result.stdout.splitlines())) <= 100
        assert run(*arguments, "-h").stdout == result.stdout

    def test_narrow_terminal(self, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", "40")
        lines = command("scan", "--help").stdout.splitlines()
        assert "  --strict        Exit with 3 if" in lines
        long = [line for line in lines[lines.index("Options:") :] if len(line) > 40]
        assert [line for line in long if not line.startswith("  -")] == []

    def test_without_arguments(self, run: Run) -> None:
        result = run()
        assert result.exit_code == ExitCode.USAGE
        assert "Usage: pitviper [OPTIONS] COMMAND [ARGS]..." in result.stderr

    def test_loads_no_engine(self) -> None:
        """Whoever asks for help must not wait."""
        script = """
import sys
from click.testing import CliRunner
from pitviper.cli.commands import cli
for arguments in (["--help"], ["scan", "--help"], ["baseline", "--help"]):
    assert CliRunner().invoke(cli, arguments).exit_code == 0
print([name for name in ("hyperscan", "rich", "pitviper.scanning", "pitviper.look") if name in sys.modules])
"""
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
        assert done.stdout == "[]\n"


class TestVersion:
    @pytest.mark.parametrize("option", ["--version", "-V"])
    def test_is_told(self, option: str, run: Run, command: Command) -> None:
        told = f"pitviper {pitviper.__version__}\n"
        assert run(option).stdout == told
        done = command(option)
        assert (done.returncode, done.stdout, done.stderr) == (0, told, "")


class TestMistake:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["scna", "."], "No such command 'scna'. Did you mean 'scan'?\n"),
            (["SCAN", "."], "No such command 'SCAN'. Did you mean 'scan'?\n"),
            (["zzz"], "No such command 'zzz'.\n"),
            (["rules", "shwo"], "No such command 'shwo'. Did you mean 'show'?\n"),
        ],
    )
    def test_unknown_command(self, arguments: list[str], message: str, run: Run) -> None:
        result = run(*arguments)
        assert result.exit_code == ExitCode.USAGE
        assert result.stderr.endswith(f"Error: {message}")

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["scan"], "Missing argument 'TARGET...'"),
            (["scan", ""], "the name of a target is empty"),
            (["baseline", "x", ""], "the name of a target is empty"),
            (["scan", ".", "--outptu", "x"], "No such option"),
            (["scan", ".", "--fail-on", "awful"], "'awful' is not one of 'critical', 'high', 'medium', 'low', 'info'"),
            (["scan", ".", "--min-severity", ""], "'' is not one of 'critical'"),
            (["scan", ".", "--only", "sekret"], "'sekret' is not made of secret, behaviour, hygiene."),
            (["scan", ".", "--only", "secret,"], "'secret,' is not made of"),
            (["scan", ".", "-j", "0"], "0 is not in the range 1<=x<=256"),
            (["baseline"], "Missing argument 'FILE'"),
            (["rules", "show"], "Missing argument 'ID'"),
            (["rules", "profile"], "Missing argument 'TARGET...'"),
        ],
    )
    def test_wrong_usage(self, arguments: list[str], message: str, run: Run) -> None:
        result = run(*arguments)
        assert result.exit_code == ExitCode.USAGE
        assert message in result.stderr
        assert result.stdout == ""

    def test_hint_stands_on_a_line_of_its_own(self, run: Run) -> None:
        result = run("scan", ".", "--disable", "git-hub")
        assert result.exit_code == ExitCode.USAGE
        assert result.stderr == ("error: no rule is named 'git-hub'\nhint: Did you mean github-pat?\n")

    @pytest.mark.parametrize("option", ["--config", "--baseline", "--rules"])
    def test_hostile_name_in_an_error(self, option: str, run: Run) -> None:
        result = run("scan", ".", option, "no\x1b[2J\nsuch\u202efile")
        assert result.exit_code == ExitCode.USAGE
        assert r"no\x1b[2J\nsuch\u202efile" in result.stderr
        assert all(line.isprintable() for line in result.stderr.splitlines())


class TestDefect:
    """What nobody expected is told in one line that can be searched for, and holds nothing of what was scanned."""

    @pytest.fixture(autouse=True)
    def defect(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object) -> None:
            raise ValueError("with the secret hunter2 in it")

        monkeypatch.setattr(loading, "load", fail)

    def test_is_told_in_a_line(self, run: Run) -> None:
        result = run("rules", "list")
        assert result.exit_code == ExitCode.INCOMPLETE
        assert result.stderr == (
            "error: this is a defect in pitviper: ValueError\n"
            "hint: Please report it, with the traceback that PITVIPER_TRACEBACK=1 shows.\n"
        )

    def test_traceback_for_those_who_ask(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PITVIPER_TRACEBACK", "1")
        with pytest.raises(ValueError, match="hunter2"):
            CliRunner().invoke(cli, ["rules", "list"], catch_exceptions=False)


def test_interrupt_before_there_is_anything_to_report(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(loading, "load", interrupt)
    result = run("rules", "list")
    assert (result.exit_code, result.stdout, result.stderr) == (ExitCode.INTERRUPTED, "", "interrupted\n")
