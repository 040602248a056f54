"""The verb as a library: targets in, findings and a report out."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

import pitviper
from pitviper import scanning
from pitviper.config import Settings
from pitviper.engine.pack import BUFFER, OVERLAP
from pitviper.errors import BaselineError, RuleError, TargetError, UsageError
from pitviper.findings.baseline import Baseline
from pitviper.look import Looker, Outcome
from pitviper.model.finding import Audience, Confidence, Kind, Severity
from pitviper.model.gap import Gap, Reason
from pitviper.model.report import Report
from pitviper.rules.template import make
from pitviper.scanning import Scan
from pitviper.sources.directory import Directory, Files
from pitviper.work import batches

Token = Callable[[str], str]

PATIENCE = 60
"""Seconds after which something hangs."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def many_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if few files were worth more than one process."""
    monkeypatch.setattr(scanning, "_IN_PROCESS_FILES", 1)


def plant(**files: str) -> None:
    """Files by name; `a__b_py` is `a/b.py`."""
    for name, text in files.items():
        path = Path(name.replace("__", "/").replace("_", "."))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def timeless(report: Report) -> Report:
    return msgspec.structs.replace(report, stats=msgspec.structs.replace(report.stats, seconds=0.0))


def paths(report: Report) -> list[str]:
    return [finding.place.path for finding in report.findings]


