"""The command as users run it: signals, pipes, standard input, terminals, several processes."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from pitviper.cli.exit_codes import ExitCode

Command = Callable[..., subprocess.CompletedProcess[str]]

PITVIPER = [sys.executable, "-m", "pitviper"]
TIMEOUT = 60
posix = pytest.mark.skipif(os.name != "posix", reason="POSIX has such signals, pipes and terminals")
linux = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has a device that is full")


@contextlib.contextmanager
def running(arguments: list[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """The command, which is killed if it hangs."""
    with subprocess.Popen([*PITVIPER, *arguments], stderr=subprocess.PIPE, **options) as process:
        guard = threading.Timer(TIMEOUT, process.kill)
        guard.start()
        try:
            yield process
        finally:
            guard.cancel()
            process.kill()


def pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream
    return stream


def without_time(report: Any) -> Any:
    del report["stats"]["seconds"]
    return report


class TestStandardInput:
    def test_text(self, command: Command, token: Callable[[str], str]) -> None:
        done = command("scan", "-", input=f"first\ngh = '{token('stdin')}'\n")
        assert (done.returncode, done.stderr) == (ExitCode.FINDINGS, "")
        assert "<stdin>:2:7" in done.stdout

    def test_nothing(self, command: Command) -> None:
        done = command("scan", "-", input="")
        assert (done.returncode, done.stdout.splitlines()[0]) == (ExitCode.CLEAN, "nothing found")

    @posix
    def test_fifo_that_is_named(self, command: Command, token: Callable[[str], str]) -> None:
        os.mkfifo("queue")
        writer = threading.Thread(target=Path("queue").write_text, args=(token("fifo"),), daemon=True)
        writer.start()
        done = command("scan", "queue", "-o", "json")
        writer.join(TIMEOUT)
        assert [finding["place"]["path"] for finding in json.loads(done.stdout)["findings"]] == ["queue"]


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("in_files", [False, True])
def test_interrupt_keeps_what_was_found(number: signal.Signals, in_files: bool, token: Callable[[str], str]) -> None:  # noqa: FBT001 - a case
    arguments = ["scan", "-", "-o", "json:report.json", *(() if in_files else ("-o", "text"))]
    with running(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        # More than all the buffers of a scan hold: when the last byte is taken, the first are long looked into.
        pipe(process.stdin).write(f"gh = '{token('interrupt')}'\n".encode() + b"x\n" * 5_000_000)
        pipe(process.stdin).flush()
        process.send_signal(number)
        process.wait(TIMEOUT)
        shown, errors = pipe(process.stdout).read().decode(), pipe(process.stderr).read().decode()
    assert process.returncode == ExitCode.INTERRUPTED
    if in_files:
        assert (shown, errors) == (
            "",
            "interrupted: the report holds what was found until then\n1 finding (1 critical): json in report.json\n",
        )
    else:
        assert errors == ""
        assert "interrupted: this is what was found until then" in shown
    report = json.loads(Path("report.json").read_text("utf-8"))
    assert report["interrupted"] is True
    assert [finding["rule"] for finding in report["findings"]] == ["github-pat"]


class TestReader:
    @posix
    @pytest.mark.usefixtures("project")
    @pytest.mark.parametrize(("name", "file"), [("json", "report.json"), ("markdown", "report.md")])
    def test_that_stops_early(self, name: str, file: str) -> None:
        with running(["scan", "project", "-o", name], stdout=subprocess.PIPE) as process:
            pipe(process.stdout).close()
            errors = pipe(process.stderr).read().decode()
        assert process.returncode == ExitCode.USAGE
        assert errors == (
            f"error: cannot write the {name} report to standard output: Broken pipe\n"
            f"hint: The reader stopped early: write to a file instead, as in `-o {name}:{file}`.\n"
        )

    @posix
    def test_that_has_what_it_wants_of_a_list(self) -> None:
        with running(["rules", "list"], stdout=subprocess.PIPE) as process:
            pipe(process.stdout).close()
            errors = pipe(process.stderr).read().decode()
        assert (process.returncode, errors) == (ExitCode.CLEAN, "")

    @linux
    @pytest.mark.usefixtures("project")
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["scan", "project"], "error: cannot write the text report to standard output: No space left on device\n"),
            (["rules", "list"], "error: cannot write to standard output: No space left on device\n"),
        ],
    )
    def test_full_disk(self, arguments: list[str], message: str) -> None:
        with open("/dev/full", "wb") as full, running(arguments, stdout=full) as process:
            errors = pipe(process.stderr).read().decode()
        assert process.returncode == ExitCode.USAGE
        assert errors.startswith(message)
        assert len(errors.splitlines()) <= 2  # nothing fails once more when Python exits


class TestPipe:
    """Where there is no terminal there are no colours, and no progress."""

    @pytest.mark.usefixtures("project")
    def test_no_escape_codes(self, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TERM", "xterm-256color")
        for arguments in (["scan", "project", "missing"], ["rules", "list"], ["rules", "show", "github-pat"]):
            done = command(*arguments)
            assert done.stdout
            assert "\x1b" not in done.stdout + done.stderr

    @pytest.mark.usefixtures("project")
    def test_no_progress(self) -> None:
        done = subprocess.run(impatient("scan", "project"), capture_output=True, timeout=TIMEOUT, check=False)
        assert (done.returncode, done.stderr) == (ExitCode.FINDINGS, b"")

    @pytest.mark.usefixtures("project")
    def test_encoding_that_lacks_characters(self, command: Command, token: Callable[[str], str]) -> None:
        Path("project/größe.py").write_text(token("umlaut"))
        done = command("scan", "project", env={**os.environ, "PYTHONIOENCODING": "ascii"})
        assert done.returncode == ExitCode.FINDINGS
        assert r"project/gr\xf6\xdfe.py:1:1" in done.stdout
        assert done.stdout.isascii()


def impatient(*arguments: str) -> list[str]:
    """The command, as if every scan took long enough for progress."""
    script = f"""
