from __future__ import annotations

import errno
import io
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitviper.errors import OutputError, UsageError
from pitviper.model.report import Report
from pitviper.output import OUTPUTS
from pitviper.output.interface import Style
from pitviper.output.writing import Spec, check, parse_spec, parse_specs, style_of, told, write
from pitviper.rules.schema import Rule

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX has modes, links and FIFOs")
linux = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has a device that is full")
VARIABLES = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "TERM", "COLUMNS")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def stream(encoding: str = "utf-8") -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="")


def written(stream: io.TextIOWrapper) -> bytes:
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue()


def text(name: str, report: Report, rules: dict[str, Rule] | None = None) -> str:
    return "".join(OUTPUTS[name](report, rules or {}, Style()))


class TestParse:
    @pytest.mark.parametrize(
        ("given_spec", "spec"),
        [
            ("text", Spec("text", None)),
            ("json:-", Spec("json", None)),
            ("sarif:scan.sarif", Spec("sarif", "scan.sarif")),
            ("sarif:C:\\out\\scan.sarif", Spec("sarif", "C:\\out\\scan.sarif")),
            ("csv:a:b", Spec("csv", "a:b")),
        ],
    )
    def test_spec(self, given_spec: str, spec: Spec) -> None:
        assert parse_spec(given_spec) == spec

    @pytest.mark.parametrize(
        ("given_spec", "message", "hint"),
        [
            (
                "serif",
                "unknown output format 'serif'",
                "Did you mean 'sarif'? Known formats: text, json, jsonl, sarif, ",
            ),
            ("JSON:x", "unknown output format 'JSON'", "Did you mean 'json'?"),
            ("", "unknown output format ''", "Known formats: text, json"),
            ("\x1b[2J", "unknown output format '\\\\x1b[2J'", "Known formats: "),
            ("sarif:", "the output 'sarif:' names no file", "Write `sarif` or `sarif:FILE`"),
            ("sarif:a\0b", "the output 'sarif:a\\\\x00b' names no file", "Write `sarif`"),
        ],
    )
    def test_mistake(self, given_spec: str, message: str, hint: str) -> None:
        with pytest.raises(UsageError) as caught:
            parse_spec(given_spec)
        assert str(caught.value) == message
        assert caught.value.hint.startswith(hint)

    @given(st.text(st.characters(exclude_categories=())))
    def test_any_text_is_a_spec_or_a_usage_error(self, given_spec: str) -> None:
        try:
            spec = parse_spec(given_spec)
        except UsageError as error:
            told = error
        else:
            assert spec.format in OUTPUTS
            return
        assert str(told).isprintable()

    def test_two_reports_do_not_go_to_one_place(self) -> None:
        assert len(parse_specs(["text", "json:a", "json:b"])) == 2 + 1
        with pytest.raises(UsageError, match="text and json both go to standard output"):
            parse_specs(["text", "json"])
        with pytest.raises(UsageError, match=r"json and csv both go to x/\.\./a"):
            parse_specs(["json:a", "csv:x/../a"])