class TestLibrary:
    def test_findings_as_they_come(self, token: Token) -> None:
        plant(src__a_py=f"TOKEN = '{token('a')}'\n", src__b_py="TOKEN = 1\n", src__c_py=f"\n\n{token('c')}")
        found = [(f.rule, f.severity, f.place.path, f.place.line) for f in pitviper.scan("src")]
        assert found == [("github-pat", "critical", "src/a.py", 1), ("github-pat", "critical", "src/c.py", 3)]

    def test_any_path_is_a_target(self, folder: Path, token: Token) -> None:
        plant(a_py=token("a"))
        for target in (folder, folder / "a.py", str(folder), "a.py", "."):
            assert len(list(pitviper.scan(target))) == 1

    def test_secrets_in_names_are_told_nowhere(self, token: Token) -> None:
        """Not in the path of another finding, of a gap, of a target, nor in what a comment gives as reason."""
        secret = token("name")
        Path(secret).mkdir()
        Path(secret, "a.py").write_text(token("other"))
        Path(secret, "b.py").write_text(f"{token('third')}  # pitviper: allow[github-pat] old")
        os.symlink(f"/nowhere/{secret}", Path(secret, "link"))
        report = pitviper.scan(secret).report()
        assert (len(report.findings), len(report.ignored), len(report.gaps)) == (1, 1, 1)
        assert secret not in msgspec.json.encode(report).decode()

    def test_a_secret_in_the_reason_of_a_comment_at_the_edge_of_a_window(self, token: Token) -> None:
        line = f'a = "{token("a")}" # pitviper: allow[github-pat] old '
        start = BUFFER - OVERLAP - len(line)
        Path("a.txt").write_text("#\n" * (start // 2) + " " * (start % 2) + f"{line}{token('b')}\n" + "#\n" * OVERLAP)
        report = pitviper.scan("a.txt").report()
        assert [one.reason for one in report.ignored] == ["old", "old"]
        assert token("b") not in msgspec.json.encode(report).decode()

    @pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="a file that opens and cannot be read")
    def test_a_target_that_opens_but_cannot_be_read(self) -> None:
        running = Scan(["/proc/self/mem"])
        assert running.unreadable == []
        assert [gap.reason for gap in running.report().gaps] == [Reason.UNREADABLE]
        assert [str(error) for error in running.unreadable] == ["/proc/self/mem: Input/output error"]

    def test_several_targets(self, token: Token) -> None:
        plant(a__x_py=token("x"), b__y_py=token("y"), z_py=token("z"))
        report = pitviper.scan("z.py", "a", "b").report()
        assert report.targets == ("z.py", "a", "b")
        assert sorted(paths(report)) == ["a/x.py", "b/y.py", "z.py"]
        assert (report.stats.artifacts, report.stats.blobs) == (3, 3)

    def test_a_target_that_is_not_there(self, token: Token) -> None:
        plant(a_py=token("a"))
        with pytest.raises(TargetError, match=r"^missing: No such file or directory$"):
            pitviper.scan("a.py", "missing")

    def test_no_target(self) -> None:
        with pytest.raises(UsageError, match=r"^no target$"):
            pitviper.scan()

    def test_a_target_that_is_named_twice_is_looked_into_once(self, token: Token) -> None:
        plant(a__x_py=token("x"), b__y_py="y")
        report = pitviper.scan("b", "a", "b", "a").report()
        assert (report.targets, report.stats.artifacts, report.stats.blobs) == (("b", "a"), 2, 2)
        assert [finding.also_at for finding in report.findings] == [()]

    def test_severity_as_a_word(self, token: Token) -> None:
        plant(a_py=make("key = AKIA{aws-access-key-id}\n", "low") + token("a"))
        found = pitviper.scan(".", settings=Settings(min_severity="high"))  # type: ignore[arg-type]
        assert [finding.rule for finding in found] == ["github-pat"]

    @pytest.mark.parametrize(
        ("settings", "error"),
        [
            (Settings(rules=("missing.toml",)), RuleError),
            (Settings(disable=("no-such-rule",)), RuleError),
            (Settings(baseline="missing"), BaselineError),
        ],
    )
    def test_wrong_settings(self, settings: Settings, error: type[Exception]) -> None:
        with pytest.raises(error):
            pitviper.scan(".", settings=settings)

    @pytest.mark.parametrize("name", pitviper.__all__)
    def test_public_names(self, name: str) -> None:
        assert getattr(pitviper, name) is not None

    def test_no_other_names(self) -> None:
        with pytest.raises(AttributeError, match="module 'pitviper' has no attribute 'nothing'"):
            pitviper.nothing  # noqa: B018 - the access is the test


class TestReport:
    def test_says_what_was_looked_at(self, token: Token) -> None:
        text = f"TOKEN = '{token('a')}'\n"
        plant(a_py=text, b_py="x")
        report = pitviper.scan(".").report()
        assert report.schema == "pitviper.report/1"
        assert (report.tool.name, report.tool.version) == ("pitviper", pitviper.__version__)
        assert len(report.tool.rules) == 16
        assert (report.stats.blobs, report.stats.bytes) == (2, len(text) + 1)
        assert report.stats.seconds >= 0
        assert not report.interrupted
        (finding,) = report.findings
        assert (finding.kind, finding.rule, finding.severity) == (Kind.SECRET, "github-pat", Severity.CRITICAL)
        assert (finding.confidence, finding.audience) == (Confidence.CERTAIN, Audience.EVERYONE)
        assert (finding.place.line, finding.place.column, finding.place.offset) == (1, 10, 9)
        assert [(link.kind, link.name) for link in finding.place.chain] == [("tree", "."), ("file", "a.py")]
        assert finding.secret
        assert finding.secret.value is None
        assert token("a") not in repr(report)
        assert token("a").encode() not in msgspec.json.encode(report)

    def test_groups_equal_secrets(self, token: Token) -> None:
        plant(b_py=f"{token('a')}\n\n{token('a')}", a__c_py=token("a"), d_py=token("d"))
        same, other = pitviper.scan(".").report().findings
        assert (same.place.path, same.place.line) == ("a/c.py", 1)
        assert [(place.path, place.line) for place in same.also_at] == [("b.py", 1), ("b.py", 3)]
        assert (other.place.path, other.also_at) == ("d.py", ())

    def test_the_worst_first_then_by_place(self, token: Token) -> None:
        high = make("ghu_{base62:30}{crc32-base62}", "high")
        plant(a_py=high, b_py=token("b"), c_py=f"x\n{token('c2')}\n{token('c3')}\n")
        found = [(f.severity, f.place.path, f.place.line) for f in pitviper.scan(".").report().findings]
        assert found == [
            (Severity.CRITICAL, "b.py", 1),
            (Severity.CRITICAL, "c.py", 2),
            (Severity.CRITICAL, "c.py", 3),
            (Severity.HIGH, "a.py", 1),
        ]

    def test_what_nobody_could_look_into(self, folder: Path, token: Token) -> None:
        plant(a_py=token("a"))
        (folder / "b.gz").write_bytes(b"\x1f\x8b\x08\0" + bytes(30))
        (folder / "away").symlink_to("/")
        report = pitviper.scan(".").report()
        assert [(gap.path, gap.reason) for gap in report.gaps] == [
            ("away", Reason.OUTSIDE_SYMLINK),
            ("b.gz!/b", Reason.DAMAGED),
        ]
        assert paths(report) == ["a.py"]

    def test_names_of_targets_are_escaped(self, folder: Path) -> None:
        (folder / "\x1b[2J").mkdir()
        assert pitviper.scan("\x1b[2J").report().targets == ("\\x1b[2J",)

    def test_what_gitignore_leaves_out_is_counted_once(self, token: Token) -> None:
        plant(_gitignore="a.py\nd/\n", a_py=token("a"), b_py=token("b"), d__c_py=token("c"))
        running = Scan(["."], Settings(gitignore=True))
        assert running.sources[0].size() > 0  # as somebody does who shows progress
        report = running.report()
        assert paths(report) == ["b.py"]
        assert report.stats.skipped == 2
        assert pitviper.scan(".").report().stats.skipped == 0


class TestSettings:
    @pytest.fixture(autouse=True)
    def planted(self, token: Token) -> None:
        low = make("ghu_{base62:30}{crc32-base62}", "low")
        plant(
            src__a_py=token("a"),
            src__b_py=low,
            src__c_py=f"{token('c')}  # pitviper: allow[github-pat] revoked\n",
        )

    def test_what_they_hide_is_counted(self) -> None:
        def hidden(settings: Settings) -> tuple[int, int, int, int]:
            report = pitviper.scan("src", settings=settings).report()
            counts = report.stats.hidden
            return len(report.findings), counts.severity, counts.kind, counts.auditor

        assert hidden(Settings()) == (2, 0, 0, 0)
        assert hidden(Settings(min_severity=Severity.CRITICAL)) == (1, 1, 0, 0)
        assert hidden(Settings(only=(Kind.HYGIENE,))) == (0, 0, 3, 0)

    def test_what_is_for_auditors(self) -> None:
        example = make('password = "{password:16}"', "auditor")
        plant(tests__test_a_py=example)
        everyone = pitviper.scan("tests").report()
        auditor = pitviper.scan("tests", settings=Settings(auditor=True)).report()
        assert everyone.findings == ()
        assert everyone.stats.hidden.auditor == len(auditor.findings) == 1
        assert auditor.findings[0].audience is Audience.AUDITOR

    def test_what_was_accepted_in_place(self, token: Token) -> None:
        report = pitviper.scan("src").report()
        assert [(item.finding.place.path, item.reason) for item in report.ignored] == [("src/c.py", "revoked")]
        strict = pitviper.scan("src", settings=Settings(allow_comments=False)).report()
        assert "src/c.py" in paths(strict)
        assert strict.ignored == ()
        assert token("c") not in repr(report)

    def test_a_rule_that_is_off(self) -> None:
        assert paths(pitviper.scan("src", settings=Settings(disable=("github-pat",))).report()) == ["src/b.py"]

    def test_secrets_are_shown_on_demand(self, token: Token) -> None:
        report = pitviper.scan("src/a.py", settings=Settings(show_secrets=True)).report()
        assert [f.secret and f.secret.value for f in report.findings] == [token("a")]

    def test_a_baseline(self, token: Token) -> None:
        baseline = Baseline.new()
        baseline.accept(pitviper.scan("src/a.py").report().findings)
        baseline.save("known")
        plant(src__d__moved_py=f"\n\n{token('a')}")
        running = pitviper.scan("src", settings=Settings(baseline="known"))
        assert [finding.place.path for finding in running] == ["src/b.py"]
        report = running.report()
        assert paths(report) == ["src/b.py"]
        (suppressed,) = report.suppressed
        assert suppressed.place.path == "src/a.py"
        assert [place.path for place in suppressed.also_at] == ["src/d/moved.py"]


class TestStreaming:
    def test_a_report_does_not_look_again(self, token: Token, monkeypatch: pytest.MonkeyPatch) -> None:
        plant(a_py=token("a"), b_py=token("b"))
        outcomes: list[int] = []
        running = Scan(["."], Settings(), on_outcome=lambda outcome: outcomes.append(outcome.blobs))
        assert len(list(running)) == 2
        assert sum(outcomes) == 2
        monkeypatch.setattr(Looker, "_search_pack", None)
        report = running.report()
        assert len(report.findings) == 2
        assert timeless(running.report()) == timeless(report)
        assert list(running) == []

    def test_a_report_looks_into_what_is_left(self, token: Token) -> None:
        plant(a__a_py=token("a"), b__b_py=token("b"))
        running = pitviper.scan("a", "b")
        assert next(iter(running)).place.path == "a/a.py"
        assert paths(running.report()) == ["a/a.py", "b/b.py"]

    def test_progress_is_told(self, token: Token) -> None:
        plant(a__a_py=token("a"), b__b_py=f"{token('b')}\n{token('c')}")
        told: list[tuple[int, int, int]] = []

        def on_outcome(outcome: Outcome) -> None:
            told.append((outcome.blobs, outcome.bytes, len(outcome.findings)))

        Scan(["a", "b"], Settings(), on_outcome=on_outcome).report()
        assert told == [(1, 40, 1), (1, 81, 2)]

    def test_standard_input(self, token: Token) -> None:
        kept = os.dup(0)
        reading, writing = os.pipe()
        os.write(writing, f"x\n{token('stdin')}".encode())
        os.close(writing)
        os.dup2(reading, 0)
        os.close(reading)
        try:
            report = pitviper.scan("-").report()
        finally:
            os.dup2(kept, 0)
            os.close(kept)
        assert [(f.place.path, f.place.line) for f in report.findings] == [("<stdin>", 2)]
        assert report.targets == ("-",)

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="POSIX has FIFOs")
    def test_a_fifo(self, folder: Path, token: Token) -> None:
        os.mkfifo(folder / "fifo")

        def write() -> None:
            with open("fifo", "w", encoding="utf-8") as file:
                file.write("x = 1\n" * 600_000 + token("fifo"))

        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        report = pitviper.scan("fifo").report()
        writer.join(PATIENCE)
        assert [(f.place.path, f.place.line, f.place.offset) for f in report.findings] == [("fifo", 600_001, 3_600_000)]