import sys
from pitviper.cli import main, progress
progress._PATIENCE = 0
sys.argv = {["pitviper", *arguments]!r}
main()
"""
    return [sys.executable, "-P", "-c", script]


@posix
class TestTerminal:
    @staticmethod
    def shown(call: list[str], **environment: str) -> str:
        """What `call` writes to a terminal."""
        outer, inner = os.openpty()
        variables = {**os.environ, "TERM": "xterm-256color", **environment}
        with subprocess.Popen(call, stdin=inner, stdout=inner, stderr=inner, env=variables) as process:
            os.close(inner)
            guard = threading.Timer(TIMEOUT, process.kill)
            guard.start()
            text = b""
            with contextlib.suppress(OSError):  # Linux's way to say that the other side is closed
                while piece := os.read(outer, 4096):
                    text += piece
            process.wait(TIMEOUT)
            guard.cancel()
        os.close(outer)
        return text.decode()

    @pytest.mark.usefixtures("project")
    def test_colours(self) -> None:
        shown = self.shown([*PITVIPER, "scan", "project", "missing"])
        assert "\x1b[1;31mcritical\x1b[0m" in shown
        assert "\x1b[31m\x1b[1merror:\x1b[0m" in shown

    @pytest.mark.usefixtures("project")
    @pytest.mark.parametrize(
        "arguments", [["scan", "project", "missing"], ["rules", "show", "github-pat"], ["rules", "list"]]
    )
    def test_no_colours_for_those_who_want_none(self, arguments: list[str]) -> None:
        shown = self.shown([*PITVIPER, *arguments], NO_COLOR="1")
        assert "github-pat" in shown
        assert "\x1b" not in shown

    def test_list_of_rules_is_aligned(self) -> None:
        shown = self.shown([*PITVIPER, "rules", "list"], NO_COLOR="1").splitlines()
        assert shown[0].split() == ["id", "severity", "confidence", "audience", "provider", "name"]
        column = shown[0].index("severity")
        assert {line[column - 2 : column] for line in shown[1:-1]} == {"  "}
        assert " " not in {line[column] for line in shown[1:-1]}

    @pytest.mark.usefixtures("project")
    def test_progress(self) -> None:
        shown = self.shown(impatient("scan", "project"), COLUMNS="100")
        assert "looking" in shown
        assert re.search(r"1 finding\b(?!s)", shown[: shown.index("critical")])
        assert "/?" not in shown
        report = shown.index("\x1b[1;31mcritical")
        assert "looking" not in shown[report:]
        assert "\x1b[2K" in shown[shown.rindex("looking") : report]  # it is wiped off before the report

    @pytest.mark.usefixtures("project")
    @pytest.mark.parametrize("width", [40, 79, 80, 100])
    def test_progress_leaves_room_for_what_a_terminal_writes_itself(self, width: int) -> None:
        """A terminal writes `^C` behind the cursor: in another line, the bar could not be wiped off."""
        bars: list[str] = []
        for _ in range(20):  # a scan may be over before anything is drawn
            shown = self.shown(impatient("scan", "project"), COLUMNS=str(width), NO_COLOR="1")
            lines = re.split(r"[\r\n]+", shown)
            bars = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line) for line in lines if "━" in line]
            if bars:
                break
        assert bars
        assert max(map(len, bars)) <= width - 4

    @pytest.mark.usefixtures("project")
    @pytest.mark.parametrize("option", ["--quiet", "--no-progress"])
    def test_no_progress_for_those_who_want_none(self, option: str) -> None:
        assert "looking" not in self.shown(impatient("scan", "project", option))

    @pytest.mark.usefixtures("project")
    def test_no_progress_in_a_short_scan(self) -> None:
        assert "looking" not in self.shown([*PITVIPER, "scan", "project"])


def test_jobs_make_no_difference(command: Command, token: Callable[[str], str]) -> None:
    for folder in range(6):
        os.makedirs(f"many/{folder}")
        for file in range(100):
            text = token(f"{folder}") if file in (7, 42) else "import os\n"
            Path(f"many/{folder}/{file}.py").write_text(text)
    one, two = (json.loads(command("scan", "many", "-j", jobs, "-o", "json").stdout) for jobs in "12")
    assert len(one["findings"]) == 6
    assert [len(finding["also_at"]) for finding in one["findings"]] == [1] * 6
    assert one["stats"]["blobs"] == 600
    assert without_time(one) == without_time(two)


def test_module_of_the_target_is_not_imported(command: Command) -> None:
    """`python -m` puts the working directory in front of the path: it may be the hostile folder that is scanned.

    Of what Python itself imports before it comes to us nothing can be kept away (but by `python -P`).
    """
    for name in ("click", "msgspec", "hyperscan", "rich"):
        Path(f"{name}.py").write_text("raise SystemExit('imported')\n")
    done = command("scan", ".")
    assert (done.returncode, done.stderr) == (ExitCode.CLEAN, "")