class TestStandardOutput:
    def test_report(self, report: Report, rules: dict[str, Rule]) -> None:
        out = stream()
        write(report, rules, [Spec("json")], stdout=out)
        assert written(out).decode() == text("json", report)

    def test_default_is_what_sys_has_now(self, report: Report, capsys: pytest.CaptureFixture[str]) -> None:
        write(report, {}, [Spec("jsonl")])
        assert capsys.readouterr().out == text("jsonl", report)

    @pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-16"])
    def test_what_the_encoding_lacks_is_escaped(self, encoding: str, report: Report, rules: dict[str, Rule]) -> None:
        out = stream(encoding)
        write(report, rules, [Spec("text")], stdout=out)
        shown = written(out).decode(encoding)
        assert ("src/größe.py" in shown) == (encoding != "ascii")
        assert ("src/gr\\xf6\\xdfe.py" in shown) == (encoding == "ascii")
        assert ("app.tar ▸ layer 4" in shown) == (encoding == "utf-16")
        assert ("app.tar > layer 4" in shown) == (encoding != "utf-16")

    @linux
    def test_full_disk(self, report: Report) -> None:
        with open("/dev/full", "w", encoding="utf-8") as full, pytest.raises(OutputError) as caught:
            write(report, {}, [Spec("text")], stdout=full)
        assert str(caught.value) == "cannot write the text report to standard output: No space left on device"
        assert caught.value.hint == "Free some space, or choose another disk."

    def test_stream_that_fails_half_way(self, report: Report) -> None:
        class Failing(io.StringIO):
            def write(self, piece: str) -> int:
                if self.tell() > 100:
                    raise OSError(errno.EIO, "Input/output error")
                return super().write(piece)

        with pytest.raises(OutputError, match="cannot write the jsonl report to standard output: Input/output error"):
            write(report, {}, [Spec("jsonl")], stdout=Failing())

    def test_no_standard_output(self, report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stdout", None)
        with pytest.raises(OutputError, match="cannot write the text report to standard output: it is closed"):
            write(report, {}, [Spec("text")])

    @linux
    @pytest.mark.parametrize("target", ["pipe", "/dev/full"])
    def test_no_second_traceback_when_python_exits(self, target: str) -> None:
        script = """
import sys
from pitviper.errors import OutputError
from pitviper.model.gap import Gap, Reason
from pitviper.model.report import Report, Stats, Tool
from pitviper.output.writing import Spec, write
gaps = tuple(Gap(f"{number}.zip", Reason.UNSUPPORTED) for number in range(int(sys.argv[1])))
report = Report(tool=Tool(version="1", rules="r"), targets=(), findings=(), gaps=gaps, stats=Stats())
sys.stdin.readline()
try:
    write(report, {}, [Spec("jsonl")])
except OutputError as error:
    sys.exit(f"{error} / {error.hint}")
"""
        for gaps in (1, 10_000):  # fails when flushed, fails while written
            command = [sys.executable, "-c", script, str(gaps)]
            out = subprocess.PIPE if target == "pipe" else os.open(target, os.O_WRONLY)
            with subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=out, stderr=subprocess.PIPE, text=True
            ) as child:
                if child.stdout:
                    child.stdout.close()
                _, errors = child.communicate("go\n")
            if target != "pipe":
                os.close(out)
            assert child.returncode == 1
            assert len(errors.splitlines()) == 1
            assert errors.startswith("cannot write the jsonl report to standard output: ")