class TestInterrupted:
    def test_keeps_what_was_found(self, token: Token) -> None:
        plant(a__a_py=f"{token('a')}\n{token('b')}", b__b_py=token("c"))
        running = pitviper.scan("a", "b")
        assert next(iter(running)).place.line == 1
        running.stop()
        report = running.report()
        assert report.interrupted
        assert [(f.place.path, f.place.line) for f in report.findings] == [("a/a.py", 1), ("a/a.py", 2)]
        assert report.stats.blobs == 1
        assert list(running) == []

    def test_before_it_began(self, token: Token) -> None:
        plant(a_py=token("a"))
        running = pitviper.scan(".")
        running.stop()
        report = running.report()
        assert (report.interrupted, report.findings, report.stats.blobs) == (True, (), 0)

    def test_by_an_exception(self, token: Token) -> None:
        plant(a__a_py=token("a"), b__b_py=token("b"))

        def on_outcome(outcome: Outcome) -> None:
            if outcome.findings[0].place.path == "b/b.py":
                raise KeyboardInterrupt

        running = Scan(["a", "b"], Settings(), on_outcome=on_outcome)
        with pytest.raises(KeyboardInterrupt):
            list(running)
        running.stop()
        report = running.report()
        assert report.interrupted
        assert paths(report) == ["a/a.py"]

    @pytest.mark.usefixtures("many_processes")
    def test_with_several_processes(self, token: Token) -> None:
        plant(**{f"d__f{number}_py": token(str(number)) for number in range(300)})
        running = pitviper.scan("d", settings=Settings(jobs=2))
        next(iter(running))
        running.stop()
        report = running.report()
        assert report.interrupted
        assert 0 < len(report.findings) <= 300