class TestStyle:
    def test_plain_where_there_is_no_terminal(self) -> None:
        assert style_of(stream()) == Style(color=False, width=100, unicode=True)

    def test_colour_on_a_terminal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert style_of(Terminal()).color
        monkeypatch.setenv("TERM", "dumb")
        assert not style_of(Terminal()).color

    @pytest.mark.parametrize(
        ("environment", "on_terminal", "elsewhere"),
        [
            ({"NO_COLOR": ""}, True, False),
            ({"NO_COLOR": "1"}, False, False),
            ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False, False),
            ({"FORCE_COLOR": "1"}, True, True),
            ({"FORCE_COLOR": "1", "TERM": "dumb"}, True, True),
            ({"FORCE_COLOR": ""}, True, False),
            ({"FORCE_COLOR": "0"}, True, False),
            ({"CLICOLOR_FORCE": "1"}, True, True),
            ({"CLICOLOR_FORCE": "0"}, True, False),
        ],
    )
    def test_variables(
        self,
        environment: dict[str, str],
        on_terminal: bool,  # noqa: FBT001 - a column of the table
        elsewhere: bool,  # noqa: FBT001 - a column of the table
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        assert (style_of(Terminal()).color, style_of(stream()).color) == (on_terminal, elsewhere)

    @pytest.mark.parametrize(("columns", "width"), [("20", 40), ("40", 40), ("99", 99), ("160", 160), ("500", 160)])
    def test_width(self, columns: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", columns)
        assert style_of(stream()).width == width

    @pytest.mark.parametrize(
        ("encoding", "unicode"),
        [("utf-8", True), ("utf-16", True), ("gb18030", True), ("ascii", False), ("cp1252", False), ("cp437", False)],
    )
    def test_unicode(self, encoding: str, unicode: bool) -> None:  # noqa: FBT001 - a column of the table
        assert style_of(stream(encoding)).unicode == unicode

    def test_stream_without_an_encoding(self) -> None:
        assert not style_of(io.StringIO()).unicode


class TestFile:
    @pytest.mark.parametrize("name", OUTPUTS)
    def test_report(self, name: str, report: Report, rules: dict[str, Rule], tmp_path: Path) -> None:
        target = tmp_path / "report"
        write(report, rules, [Spec(name, str(target))])
        assert target.read_bytes().decode() == text(name, report, rules)
        assert os.listdir(tmp_path) == ["report"]

    def test_no_colour_in_files(self, report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("COLUMNS", "40")
        write(report, {}, [Spec("text", str(tmp_path / "report"))])
        assert (tmp_path / "report").read_text("utf-8") == text("text", report)

    @posix
    @pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o000, 0o666)])
    def test_new_file_obeys_the_umask(self, umask: int, mode: int, report: Report, tmp_path: Path) -> None:
        before = os.umask(umask)
        try:
            write(report, {}, [Spec("json", str(tmp_path / "new"))])
        finally:
            os.umask(before)
        assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == mode

    @posix
    @pytest.mark.parametrize("mode", [0o600, 0o664, 0o777])
    def test_old_file_keeps_its_mode(self, mode: int, report: Report, tmp_path: Path) -> None:
        old = tmp_path / "old"
        old.write_text("old")
        old.chmod(mode)
        write(report, {}, [Spec("json", str(old))])
        assert old.read_text("utf-8") == text("json", report)
        assert stat.S_IMODE(old.stat().st_mode) == mode

    @posix
    def test_link_stays_a_link(self, report: Report, tmp_path: Path) -> None:
        (tmp_path / "folder").mkdir()
        (tmp_path / "link").symlink_to("folder/new")
        write(report, {}, [Spec("json", str(tmp_path / "link"))])
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "folder" / "new").read_text("utf-8") == text("json", report)

    @pytest.mark.parametrize("place", ["old", "new"])
    @pytest.mark.parametrize("step", ["fsync", "replace"])
    def test_failure_leaves_everything_as_it_was(
        self, place: str, step: str, report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "old").write_text("old")

        def fail(*_: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, step, fail)
        with pytest.raises(OutputError, match="No space left on device"):
            write(report, {}, [Spec("json", str(tmp_path / place))])
        assert os.listdir(tmp_path) == ["old"]
        assert (tmp_path / "old").read_text() == "old"

    @posix
    def test_file_that_cannot_grow(self, report: Report, tmp_path: Path) -> None:
        target = tmp_path / "old"
        target.write_text("old")
        resource = pytest.importorskip("resource")
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))  # a disk that is full after 1,000 bytes
        try:
            with pytest.raises(OutputError) as caught:
                write(report, {}, [Spec("json", str(target))])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert str(caught.value) == f"cannot write the json report to {target}: File too large"
        assert os.listdir(tmp_path) == ["old"]
        assert target.read_text() == "old"

    def test_interrupt_leaves_nothing_behind(
        self, report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupted(*_: object) -> Iterator[str]:
            yield "half"
            raise KeyboardInterrupt

        monkeypatch.setitem(OUTPUTS, "json", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write(report, {}, [Spec("json", str(tmp_path / "new"))])
        assert os.listdir(tmp_path) == []

    @posix
    @pytest.mark.parametrize(
        ("name", "why", "hint"),
        [
            ("", "it is a folder", "Name a file in that folder."),
            ("new/", "it is a folder", "Name a file in that folder."),
            ("missing/scan.json", "No such file or directory", "Create the folder first."),
            ("file/scan.json", "Not a directory", "Create the folder first."),
            ("loop", "Too many levels of symbolic links", "Choose another place for the report."),
            ("n" * 300, "File name too long", "Choose another place for the report."),
        ],
    )
    def test_place_where_no_file_can_be(self, name: str, why: str, hint: str, report: Report, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        (tmp_path / "loop").symlink_to("loop")
        spec = Spec("json", f"{tmp_path}/{name}")
        acts: list[Callable[[], None]] = [lambda: check([spec]), lambda: write(report, {}, [spec])]
        for act in acts:
            with pytest.raises(OutputError) as caught:
                act()
            assert str(caught.value) == f"cannot write the json report to {spec.file}: {why}"
            assert caught.value.hint == hint
        assert sorted(os.listdir(tmp_path)) == ["file", "loop"]

    def test_write_protected_file(self, report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "old").write_text("old")
        monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everything
        with pytest.raises(OutputError) as caught:
            write(report, {}, [Spec("json", str(tmp_path / "old"))])
        assert str(caught.value).endswith("old: Permission denied")
        assert caught.value.hint == "Choose a file that you may write."
        assert (tmp_path / "old").read_text() == "old"

    @posix
    def test_check_accepts_what_can_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "old").write_text("old")
        check(
            [Spec("text"), *(Spec("json", f"{tmp_path}/{name}") for name in ("old", "new")), Spec("csv", "/dev/null")]
        )
        assert os.listdir(tmp_path) == ["old"]

    @posix
    def test_hostile_file_name_is_escaped(self, report: Report, tmp_path: Path) -> None:
        with pytest.raises(OutputError) as caught:
            write(report, {}, [Spec("json", f"{tmp_path}/\x1b[2J/x")])
        assert str(caught.value).isprintable()


class TestSpecialFiles:
    @posix
    def test_pipe_is_written_to(self, report: Report, tmp_path: Path) -> None:
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        read: list[str] = []
        reader = threading.Thread(target=lambda: read.append(pipe.read_text("utf-8")))
        reader.start()
        write(report, {}, [Spec("json", str(pipe))])
        reader.join(10)
        assert read == [text("json", report)]
        assert stat.S_ISFIFO(pipe.stat().st_mode)

    @posix
    def test_devices_stay_devices(self, report: Report) -> None:
        write(report, {}, [Spec("json", "/dev/null")])
        assert stat.S_ISCHR(os.stat("/dev/null").st_mode)

    @linux
    def test_full_device(self, report: Report) -> None:
        with pytest.raises(OutputError, match="cannot write the json report to /dev/full: No space left on device"):
            write(report, {}, [Spec("json", "/dev/full")])

    @posix
    def test_open_stream_is_written_to_even_if_it_is_a_file(self, report: Report, tmp_path: Path) -> None:
        target = tmp_path / "redirected"
        with target.open("w") as file:
            inode = os.fstat(file.fileno()).st_ino
            write(report, {}, [Spec("json", f"/dev/fd/{file.fileno()}")])
        assert target.read_text("utf-8") == text("json", report)
        assert target.stat().st_ino == inode


class TestSeveral:
    def test_all_are_tried(self, report: Report, tmp_path: Path) -> None:
        out = stream()
        specs = [Spec("text"), Spec("json", str(tmp_path / "missing" / "x")), Spec("csv", str(tmp_path / "good"))]
        with pytest.raises(OutputError, match=r"^cannot write the json report to .*: No such file or directory$"):
            write(report, {}, specs, stdout=out)
        assert written(out).decode() == text("text", report)
        assert (tmp_path / "good").read_text("utf-8") == text("csv", report)

    @linux
    def test_every_failure_is_told(self, report: Report, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match=r"json report to .*; cannot write the csv report to /dev/full: No space"):
            write(report, {}, [Spec("json", str(tmp_path)), Spec("csv", "/dev/full")])


class TestTold:
    def test_what_was_found_and_where_it_stands(self, report: Report) -> None:
        specs = [Spec("csv", "x.csv"), Spec("sarif", "a\x1b.sarif")]
        assert told(report, specs, Style()) == (
            "3 findings (2 critical, 1 medium) · 1 ignored in place · 1 in the baseline · 12 more for auditors "
            "(--auditor) · 2 below --min-severity · 1 of other kinds (--only) · 7 left out by --gitignore · 3 gaps: "
            "csv in x.csv, sarif in a\\x1b.sarif"
        )
        assert told(report, specs, Style(unicode=False)).isascii()

    @pytest.mark.parametrize("specs", [[], [Spec("text")], [Spec("json", "a"), Spec("csv")], [Spec("csv", os.devnull)]])
    def test_nothing_where_a_report_goes_to_a_stream(self, specs: list[Spec], report: Report) -> None:
        assert told(report, specs, Style()) == ""