class TestMissing:
    def test_the_others_are_looked_into(self, token: Token) -> None:
        plant(a_py=token("a"))
        running = Scan(["missing", "a.py", "a: b"])
        assert [str(error) for error in running.unreadable] == [
            "missing: No such file or directory",
            "a: b: No such file or directory",
        ]
        report = running.report()
        assert paths(report) == ["a.py"]
        assert report.targets == ("missing", "a.py", "a: b")
        assert report.stats.artifacts == 1
        assert report.gaps == (
            Gap("a: b", Reason.UNREADABLE, "No such file or directory"),
            Gap("missing", Reason.UNREADABLE, "No such file or directory"),
        )


class TestJobs:
    @pytest.fixture
    def planted(self, token: Token) -> None:
        for number in range(60):
            plant(**{f"t__d{number % 7}__f{number}_py": f"{token(str(number % 40))}\n" * (number % 3)})
        plant(t__ignored_py=f"{token('i')}  # pitviper: allow[github-pat] fake\n")
        Path("t/link").symlink_to("/")
        Path("t/big.py").write_text(f"{'x = 1' * 800_000}\n{token('big')}\n")
        Path("t/a.gz").write_bytes(b"\x1f\x8b\x08\0" + bytes(30))

    @pytest.mark.usefixtures("planted", "many_processes")
    def test_the_report_does_not_depend_on_them(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(scanning, "batches", lambda parts, size=5: batches(parts, min(size, 5)))
        alone, *others = [timeless(pitviper.scan("t", settings=Settings(jobs=jobs)).report()) for jobs in (1, 2, 8)]
        assert others == [alone] * 2
        assert len(alone.findings) == 1 + len({number % 40 for number in range(60) if number % 3})
        assert alone.stats.blobs == 64
        assert (len(alone.ignored), len(alone.gaps)) == (1, 2)

    @pytest.mark.usefixtures("planted")
    @pytest.mark.parametrize("jobs", [1, 2])
    def test_few_files_need_no_other_process(self, jobs: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(subprocess, "Popen", None)
        assert pitviper.scan("t", settings=Settings(jobs=jobs)).report().stats.blobs == 64

    @pytest.mark.parametrize(("size", "wanted"), [(99, False), (100, True), (101, True)])
    def test_few_files_are_worth_several_if_they_are_big(
        self, monkeypatch: pytest.MonkeyPatch, size: int, *, wanted: bool
    ) -> None:
        plant(d__a_py="x" * 50, d__b_py="x" * (size - 50))
        monkeypatch.setattr(scanning, "_IN_PROCESS_BYTES", 100)
        runs: list[list[list[bytes]]] = []

        class Recording:
            def __init__(self, *_: object) -> None:
                pass

            def run(self, pieces: Iterator[list[Files]]) -> Iterator[Outcome]:
                runs.append([[name for part in piece for name in part.names] for piece in pieces])
                yield from ()

        monkeypatch.setattr(scanning, "Pool", Recording)
        pitviper.scan("d", settings=Settings(jobs=2)).report()
        assert runs == ([[[b"a.py"], [b"b.py"]]] if wanted else [])

    @pytest.mark.usefixtures("many_processes")
    def test_a_defect_in_listing_is_raised(self, token: Token, monkeypatch: pytest.MonkeyPatch) -> None:
        plant(a__a_py=token("a"), b__b_py=token("b"), c__c_py=token("c"))
        listing = Directory.parts

        def parts(source: Directory) -> Iterator[Files | Gap]:
            for number, part in enumerate(listing(source)):
                if number == 2:
                    raise ZeroDivisionError
                yield part

        monkeypatch.setattr(Directory, "parts", parts)
        with pytest.raises(ZeroDivisionError):
            pitviper.scan(".", settings=Settings(jobs=2)).report()


SCRIPT = """
import sys
import pitviper, pitviper.scanning
from pitviper import Settings

print("script")
pitviper.scanning._IN_PROCESS_FILES = 1
for finding in pitviper.scan(sys.argv[1], settings=Settings(jobs=3)):
    print(finding.place.path)
"""


class TestProcesses:
    def test_a_script_without_a_guard(self, folder: Path, token: Token) -> None:
        (folder / "script.py").write_text(SCRIPT)
        plant(**{f"d__f{number}_py": token(str(number)) for number in range(20)})
        done = subprocess.run(
            [sys.executable, "script.py", "d"], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        first, *found = done.stdout.split()
        assert first == "script"  # once: no child runs it again
        assert sorted(found) == sorted(f"d/f{number}.py" for number in range(20))

    def test_modules_in_the_working_directory_are_not_imported(self, folder: Path, token: Token) -> None:
        hostile = ["msgspec", "click", "hyperscan", "platformdirs", "pathspec", "rich", "json", "tempfile", "struct"]
        for name in hostile:
            (folder / f"{name}.py").write_text(f"open('{name} was imported', 'w')\nraise SystemExit(77)\n")
        for number in range(scanning._IN_PROCESS_FILES):
            (folder / f"f{number}.txt").write_text("")
        (folder / "a.txt").write_text(token("a"))
        trap = [sys.executable, "-c", "import click"]
        command = [sys.executable, "-m", "pitviper", "scan", ".", "-j", "3", "-o", "json", "--gitignore"]
        codes = [subprocess.run(line, capture_output=True, timeout=PATIENCE, check=False) for line in (trap, command)]
        assert [done.returncode for done in codes] == [77, 1], codes[1].stderr
        assert [path.name for path in folder.glob("* was imported")] == ["click was imported"]  # by the trap
        report = msgspec.json.decode(codes[1].stdout, type=Report)
        assert paths(report) == ["a.txt"]
        assert report.stats.blobs == scanning._IN_PROCESS_FILES + 1 + len(hostile) + 1
